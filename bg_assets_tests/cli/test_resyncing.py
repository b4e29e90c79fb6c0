"""`resync` asks for exactly those companies whose groups differ; a dry run changes nothing."""

import pytest

from bg_assets.cli import resyncing
from bg_assets.products import in_force
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh, refresh_what_is_due, take

PROFILE = "company_profile_change"
PENDING = "select company_id, kind from bg.changes where handled_at is null order by 1, 2"
NAMES = ("a", "b", "c")


@pytest.fixture
def built(bg: Command) -> Command:
    """Three companies whose groups stand; nothing is pending."""
    bg.companies(*NAMES)
    lines = "".join(f"{name}{number},{name},CFO\n" for name in NAMES for number in (1, 2))
    bg("import", "people", bg.file("p.csv", f"id,company_id,title\n{lines}"))
    refresh(bg, *NAMES)
    return bg


def unseen(bg: Command, statement: str) -> None:
    """Write as a replica does, which no trigger sees."""
    with bg.engine.begin() as conn:
        conn.exec_driver_sql("set local session_replication_role = replica")
        conn.exec_driver_sql(statement)


def test_where_nothing_differs_nothing_is_asked_for(built: Command) -> None:
    assert built.json("resync", "--all") == {
        "compared": 3, "differing": [], "of_old_templates": 0, "raised": True,
    }  # fmt: skip
    assert built.rows(PENDING) == []
    assert "all groups are as people and templates make them" in built("resync", "--all").out


@pytest.mark.parametrize(
    ("statement", "raised"),
    [
        ("update bg.people set title = 'Cook' where id = 'b1'", [("b", "resync")]),
        ("update bg.companies set country = 'AT' where id = 'b'", [("b", PROFILE)]),
        (
            "update bg.people set status = 'left' where id = 'b1'",
            [("b", "person_left"), ("b", "resync")],
        ),
        (
            "update bg.people set end_date = current_date - 1 where id = 'b1'",
            [("b", "person_left"), ("b", "resync")],
        ),
        ("delete from bg.companies where id = 'b'", [("b", "company_deleted")]),
        ("insert into bg.companies (id, name) values ('d', 'Dee')", [("d", PROFILE)]),
    ],
)  # fmt: skip
def test_what_nobody_saw_is_found_and_asked_for_once(
    built: Command, statement: str, raised: list[tuple[str, str]]
) -> None:
    unseen(built, statement)
    company = raised[0][0]
    dry = built.json("resync", "--all", "--dry-run")
    assert (dry["differing"], dry["raised"]) == ([company], False)
    assert built.rows(PENDING) == []

    assert built.json("resync", "--all")["differing"] == [company]
    assert built.rows(PENDING) == raised
    assert built.json("resync", "--all")["differing"] == []
    assert built.rows(PENDING) == raised


def test_after_its_refresh_a_company_differs_no_more(built: Command) -> None:
    unseen(built, "update bg.people set status = 'left' where id = 'b1'")
    done = built("resync", "--all")
    assert done.out == "compared 3 companies\n1 differs from its people, to be refreshed now: b\n"
    assert refresh_what_is_due(built) == 1
    assert built.json("resync", "--all")["differing"] == []


def test_a_departure_is_raised_beside_a_change_of_the_company_itself(built: Command) -> None:
    """The departure waits for no interval, the other change does."""
    unseen(built, "update bg.companies set country = 'AT' where id = 'b'")
    unseen(built, "update bg.people set status = 'left' where id = 'b1'")
    built("resync", "b")
    assert ("b", "person_left") in built.rows(PENDING)


def test_who_is_being_refreshed_is_left_alone(built: Command) -> None:
    built("refresh", "b")
    take(built, "b")
    unseen(built, "update bg.people set title = 'Cook' where id = 'b1'")
    assert built.json("resync", "--all")["differing"] == []


def test_only_the_companies_named_are_compared_in_portions_too(
    built: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    unseen(built, "update bg.people set title = 'Cook'")
    found = built.json("resync", "a", "c", "--dry-run")
    assert (found["compared"], found["differing"]) == (2, ["a", "c"])
    monkeypatch.setattr(resyncing, "PORTION", 1)
    assert built.json("resync", "a", "c", "--dry-run")["differing"] == ["a", "c"]
    assert built.json("resync", "--all")["differing"] == list(NAMES)


def test_groups_of_an_older_template_are_asked_for(built: Command) -> None:
    in_force.keep(built.engine, None, ["finance_system"])
    built.execute(
        "update bg.buyer_groups set template_hash = 'older' where company_id in ('a', 'b')"
    )
    assert built.json("resync", "b", "--dry-run")["of_old_templates"] == 1
    assert built.json("resync", "--all")["of_old_templates"] == 2
    assert built.json("resync", "--all")["of_old_templates"] == 0
    assert built.rows(PENDING) == [("a", "resync"), ("b", "resync")]


def test_lost_triggers_are_told_too(built: Command) -> None:
    built.execute("alter table bg.people disable trigger all")
    built.execute("update bg.people set title = 'Cook' where id = 'b1'")
    done = built("resync", "--all")
    assert done.code == 1
    assert "1 differs from its people" in done.out
    assert "run `bg-assets migrate`" in done.err


@pytest.mark.parametrize("arguments", [[], ["--all", "a"]])
def test_companies_are_named_or_all_are_meant(built: Command, arguments: list[str]) -> None:
    done = built("resync", *arguments)
    assert (done.code, done.err) == (2, "error: name companies, or say --all\n")


def test_an_unknown_company_is_refused(built: Command) -> None:
    assert built("resync", "nobody").code == 2
