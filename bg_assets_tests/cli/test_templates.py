"""`templates`: list, show, check and diff, with their exit codes."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bg_assets.assets import runs
from bg_assets.products.files import SHIPPED, load_templates
from bg_assets.sample import world
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh
from bg_assets_tests.domain.products.texts import GOOD

FINANCE = SHIPPED / "finance_system.yaml"


@pytest.fixture
def folder(bg: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own with one good template."""
    folder = bg.folder / "own"
    folder.mkdir()
    (folder / "small.yaml").write_text(GOOD, encoding="utf-8")
    monkeypatch.setenv("BG_TEMPLATES", str(folder))
    return folder


def edited(bg: Command, *changes: tuple[str, str]) -> Path:
    """The shipped finance template with something else in it."""
    text = FINANCE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return bg.file("other.yaml", text)


@pytest.fixture
def known(bg: Command) -> list[str]:
    """Forty companies of the sample, their people read; one more that was not read yet."""
    companies, people, _ = world.write_sample(bg.folder / "sample", 40, 5)
    assert bg("import", "companies", companies).code == 0
    assert bg("import", "people", people).code == 0
    bg.companies("unread")
    ids = [row[0] for row in bg.rows("select id from bg.companies where id <> 'unread' order by 1")]
    runs.rejudge(bg.engine, ids)
    return ids


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    """Fail where it takes longer, instead of waiting for ever."""

    def fail(*_: object) -> None:
        pytest.fail(f"not within {seconds} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_only_files_count_in_the_folder_and_a_pipe_makes_nobody_wait(
    bg: Command, folder: Path
) -> None:
    os.mkfifo(folder / "pipe.yaml")
    (folder / "to-the-pipe.yaml").symlink_to("pipe.yaml")
    (folder / "folder.yaml").mkdir()
    with _within(60):
        assert {row["name"] for row in bg.json("templates", "list")} >= {"small"}
        assert bg("templates", "check").code == 0
        assert bg("status").code == 0


def test_a_link_that_leads_nowhere_is_a_mistake(bg: Command, folder: Path) -> None:
    (folder / "lost.yaml").symlink_to("nowhere.yaml")
    done = bg("templates", "check")
    assert (done.code, "lost.yaml: can't be read: No such file" in done.out) == (1, True)


def test_the_shipped_ones_and_those_of_ones_own_are_listed(bg: Command, folder: Path) -> None:
    rows = {row["name"]: row for row in bg.json("templates", "list")}
    assert set(rows) == {"finance_system", "hr_system", "sales_tool", "security_platform", "small"}
    assert set(rows["small"]) == {
        "name", "title", "version", "does", "deal_size", "currency", "hash", "regions",
        "enrichment", "shipped", "in_use", "file", "experiment",
    }  # fmt: skip
    assert (rows["small"]["shipped"], rows["finance_system"]["shipped"]) == (False, True)
    assert (rows["small"]["in_use"], rows["finance_system"]["in_use"]) == (False, True)
    assert rows["small"]["file"] == str(folder / "small.yaml")
    assert "small (version 1, " in bg("templates", "list").out


def test_a_template_is_shown_in_words_and_as_a_document(bg: Command) -> None:
    said = bg("templates", "show", "security_platform").out
    assert "Detection and response" in said
    assert "decision maker: 1 required, priority 5" in said
    assert "  1  security, at level owner or c_level" in said
    assert "enrichment identify: own rows only" in said
    document = bg.json("templates", "show", "security_platform")
    assert document["hash"] == load_templates()["security_platform"].hash
    assert document["roles"][0]["role"] == "decision_maker"
    assert document["enrichment"] == "identify"


def test_a_name_that_no_template_has_is_2_with_near_matches(bg: Command) -> None:
    done = bg("templates", "show", "sales_tol")
    assert (done.code, done.out) == (2, "")
    assert "did you mean sales_tool?" in done.err


def test_what_is_in_use_is_checked(
    bg: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = bg("templates", "check")
    assert (done.code, done.out, done.err) == (0, "5 templates are fine\n", "")
    monkeypatch.setenv("BG_PRODUCTS", "smal")
    done = bg("templates", "check")
    assert (done.code, done.out) == (1, "no template is named 'smal'; did you mean small?\n")


def test_every_mistake_of_a_folder_is_a_line_with_file_and_line(bg: Command, folder: Path) -> None:
    (folder / "bad.yaml").write_text(
        GOOD.replace("name: small", "name: bad").replace("it: 0.5", "it: -1").replace("vp]", "vpp]")
    )
    (folder / "twin.yaml").write_text(GOOD)
    (folder / "thief.yaml").write_text(GOOD.replace("name: small", "name: sales_tool"))
    done = bg("templates", "check", folder)
    assert done.code == 1
    lines = done.out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        f"{folder / 'bad.yaml'}, line 8",
        f"{folder / 'bad.yaml'}, line 14",
        f"{folder / 'thief.yaml'}, line 2",
        f"{folder / 'twin.yaml'}, line 2",
    ]
    document = json.loads(bg("templates", "check", folder, "--json").out)
    assert document["mistakes"] == lines
    assert document["templates"] == []
    assert bg("templates", "list").code == 2


def test_a_file_is_checked_alone(bg: Command) -> None:
    good = edited(bg, ("deal_size: 120000", "deal_size: 130000"))
    assert bg("templates", "check", good).out == "1 template is fine\n"
    bad = edited(bg, ("  finance: 1\n", "  finance: much\n"))
    done = bg("templates", "check", bad)
    assert done.code == 1
    assert done.out.startswith(f"{bad}, line 10: a number from 0 to 1 is needed")
    assert bg("templates", "check", bg.folder / "missing.yaml").code == 2


def test_the_same_template_changes_nothing(bg: Command, known: list[str]) -> None:
    found = bg.json("templates", "diff", "finance_system", FINANCE)
    assert found["companies"] == []
    totals = found["totals"]
    assert (totals["companies"], totals["changed"]) == (40, 0)
    assert totals["old"] == totals["new"]
    assert found["unread"] == 1
    assert totals["old"]["members"] == sum(totals["old"]["roles"].values()) > 100


def test_a_smaller_deal_makes_smaller_groups_without_blockers(
    bg: Command, known: list[str]
) -> None:
    other = edited(bg, ("deal_size: 120000", "deal_size: 30000"))
    found = bg.json("templates", "diff", "finance_system", other)
    totals = found["totals"]
    assert totals["smaller"] > totals["larger"] == 0
    assert totals["new"]["roles"]["blocker"] == 0 < totals["old"]["roles"]["blocker"]
    assert totals["new"]["mean_size"] < totals["old"]["mean_size"]
    assert len(found["companies"]) == totals["changed"]
    for one in found["companies"]:
        came, went = len(one["joined"]), len(one["left"])
        assert one["new_size"] - one["old_size"] == came - went
        assert all(person["title"] for person in one["left"] if person["new_role"])
    assert sum(len(one["left"]) for one in found["companies"]) == totals["left"]


def test_another_product_is_decided_by_other_people(bg: Command, known: list[str]) -> None:
    done = bg("templates", "diff", "finance_system", "hr_system", "--details", "2")
    assert done.code == 0
    assert "more companies; --details N shows more of them" in done.out
    assert " of 40 companies would have another group:" in done.out
    assert "  + " in done.out
    assert ": decision maker" in done.out
    assert "left out, since nobody of their people was read: 1\n" in done.err


def test_one_company_or_a_sample_is_compared(bg: Command, known: list[str]) -> None:
    asked: list[Any] = ["templates", "diff", "finance_system", "sales_tool"]
    found = bg.json(*asked, "--company", known[3])
    assert found["totals"]["companies"] == 1
    assert [one["company_id"] for one in found["companies"]] in ([], [known[3]])
    first = bg.json(*asked, "--sample", 10)
    assert first["totals"]["companies"] + first["unread"] == 10
    assert bg.json(*asked, "--sample", 10) == first
    assert bg(*asked, "--company", known[3], "--sample", 3).code == 2
    done = bg(*asked, "--company", "co-00004")
    assert done.code == 2
    assert "did you mean" in done.err


def test_a_difference_is_what_the_next_refresh_does_and_nothing_is_written(
    bg: Command, known: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(bg, *known)
    changes, before = bg.changes(), _members(bg)
    other = edited(bg, ("deal_size: 120000", "deal_size: 30000"))
    found = bg.json("templates", "diff", "finance_system", other)
    assert (bg.changes(), _members(bg)) == (changes, before)

    own = bg.folder / "own"
    own.mkdir()
    text = other.read_text(encoding="utf-8").replace("name: finance_system", "name: finance_new")
    (own / "new.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("BG_TEMPLATES", str(own))
    monkeypatch.setenv("BG_PRODUCTS", "finance_new")
    refresh(bg, *known)
    after = _members(bg)
    joined = {person["person_id"] for one in found["companies"] for person in one["joined"]}
    left = {person["person_id"] for one in found["companies"] for person in one["left"]}
    assert set(after) - set(before) == joined
    assert set(before) - set(after) == left


def test_a_pin_takes_part_in_the_difference(bg: Command, known: list[str]) -> None:
    nobody = bg.value("select min(person_id) from bg.company_people where company_id = :c",
                      c=known[5])  # fmt: skip
    bg.execute(
        "insert into bg.member_overrides (company_id, product, person_id, action, role, by, reason)"
        " values (:c, 'hr_system', :p, 'pin', 'introducer', 'me', 'knows us')",
        c=known[5], p=nobody,
    )  # fmt: skip
    found = bg.json("templates", "diff", "finance_system", "hr_system", "--company", known[5])
    (company,) = found["companies"]
    roles = {
        person["person_id"]: person["new_role"]
        for person in (*company["joined"], *company["role_changed"])
    }
    assert roles[nobody] == "introducer"


def test_a_product_that_is_not_sold_there_has_no_group(bg: Command, known: list[str]) -> None:
    bg.execute("update bg.companies set country = 'France' where id = :c", c=known[0])
    other = edited(bg, ("deal_size: 120000", "deal_size: 120000\nregions: [GB]"))
    found = bg.json("templates", "diff", "finance_system", other, "--company", known[0])
    (company,) = found["companies"]
    assert company["new_size"] == 0 < company["old_size"] == len(company["left"])
    assert found["totals"]["new"]["groups"] == 0


def test_a_bad_file_or_name_is_2(bg: Command) -> None:
    bad = edited(bg, ("  finance: 1\n", "  finance: -1\n"))
    for what, said in (
        (str(bad), "line 10: -1 is outside of 0 to 1"),
        ("nowhere.yaml", "nowhere.yaml: no such file"),
        ("finance_sytem", "did you mean finance_system"),
    ):
        done = bg("templates", "diff", "finance_system", what)
        assert (done.code, done.out) == (2, "")
        assert said in done.err


def _members(bg: Command) -> dict[str, str]:
    return dict(bg.rows("select person_id, role from bg.buyer_group_members"))
