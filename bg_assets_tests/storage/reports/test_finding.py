"""Finding companies and people by id, and near what somebody may have meant."""

import pytest
import sqlalchemy as sa

from bg_assets.storage import companies
from bg_assets.storage.reports import finding
from bg_assets_tests.storage.rows import company, insert, rows, run, value


@pytest.fixture
def world(engine: sa.Engine) -> sa.Engine:
    """Companies of ids and names that are alike; one of them deleted."""
    for name in ("acme", "acme-2", "acme-gone", "bolt", "dorn", "érable"[1:]):
        company(engine, name)
    run(engine, "update bg.companies set deleted_at = now() where id = 'acme-gone'")
    run(engine, "update bg.companies set name = 'Globex Corporation' where id = 'bolt'")
    return engine


def test_unknown_are_those_that_nobody_tracks_once_each_and_in_their_order(
    world: sa.Engine,
) -> None:
    with world.connect() as conn:
        asked = ["zzz", "acme", "acme-gone", "aaa", "zzz", "bolt"]
        assert companies.unknown(conn, asked) == ["zzz", "acme-gone", "aaa"]


def test_all_and_some_are_tracked_and_in_order(world: sa.Engine) -> None:
    with world.connect() as conn:
        everyone = companies.all_ids(conn)
        some = [companies.sample_ids(conn, most) for most in (0, 2, 2, 100)]

    assert everyone == ["acme", "acme-2", "bolt", "dorn", "rable"]
    assert some[0] == []
    assert some[1] == some[2] == sorted(some[1])
    assert len(some[1]) == 2
    assert some[3] == everyone


@pytest.mark.parametrize(
    ("wanted", "near"),
    [
        ("ACME", ["acme", "acme-2"]),
        ("gone", []),
        ("globex", ["bolt"]),
        ("blot", ["bolt"]),
        ("do\0rn", ["dorn"]),
        ("bolted", ["bolt"]),
        ("bolt-bolt", []),
        ("", []),
    ],
)
def test_near_is_what_holds_the_text_or_is_spelt_nearly_so(
    world: sa.Engine, wanted: str, near: list[str]
) -> None:
    with world.connect() as conn:
        assert finding.near_companies(conn, wanted) == near


def test_who_types_a_name_is_told_whose_id_it_is(world: sa.Engine) -> None:
    with world.connect() as conn:
        said = "no company globex; did you mean bolt (Globex Corporation)?"
        assert finding.no_company(conn, "globex") == said
        assert finding.no_company(conn, "blot") == "no company blot; did you mean bolt?"


def test_no_more_than_five_are_near_the_shortest_first(engine: sa.Engine) -> None:
    for number in range(7):
        company(engine, "x" * (7 - number))
    with engine.connect() as conn:
        assert finding.near_companies(conn, "x") == ["x" * n for n in range(1, 6)]


def test_untracking_marks_those_that_were_tracked_and_says_which(world: sa.Engine) -> None:
    run(world, "update bg.companies set deleted_at = '2026-01-01' where id = 'acme-gone'")
    with world.begin() as conn:
        assert companies.untrack(conn, ["acme", "acme-gone", "zzz"]) == ["acme"]

    gone = "select id from bg.companies where deleted_at is not null order by id"
    assert [row["id"] for row in rows(world, gone)] == ["acme", "acme-gone"]
    assert value(world, "select deleted_at < '2026-01-02' from bg.companies where id = 'acme-gone'")


@pytest.fixture
def staff(engine: sa.Engine) -> sa.Engine:
    """Two companies with people; one of the first is deleted."""
    company(engine, "acme", ["a-1", "a-2", "a-3"])
    company(engine, "bolt", ["b-1"])
    run(engine, "update bg.people set name = 'Wilma Quartz', department = 'Finance', "
        "start_date = '2020-01-02', end_date = '2030-01-02' where id = 'a-1'")  # fmt: skip
    run(engine, "update bg.people set name = 'Gone Quartz', deleted_at = now(), status = 'left' "
        "where id = 'a-3'")  # fmt: skip
    return engine


def test_a_person_is_found_wherever_they_are_gone_or_not(staff: sa.Engine) -> None:
    insert(staff, "bg.people", id="free", company_id=None)
    with staff.connect() as conn:
        here, gone, free = (finding.find_person(conn, one) for one in ("a-\0001", "a-3", "free"))
        assert finding.find_person(conn, "nobody") is None

    assert here is not None
    assert (here.person_id, here.company_id, here.title, here.department) == (
        "a-1", "acme", "CFO", "Finance",
    )  # fmt: skip
    assert (str(here.start_date), str(here.end_date)) == ("2020-01-02", "2030-01-02")
    assert (here.status, here.deleted) == ("active", False)
    assert gone is not None
    assert (gone.status, gone.deleted) == ("left", True)
    assert free is not None
    assert free.company_id is None


@pytest.mark.parametrize(
    ("wanted", "near"),
    [
        ("QUARTZ", ["a-1"]), ("a-", ["a-1", "a-2"]), ("a-9", ["a-2", "a-1"]), ("a_1", ["a-1"]),
        ("zz-9", []), ("", []), ("\0", []),
    ],
)  # fmt: skip
def test_near_people_are_those_of_the_company_that_are_not_deleted(
    staff: sa.Engine, wanted: str, near: list[str]
) -> None:
    with staff.connect() as conn:
        assert finding.near_people(conn, "acme", wanted) == near


def test_no_more_than_five_people_are_near_the_shortest_first(engine: sa.Engine) -> None:
    company(engine, "acme", ["x" * (7 - number) for number in range(7)])
    with engine.connect() as conn:
        assert finding.near_people(conn, "acme", "X") == ["x" * n for n in range(1, 6)]
