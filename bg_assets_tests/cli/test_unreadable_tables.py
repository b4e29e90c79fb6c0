"""What is said and shown of groups while an attached table can't be read."""

import pytest

from bg_assets_tests.cli.command import Command
from bg_assets_tests.storage import steps
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import RAILS, as_owner
from bg_assets_tests.storage.steps import take_by_hand

GONE = (
    "attached table app.people has no column title (title) any more: "
    "`bg-assets attach people --table app.people`, or detach"
)


@pytest.fixture
def grouped(bg: Command) -> Command:
    """Both tables are attached, and the groups of their companies stand."""
    shapes.make(bg.engine, RAILS)
    bg.json("attach", "companies", "--table", "app.companies")
    bg.json("attach", "people", "--table", "app.people")
    steps.complete(bg.engine, "run", take_by_hand(bg.engine, "run", ["7", "8"]))
    return bg


def test_groups_are_shown_without_names_while_people_can_not_be_read(grouped: Command) -> None:
    before = grouped.json("show", "7")["groups"]
    as_owner(grouped.engine, "alter table app.people drop column title")
    shown = grouped("show", "7")
    document = grouped.json("show", "7")["groups"]

    (one, *_), (was, *_) = document[0]["members"], before[0]["members"]
    assert (was["name"], one["name"]) == ("Ada A", None)
    assert {**was, "name": None} == one
    assert shown.code == 0
    assert "CFO" in shown.out
    assert shown.err.splitlines() == [f"names can't be read, and groups stay as they are: {GONE}"]


BROKEN = [
    ("alter table app.people drop column title", GONE),
    ("alter table app.people rename to persons",
     "attached table app.people is called app.persons now: "
     "`bg-assets attach people --table app.persons`"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "said"), BROKEN, ids=["dropped", "renamed"])
def test_what_needs_people_says_in_a_sentence_what_is_gone_and_what_to_do(
    grouped: Command, statement: str, said: str
) -> None:
    as_owner(grouped.engine, statement)
    file = grouped.folder / "groups.csv"
    for command in (("why", "7", "1"), ("export",), ("export", file)):
        done = grouped(*command)
        assert (done.code, done.err.splitlines()) == (1, [f"error: {said}"]), command
    assert not file.exists()


def test_where_companies_can_not_be_read_it_is_said_of_them(grouped: Command) -> None:
    as_owner(grouped.engine, "alter table app.companies drop column name")
    done = grouped("show", "7")

    assert done.code == 1
    assert "error: attached table app.companies has no column name (name) any more" in done.err
    assert "4270" not in done.err
