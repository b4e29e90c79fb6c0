"""The made-up world: the same for the same seed, fit for import, and plausible."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bg_assets.files.header import Kind
from bg_assets.files.reading import open_import
from bg_assets.files.rows import Row
from bg_assets.sample import world
from bg_assets.sample.world import PersonRow, generate_companies, generate_people, write_sample

SEED = 7


@pytest.fixture(scope="module")
def people() -> list[PersonRow]:
    return list(generate_people(generate_companies(200, SEED), SEED))


def digest(companies: int, seed: int) -> str:
    """Of companies and their people."""
    staff = list(generate_people(generate_companies(companies, seed), seed))
    whole = [*generate_companies(companies, seed), *staff]
    return hashlib.sha256("\n".join(map(repr, whole)).encode()).hexdigest()[:16]


def test_a_seed_gives_the_same_world_everywhere() -> None:
    assert digest(30, SEED) == "9549e88caacdee72"
    assert digest(30, SEED + 1) != digest(30, SEED)


def test_the_hash_seed_of_a_process_does_not_matter() -> None:
    code = "from bg_assets_tests.sample.test_world import digest; print(digest(5, 1))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert found == {digest(5, 1) + "\n"}


def test_a_smaller_world_is_the_beginning_of_a_larger_one() -> None:
    assert list(generate_companies(5, SEED)) == list(generate_companies(9, SEED))[:5]


def test_every_row_of_a_sample_can_be_imported(tmp_path: Path) -> None:
    companies, people, counts = write_sample(tmp_path / "new" / "folder", 60, SEED)
    kinds: dict[Kind, Path] = {"companies": companies, "people": people}
    for (kind, path), count in zip(kinds.items(), counts, strict=True):
        with open_import(path, kind, {}, False) as file:
            rows = list(file.rows())
        assert len(rows) == count
        assert all(isinstance(row, Row) for row in rows)
    assert sorted(p.name for p in companies.parent.iterdir()) == ["companies.csv", "people.csv"]


def test_a_sample_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "people.csv").write_text("before")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(world, "posts", fail)
    with pytest.raises(OSError, match="disk full"):
        write_sample(tmp_path, 3, SEED)
    assert [p.name for p in tmp_path.iterdir()] == ["people.csv"]
    assert (tmp_path / "people.csv").read_text() == "before"


def test_a_sample_goes_through_links_and_pipes(tmp_path: Path) -> None:
    (tmp_path / "companies.csv").symlink_to("real.csv")
    os.mkfifo(tmp_path / "people.csv")
    reader = os.open(tmp_path / "people.csv", os.O_RDONLY | os.O_NONBLOCK)
    write_sample(tmp_path, 1, SEED)
    assert (tmp_path / "companies.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("id,name")
    assert os.read(reader, 13) == b"id,company_id"
    os.close(reader)
    assert (tmp_path / "people.csv").is_fifo()


def test_ids_are_unique_and_addresses_too(people: list[PersonRow]) -> None:
    assert len({person.id for person in people}) == len(people)
    addresses = [person.email for person in people if person.email]
    assert len(set(addresses)) == len(addresses)


def test_reporting_lines_are_a_tree_inside_each_company(people: list[PersonRow]) -> None:
    seen: dict[str, str] = {}
    roots = Counter(person.company_id for person in people if person.level == "owner")
    for person in people:
        # Managers stand before their people, so that there can be no cycle.
        if person.manager_id is not None:
            assert seen[person.manager_id] == person.company_id
        seen[person.id] = person.company_id
    assert set(roots.values()) <= {1}
    assert sum(person.manager_id is None for person in people) < 0.1 * len(people)


def test_addresses_are_on_reserved_domains_only(people: list[PersonRow]) -> None:
    assert all(person.email.endswith(".example") for person in people if person.email)
    for company in generate_companies(200, SEED):
        assert company.mail.endswith(".example")
        assert company.website is None or company.website.endswith(".example/")


def test_sizes_are_heavy_tailed() -> None:
    sizes = sorted(company.employees for company in generate_companies(2000, SEED))
    assert 30 <= sizes[1000] <= 90
    assert sum(sizes[-100:]) > 0.6 * sum(sizes)
    assert sizes[0] >= 1
    assert sizes[-1] > 10_000


@pytest.mark.parametrize(
    ("column", "least", "most"),
    [
        ("name", 0.0005, 0.02),
        ("title", 0.02, 0.04),
        ("department", 0.12, 0.18),
        ("email", 0.09, 0.15),
        ("location", 0.06, 0.1),
        ("start_date", 0.08, 0.12),
    ],
)
def test_some_of_every_column_is_unknown(
    people: list[PersonRow], column: str, least: float, most: float
) -> None:
    share = sum(getattr(person, column) is None for person in people) / len(people)
    assert least <= share <= most


def test_titles_repeat_as_in_real_staff_lists(people: list[PersonRow]) -> None:
    titles = Counter(person.title for person in people if person.title)
    assert 0.03 < len(titles) / sum(titles.values()) < 0.16
    assert any("Leiter" in title for title in titles)
    assert any("🚀" in title for title in titles)


def test_levels_narrow_towards_the_top(people: list[PersonRow]) -> None:
    levels = Counter(person.level for person in people)
    assert levels["staff"] > levels["senior"] > levels["manager"]
    assert levels["manager"] > levels["director"] > levels["owner"]


def test_names_come_in_several_scripts(people: list[PersonRow]) -> None:
    text = "".join(person.name or "" for person in people)
    for first, last in (("а", "я"), ("一", "龥"), ("ا", "ي"), ("à", "ö")):
        assert any(first <= c <= last for c in text)


def test_a_few_have_left_after_they_came(people: list[PersonRow]) -> None:
    left = [person for person in people if person.status == "left"]
    assert 0.02 < len(left) / len(people) < 0.06
    for person in left:
        assert person.end_date is not None
        assert person.start_date is None or person.start_date <= person.end_date <= world.TODAY
