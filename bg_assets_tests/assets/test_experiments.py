"""Two versions of a template side by side, in real refreshes: one is shown, both are computed."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import sensors
from bg_assets.assets import group_checks
from bg_assets.domain.experiments.assignment import Split
from bg_assets.domain.groups import group as rules
from bg_assets.domain.products.template import Template, parse_template
from bg_assets.products.files import SHIPPED
from bg_assets.storage import database, experiments
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.refreshing import World, metadata

FINANCE = (SHIPPED / "finance_system.yaml").read_text(encoding="utf-8")
A = FINANCE.replace("name: finance_system", "name: books")
# Fewer people, and nobody who blocks.
B = A.replace("deal_size: 120000", "deal_size: 40000").replace("    required: 1\n    priority: 3",
    "    required: 0\n    priority: 3")  # fmt: skip
COMPANIES = tuple(f"co-{number}" for number in range(6))


@pytest.fixture
def own(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the only product, in a folder of its own."""
    monkeypatch.setenv("BG_TEMPLATES", str(tmp_path))
    monkeypatch.setenv("BG_PRODUCTS", "books")
    path = tmp_path / "books.yaml"
    path.write_text(A, encoding="utf-8")
    return path


def read(text: str) -> Template:
    return parse_template(text, "a test")


def start(world: World, number: int = 1) -> Split:
    """Start it, with an id that divides the companies the same way each time."""
    with world.engine.begin() as conn:
        found = experiments.start(conn, "books", (read(A).hash, A), (read(B).hash, B), 50, "ann")
        assert found is not None
        split = Split(str(uuid.UUID(int=number)), 50)
        conn.execute(
            sa.text("update bg.experiments set id = cast(:new as uuid) where id = :old"),
            {"new": split.experiment_id, "old": found},
        )
    return split


def one_shown(split: Split, letter: str, name: str) -> str:
    """A company by this name and a number that is shown this version."""
    return next(c for n in range(100) if split.variant(c := f"{name}-{n}") == letter)


def stop(world: World, split: Split, kept: Any = None) -> None:
    with world.engine.begin() as conn:
        assert experiments.stop(conn, split.experiment_id, "ann", kept, {})


def follow(world: World) -> set[str]:
    """Ticks and their runs until nothing is due; the companies that were refreshed."""
    found: set[str] = set()
    while True:
        sensors.follow_templates(world.engine)
        requests = world.claim()
        if not requests:
            return found
        for request in requests:
            world.run(request)
            found |= set(request.companies)


def hashes(world: World) -> dict[str, str]:
    return dict(world.sql("select company_id, template_hash from bg.buyer_groups"))


def kept(world: World) -> dict[str, Any]:
    with world.engine.connect() as conn:
        rows = conn.execute(sa.text("select * from bg.experiment_groups")).mappings()
        return {row["company_id"]: row for row in rows}


def is_arranged(world: World) -> bool:
    return bool(world.sql("select arranged_at is not null from bg.experiments")[0][0])


def run_one(world: World) -> tuple[World, Split]:
    """Companies with their groups, and an experiment that has been followed."""
    world.build(*COMPANIES)
    assert follow(world) == set()
    split = start(world)
    assert follow(world) == {one for one in COMPANIES if split.variant(one) == "b"}
    return world, split


@pytest.fixture
def running(world: World, own: Path) -> tuple[World, Split]:
    """An experiment of the test's own."""
    return run_one(world)


@pytest.fixture(scope="module")
def shared(
    postgres: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, Split]]:
    """An experiment of all tests here that end nothing: each has companies of its own."""
    url, folder = postgres.clone(template), tmp_path_factory.mktemp("templates")
    (folder / "books.yaml").write_text(A, encoding="utf-8")
    engine = database.make_engine(url)
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        for name, value in (("DATABASE_URL", url), ("TEMPLATES", folder), ("PRODUCTS", "books")):
            patch.setenv(f"BG_{name}", str(value))
        yield run_one(World(engine, instance))
    engine.dispose()
    postgres.drop(url)


def test_exactly_the_companies_that_are_to_be_shown_b_are_refreshed_and_only_once(
    shared: tuple[World, Split],
) -> None:
    world, split = shared
    assert hashes(world) == {
        one: read(B if split.variant(one) == "b" else A).hash for one in COMPANIES
    }
    assert is_arranged(world)
    assert follow(world) == set()
    told = world.sql("select distinct source, kind, priority, new ->> 'asked' from bg.changes "
                     "where source = 'template'")  # fmt: skip
    assert told == [("template", "resync", -5, "experiment")]


def test_both_groups_are_of_the_same_refresh_and_the_one_not_shown_is_nowhere_else(
    shared: tuple[World, Split],
) -> None:
    world, split = shared
    world.execute(next(one for one in COMPANIES if split.variant(one) == "a"))
    both = kept(world)
    assert {row["shown"] for row in both.values()} == {"a", "b"}
    for company, row in both.items():
        assert row["shown"] == split.variant(company)
        shown = world.members(company)
        other = row["members"]
        assert row[f"size_{row['shown']}"] == len(shown)
        assert row["size_a"] + row["size_b"] == len(shown) + len(other)
        assert row["members_overlap"] == len(shown.keys() & other) / len(shown.keys() | other)
        ((refresh, digest),) = world.sql(
            "select refresh_id, template_hash from bg.buyer_groups where company_id = :c", c=company
        )
        assert (refresh, digest) == (row["refresh_id"], hashes(world)[company])
        assert row["size_b"] < row["size_a"]
        told = world.sql(
            "select person_id from bg.buyer_group_history where company_id = :c and event in "
            "('joined', 'left') group by 1 having sum(case event when 'joined' then 1 else -1 end) "
            "> 0",
            c=company,
        )
        assert {who for (who,) in told} == shown.keys()


def test_the_partition_tells_which_version_it_shows(shared: tuple[World, Split]) -> None:
    world, split = shared
    company = COMPANIES[1]
    shown = metadata(world, world.execute(company))[company]
    letter = split.variant(company)
    digest = read(A if letter == "a" else B).hash
    assert shown["experiment"] == (
        f"books: version {letter} of an experiment is shown here ({digest})"
    )


def test_without_an_experiment_no_partition_speaks_of_one(world: World, own: Path) -> None:
    world.add("acme")
    (request,) = world.claim()
    assert "experiment" not in metadata(world, world.run(request))["acme"]
    assert kept(world) == {}


def test_a_pin_and_an_exclusion_count_in_both_versions(shared: tuple[World, Split]) -> None:
    world, split = shared
    of_each = [one_shown(split, letter, "word") for letter in "ab"]
    world.build(*of_each)
    for company in of_each:
        for action, person, role in (("exclude", "fd", None), ("pin", "pm", "champion")):
            world.sql(
                "insert into bg.member_overrides (company_id, product, person_id, action, role, "
                "by, reason) values (:c, 'books', :p, :action, :role, 'ann', 'why')",
                c=company, p=f"{company}-{person}", action=action, role=role,
            )  # fmt: skip
        world.execute(company)
        both = world.members(company), kept(world)[company]["members"]
        for members in both:
            assert f"{company}-fd" not in members
            assert members[f"{company}-pm"] == "champion"


def test_who_leaves_leaves_both(shared: tuple[World, Split]) -> None:
    world, split = shared
    company = one_shown(split, "a", "leaving")
    world.build(company)
    assert f"{company}-cfo" in kept(world)[company]["members"]
    world.sql("update bg.people set status = 'left' where id = :id", id=f"{company}-cfo")
    world.execute(company)
    assert f"{company}-cfo" not in world.members(company)
    assert f"{company}-cfo" not in kept(world)[company]["members"]


def test_a_company_that_is_deleted_goes_from_the_experiment_too(
    shared: tuple[World, Split],
) -> None:
    world, split = shared
    company = one_shown(split, "b", "deleted")
    world.build(company)
    assert company in kept(world)
    world.sql("update bg.companies set deleted_at = now() where id = :id", id=company)
    follow(world)
    assert company not in kept(world)
    assert company not in hashes(world)


def test_a_company_that_is_new_is_shown_its_version_at_once(shared: tuple[World, Split]) -> None:
    world, split = shared
    world.build("new-1", "new-2", "new-3")
    assert {"new-1", "new-2", "new-3"} <= kept(world).keys()
    for one in ("new-1", "new-2", "new-3"):
        assert hashes(world)[one] == read(B if split.variant(one) == "b" else A).hash


def test_a_version_that_fails_where_it_is_not_shown_harms_nothing(
    shared: tuple[World, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, split = shared
    company = one_shown(split, "b", "poisoned")
    world.build(company)
    assert company in kept(world)
    real = rules.weigh
    bad = read(A).hash

    def weigh(company: Any, staff: Any, template: Template, *rest: Any) -> Any:
        if template.hash == bad:
            raise ValueError("poison")
        return real(company, staff, template, *rest)

    monkeypatch.setattr(rules, "weigh", weigh)
    shown = metadata(world, world.execute(company))[company]
    assert shown["members"] > 0
    assert shown["experiment"].endswith("; there is no group by the other one")
    assert company not in kept(world)
    assert world.status(company)[-1] == "completed"


def test_checks_judge_each_group_by_the_version_that_built_it(
    shared: tuple[World, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, split = shared
    seen: dict[str, str] = {}
    real = group_checks.judge

    def judge(groups: Any, templates: Any) -> Any:
        seen.update({one.company_id: templates["books"].hash for one in groups})
        return real(groups, templates)

    monkeypatch.setattr(group_checks, "judge", judge)
    judged = {one_shown(split, letter, "judged"): letter for letter in "ab"}
    world.build(*judged)
    assert {one: seen[one] for one in judged} == {
        one: read(B if letter == "b" else A).hash for one, letter in judged.items()
    }


@pytest.mark.slow
def test_after_a_stop_all_are_of_the_file_again_and_nothing_of_it_is_left(
    running: tuple[World, Split],
) -> None:
    world, split = running
    moved = {one for one in COMPANIES if split.variant(one) == "b"}
    stop(world, split)
    assert kept(world) == {}
    assert follow(world) == moved
    assert set(hashes(world).values()) == {read(A).hash}
    world.execute(COMPANIES[0])
    assert kept(world) == {}


def test_what_a_stop_keeps_is_in_force_until_the_file_is_another(
    running: tuple[World, Split], own: Path
) -> None:
    world, split = running
    stop(world, split, "b")
    assert follow(world) == {one for one in COMPANIES if split.variant(one) == "a"}
    assert set(hashes(world).values()) == {read(B).hash}
    assert sensors.follow_templates(world.engine) == [
        "books is as its last experiment left it (version b) until its file changes"
    ]
    other = A.replace("deal_size: 120000", "deal_size: 90000")
    own.write_text(other, encoding="utf-8")
    assert follow(world) == set(COMPANIES)
    assert set(hashes(world).values()) == {read(other).hash}
    # What was kept does not come back with the file of then.
    own.write_text(A, encoding="utf-8")
    follow(world)
    assert set(hashes(world).values()) == {read(A).hash}


@pytest.mark.slow
def test_a_file_that_changes_meanwhile_waits_for_the_stop_and_that_is_told(
    running: tuple[World, Split], own: Path
) -> None:
    world, split = running
    before = hashes(world)
    other = A.replace("deal_size: 120000", "deal_size: 90000")
    own.write_text(other, encoding="utf-8")
    assert sensors.follow_templates(world.engine) == [
        "the file of books is another than version a of the experiment that runs: it comes into "
        "force when that is stopped"
    ]
    assert follow(world) == set()
    world.execute(COMPANIES[0])
    assert hashes(world) == before
    stop(world, split)
    assert follow(world) == set(COMPANIES)
    assert set(hashes(world).values()) == {read(other).hash}


def test_a_refresh_that_began_before_and_ended_by_the_old_rule_is_asked_for_again(
    world: World, own: Path
) -> None:
    world.build(*COMPANIES)
    follow(world)
    split = start(world)
    late = next(one for one in COMPANIES if split.variant(one) == "b")
    world.sql(
        "insert into bg.buyer_group_refresh_log (company_id, status, reason, triggered_by, run_id, "
        "started_at) values (:c, 'running', 'x', 'x', 'old run', now() - interval '1 minute')",
        c=late,
    )
    moved = follow(world)
    assert late not in moved
    assert not is_arranged(world)
    world.sql("update bg.buyer_group_refresh_log set status = 'completed', finished_at = now() "
              "where run_id = 'old run'")  # fmt: skip
    assert follow(world) == {late}
    assert hashes(world)[late] == read(B).hash
    follow(world)
    assert is_arranged(world)


@pytest.mark.slow
def test_a_refresh_that_ends_after_the_stop_leaves_no_figures(
    running: tuple[World, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, split = running
    company = COMPANIES[0]
    real = rules.weigh
    stopped: list[int] = []

    def weigh(*arguments: Any) -> Any:
        if not stopped:
            stopped.append(1)
            stop(world, split)
        return real(*arguments)

    monkeypatch.setattr(rules, "weigh", weigh)
    world.execute(company)
    assert stopped == [1]
    assert kept(world) == {}
    assert follow(world) == {one for one in COMPANIES if split.variant(one) == "b"}


def test_two_at_once_for_a_product_are_one(world: World, own: Path) -> None:
    split = start(world)
    with world.engine.begin() as conn:
        other = (read(B).hash, B)
        assert experiments.start(conn, "books", other, other, 20, "ann") is None
    stop(world, split)
    start(world, 2)
    assert world.sql("select count(*) from bg.experiments") == [(2,)]
