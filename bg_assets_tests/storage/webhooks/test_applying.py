"""What each kind of event does to people and companies, and in which order."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import at, company, forget_changes, insert, rows, run, value
from bg_assets_tests.storage.told import APPLIED, apply, became, changes, event, one, person

OLD_JOB: dict[str, Any] = {
    "name": "Ada Vance", "title": "CFO", "department": "Finance", "seniority": "c_level",
    "email": "ada@acme.example", "location": "Oslo", "manager_id": "boss",
    "start_date": date(2020, 1, 1),
}  # fmt: skip


@pytest.fixture(autouse=True)
def world(engine: sa.Engine) -> None:
    """Two companies; Ada works at acme. Source crm may create nothing, open may."""
    told.source(engine, "crm")
    told.source(engine, "open", may_create=True)
    company(engine, "acme")
    company(engine, "globex")
    insert(engine, "bg.people", id="ada", company_id="acme", **OLD_JOB)
    forget_changes(engine)


def ada(engine: sa.Engine, **expected: object) -> None:
    """Ada is as she was, but for these columns."""
    found = person(engine, "ada")
    assert found is not None
    wanted = {"company_id": "acme", "status": "active", "end_date": None, **OLD_JOB, **expected}
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize("kind", ["person.role_change", "person.promotion"])
def test_a_new_role_sets_the_title_and_whatever_else_is_said(engine: sa.Engine, kind: str) -> None:
    said = {"department": {"new": "Board"}, "seniority": {"new": None}}
    assert one(engine, kind, {"id": "ada", "newTitle": "CEO"}, changes=said) == APPLIED
    ada(engine, title="CEO", department="Board", seniority=None, observed_at=at(0))
    assert changes(engine) == [("acme", "ada", "role_change")]


def test_a_title_that_is_said_to_be_unknown_is_unknown_and_one_that_is_not_said_stays(
    engine: sa.Engine,
) -> None:
    one(engine, "person.role_change", "ada")
    ada(engine)
    one(engine, "person.role_change", "ada", changes={"title": {"new": None}})
    ada(engine, title=None)


def test_a_department_change_sets_the_department(engine: sa.Engine) -> None:
    said = {"department": {"old": "Finance", "new": "Treasury"}}
    assert one(engine, "person.department_change", "ada", changes=said) == APPLIED
    ada(engine, department="Treasury")
    assert changes(engine) == [("acme", "ada", "department_change")]


def test_a_contact_update_sets_name_email_and_location(engine: sa.Engine) -> None:
    called = {"id": "ada", "name": "Ada Lund", "email": "lund@acme.example"}
    said = {"location": {"new": "Bergen"}}
    assert one(engine, "person.contact_update", called, changes=said) == APPLIED
    ada(engine, name="Ada Lund", email="lund@acme.example", location="Bergen")
    assert changes(engine) == [("acme", "ada", "contact_change")]


def test_how_another_event_calls_a_person_changes_no_name_and_email_that_are_known(
    engine: sa.Engine,
) -> None:
    called = {"id": "ada", "name": "A. V.", "email": "av@acme.example", "newTitle": "CEO"}
    one(engine, "person.role_change", called)
    ada(engine, title="CEO")
    told.known(engine, "update bg.people set name = null, email = null")
    one(engine, "person.role_change", called, seconds=1)
    ada(engine, title="CEO", name="A. V.", email="av@acme.example")


def test_a_company_change_moves_the_person_and_touches_both_companies(engine: sa.Engine) -> None:
    called = {"id": "ada", "newTitle": "COO", "oldCompany": "Acme"}
    assert one(engine, "person.company_change", called, "globex") == APPLIED
    ada(
        engine, company_id="globex", title="COO", department=None, seniority=None, manager_id=None,
        start_date=None, observed_at=at(0),
    )  # fmt: skip
    assert changes(engine) == [
        ("acme", "ada", "company_change"), ("globex", "ada", "company_change"),
    ]  # fmt: skip


def test_nothing_of_the_old_job_is_carried_over_to_the_new_one(engine: sa.Engine) -> None:
    told.known(engine, "update bg.people set end_date = '2026-01-31', status = 'left'")
    one(engine, "person.company_change", "ada", "globex")
    ada(
        engine, company_id="globex", title=None, department=None, seniority=None, manager_id=None,
        start_date=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["person.role_change", "person.joined", "person.contact_update", "person.promotion"]
)
def test_whoever_is_told_of_at_another_company_works_there_now(
    engine: sa.Engine, kind: str
) -> None:
    one(engine, kind, {"id": "ada", "newTitle": "COO"}, "globex")
    found = person(engine, "ada")
    assert found is not None
    assert (found["company_id"], found["title"], found["department"]) == ("globex", "COO", None)
    assert [row[0] for row in changes(engine)] == ["acme", "globex"]


def test_somebody_who_joined_is_active_there(engine: sa.Engine) -> None:
    told.known(engine, "update bg.people set company_id = null, status = 'left'")
    forget_changes(engine)
    one(engine, "person.joined", {"id": "ada", "newTitle": "Head of Tax"})
    found = person(engine, "ada")
    assert found is not None
    assert (found["company_id"], found["status"], found["title"]) == (
        "acme", "active", "Head of Tax",
    )  # fmt: skip
    assert changes(engine) == [("acme", "ada", "company_change")]


def test_somebody_who_left_the_company_that_we_know_has_left(engine: sa.Engine) -> None:
    assert one(engine, "person.left", "ada", seconds=5) == APPLIED
    ada(engine, status="left", observed_at=at(5))
    assert changes(engine) == [("acme", "ada", "person_left")]


def test_who_left_a_company_where_we_do_not_know_them_stays_as_they_are(engine: sa.Engine) -> None:
    assert one(engine, "person.left", "ada", "globex") == (
        "ignored", "the person is not known to be at that company",
    )  # fmt: skip
    ada(engine, observed_at=None)
    assert changes(engine) == []


@pytest.mark.parametrize("kind", ["person.role_change", "person.joined", "person.promotion"])
def test_somebody_who_had_left_and_has_a_role_again_is_active_again(
    engine: sa.Engine, kind: str
) -> None:
    told.known(engine, "update bg.people set status = 'left', end_date = '2026-01-31'")
    forget_changes(engine)
    one(engine, kind, {"id": "ada", "newTitle": "CEO"})
    ada(engine, title="CEO")
    assert changes(engine) == [("acme", "ada", "person_joined")]


def test_a_contact_update_brings_nobody_back_who_left(engine: sa.Engine) -> None:
    told.known(engine, "update bg.people set status = 'left'")
    assert one(engine, "person.contact_update", {"id": "ada", "name": "Ada Lund"}) == APPLIED
    ada(engine, name="Ada Lund", status="left")


def test_a_last_day_that_is_to_come_stays_and_one_that_is_over_goes(engine: sa.Engine) -> None:
    told.known(engine, "update bg.people set end_date = '2026-03-31'")
    one(engine, "person.role_change", "ada")
    ada(engine, end_date=date(2026, 3, 31))
    told.known(engine, "update bg.people set end_date = '2026-02-28'")
    one(engine, "person.role_change", "ada", seconds=1)
    ada(engine, end_date=None)


def test_a_requested_refresh_is_a_change_of_the_company(engine: sa.Engine) -> None:
    for _ in range(3):
        event(engine, "company.refresh_requested")
    assert apply(engine).applied == 3
    assert changes(engine) == [("acme", None, "resync")]


def test_an_event_that_changes_nothing_is_applied(engine: sa.Engine) -> None:
    assert one(engine, "person.role_change", {"id": "ada", "newTitle": "CFO"}) == APPLIED
    ada(engine, observed_at=at(0))
    assert changes(engine) == []


def test_events_apply_in_the_order_in_which_they_occurred(engine: sa.Engine) -> None:
    event(engine, "person.role_change", {"id": "ada", "newTitle": "third"}, seconds=3)
    event(engine, "person.role_change", {"id": "ada", "newTitle": "first"}, seconds=1)
    event(engine, "person.role_change", {"id": "ada", "newTitle": "second"}, seconds=2)
    assert apply(engine).applied == 3
    ada(engine, title="third", observed_at=at(3))


def test_an_event_older_than_what_is_known_is_ignored(engine: sa.Engine) -> None:
    one(engine, "person.role_change", {"id": "ada", "newTitle": "CEO"}, seconds=10)
    assert one(engine, "person.role_change", {"id": "ada", "newTitle": "VP"}, seconds=9.9) == (
        "ignored", "older than what is known of the person",
    )  # fmt: skip
    ada(engine, title="CEO", observed_at=at(10))


def test_an_old_event_creates_no_company(engine: sa.Engine) -> None:
    told.known(engine, "update bg.people set observed_at = :at", at=at(10))
    assert one(engine, "person.joined", "ada", "new-one", by="open")[0] == "ignored"
    assert value(engine, "select count(*) from bg.companies") == 2


def test_events_of_the_same_moment_apply_in_the_order_of_their_arrival(engine: sa.Engine) -> None:
    event(engine, "person.role_change", {"id": "ada", "newTitle": "CEO"})
    event(engine, "person.role_change", {"id": "ada", "newTitle": "COO"})
    assert apply(engine).applied == 2
    assert one(engine, "person.role_change", {"id": "ada", "newTitle": "CIO"}) == APPLIED
    ada(engine, title="CIO")


def test_a_person_whom_an_earlier_event_created_is_known_to_the_later_ones(
    engine: sa.Engine,
) -> None:
    mail = {"email": "bo@acme.example"}
    event(engine, "person.joined", {"id": "bo", "newTitle": "CTO"} | mail, by="open")
    event(engine, "person.promotion", {"id": "bo", "newTitle": "CEO"}, seconds=1)
    event(engine, "person.role_change", {"id": "x7", "newTitle": "Chair"} | mail, seconds=2)
    event(engine, "person.company_change", {"id": "x7"}, "globex", seconds=3)
    assert apply(engine).applied == 4
    found = person(engine, "bo")
    assert found is not None
    assert (found["company_id"], found["title"]) == ("globex", None)
    assert person(engine, "x7") is None
    # Nobody had seen bo at acme.
    assert changes(engine) == [("globex", "bo", "person_joined")]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "body is not JSON in UTF-8, or is nested too deeply"),
        (b"\xff", "body is not JSON in UTF-8, or is nested too deeply"),
        (b"x\x01not packed", "payload can't be unpacked"),
        (b"[]", "body takes an object"),
        (b"{}", "type is required"),
        (b'{"type": "person.left"}', "timestamp is required"),
        (b"[" * 100_000, "body is not JSON in UTF-8, or is nested too deeply"),
    ],
)
def test_an_event_that_can_not_be_read_is_dead_and_holds_up_nobody(
    engine: sa.Engine, payload: bytes, reason: str
) -> None:
    bad = event(engine, "person.left", payload=payload)
    good = event(engine, "person.role_change", {"id": "ada", "newTitle": "CEO"})
    apply(engine)
    assert became(engine, bad) == ("dead", reason)
    assert became(engine, good) == APPLIED


def test_an_event_of_a_type_that_is_not_known_is_ignored(engine: sa.Engine) -> None:
    assert one(engine, "person.birthday", "ada") == ("ignored", "its type is not known here")


def test_an_event_of_a_source_that_is_gone_is_dead(engine: sa.Engine) -> None:
    assert one(engine, "person.left", "ada", by="gone") == (
        "dead", "its source is not known any more",
    )  # fmt: skip
    ada(engine)


def test_a_change_carries_the_event_that_it_came_from_where_it_came_alone(
    engine: sa.Engine,
) -> None:
    event_id = event(engine, "person.role_change", {"id": "ada", "newTitle": "CEO"})
    apply(engine)
    assert value(engine, "select trace_id from bg.changes") == event_id
    forget_changes(engine)
    event(engine, "company.refresh_requested", seconds=1)
    event(engine, "person.role_change", {"id": "ada", "newTitle": "Chair"}, seconds=2)
    apply(engine)
    assert value(engine, "select count(*) from bg.changes where trace_id is null") == 2


def test_whoever_gets_the_connection_after_a_round_writes_in_a_name_of_their_own(
    engine: sa.Engine,
) -> None:
    before = value(engine, "show lock_timeout")
    told_by = event(engine, "person.role_change", {"id": "ada", "newTitle": "CEO"})
    apply(engine)
    run(engine, "update bg.people set title = 'COO' where id = 'ada'")
    assert rows(engine, "select source, trace_id from bg.changes order by id") == [
        {"source": "webhook", "trace_id": told_by},
        {"source": "people_table", "trace_id": None},
    ]
    assert value(engine, "show lock_timeout") == before
    assert value(engine, "select observed_at > :then from bg.people where id = 'ada'", then=at(0))
