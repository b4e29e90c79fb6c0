"""What each kind of event does to people and companies, and who is meant by it."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import at, company, forget_changes, insert, rows, run, value
from bg_assets_tests.storage.told import apply, became, changes, event, person

APPLIED = ("applied", None)
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


def one(engine: sa.Engine, *args: Any, **kwargs: Any) -> tuple[str, str | None]:
    """What becomes of this event, told and applied by itself."""
    event_id = event(engine, *args, **kwargs)
    apply(engine)
    return became(engine, event_id)


def ada(engine: sa.Engine, **expected: object) -> None:
    """Ada is as she was, but for these columns."""
    found = person(engine, "ada")
    assert found is not None
    wanted = {"company_id": "acme", "status": "active", "end_date": None, **OLD_JOB, **expected}
    assert {name: found[name] for name in wanted} == wanted


# What each kind of event means


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
    run(engine, "update bg.people set name = null, email = null")
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
    run(engine, "update bg.people set end_date = '2026-01-31', status = 'left'")
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
    run(engine, "update bg.people set company_id = null, status = 'left'")
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
    run(engine, "update bg.people set status = 'left', end_date = '2026-01-31'")
    forget_changes(engine)
    one(engine, kind, {"id": "ada", "newTitle": "CEO"})
    ada(engine, title="CEO")
    assert changes(engine) == [("acme", "ada", "person_joined")]


def test_a_contact_update_brings_nobody_back_who_left(engine: sa.Engine) -> None:
    run(engine, "update bg.people set status = 'left'")
    assert one(engine, "person.contact_update", {"id": "ada", "name": "Ada Lund"}) == APPLIED
    ada(engine, name="Ada Lund", status="left")


def test_a_last_day_that_is_to_come_stays_and_one_that_is_over_goes(engine: sa.Engine) -> None:
    run(engine, "update bg.people set end_date = '2026-03-31'")
    one(engine, "person.role_change", "ada")
    ada(engine, end_date=date(2026, 3, 31))
    run(engine, "update bg.people set end_date = '2026-02-28'")
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


# The order of events


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
    run(engine, "update bg.people set observed_at = :at", at=at(10))
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


# Who is meant


def test_a_person_is_known_by_our_id_and_then_by_what_the_source_calls_them(
    engine: sa.Engine,
) -> None:
    one(engine, "person.role_change", "ada")
    run(engine, "update bg.people set id = 'ada-2' where id = 'ada'")
    run(engine, "update bg.webhook_identities set our_id = 'ada-2' where kind = 'person'")
    insert(engine, "bg.people", id="ada", company_id="globex", title="CTO")
    one(engine, "person.role_change", {"id": "ada", "newTitle": "CEO"}, seconds=1)
    found = person(engine, "ada-2")
    assert found is not None
    assert found["title"] == "CEO"


def test_identities_are_of_the_source_that_told_them(engine: sa.Engine) -> None:
    insert(engine, "bg.people", id="bo", company_id="acme", email="bo@acme.example")
    forget_changes(engine)
    assert one(engine, "person.role_change", {"id": "1", "email": "bo@acme.example"}) == APPLIED
    told.source(engine, "other")
    assert one(engine, "person.role_change", "1", by="other")[0] == "dead"
    assert one(engine, "person.role_change", {"id": "1", "newTitle": "CIO"}, seconds=1) == APPLIED
    found = person(engine, "bo")
    assert found is not None
    assert found["title"] == "CIO"


@pytest.mark.parametrize("mail", ["ada@acme.example", "ADA@Acme.Example"])
def test_a_person_is_known_by_an_email_that_is_theirs_alone(engine: sa.Engine, mail: str) -> None:
    called = {"id": "sf-1", "email": mail, "newTitle": "CEO"}
    assert one(engine, "person.role_change", called) == APPLIED
    ada(engine, title="CEO")
    found = rows(engine, "select external_id, our_id from bg.webhook_identities "
        "where kind = 'person' and source = 'crm'")  # fmt: skip
    assert found == [{"external_id": "sf-1", "our_id": "ada"}]


def test_a_person_is_known_by_the_email_that_they_had(engine: sa.Engine) -> None:
    said = {"email": {"old": "ada@acme.example", "new": "vance@acme.example"}}
    called = {"id": "sf-1", "email": "vance@acme.example"}
    assert one(engine, "person.contact_update", called, changes=said) == APPLIED
    ada(engine, email="vance@acme.example")


def test_an_email_that_several_people_have_tells_nobody(engine: sa.Engine) -> None:
    insert(engine, "bg.people", id="bo", company_id="globex", email="Ada@acme.example")
    called = {"id": "sf-1", "email": "ada@acme.example"}
    status, reason = one(engine, "person.role_change", called, by="open")
    assert (status, reason) == (
        "dead", "several people have the e-mail: who is meant can't be told",
    )  # fmt: skip
    assert person(engine, "sf-1") is None


def test_a_mailbox_of_a_crowd_tells_nobody(engine: sa.Engine) -> None:
    for number in range(20):
        insert(engine, "bg.people", id=f"p{number}", company_id="acme", email="info@acme.example")
    called = {"id": "sf-1", "email": "info@acme.example"}
    assert one(engine, "person.role_change", called)[0] == "dead"


def test_an_email_counts_in_the_workspace_of_the_source_only(engine: sa.Engine) -> None:
    told.source(engine, "east", workspace="east")
    called = {"id": "sf-1", "email": "ada@acme.example"}
    assert one(engine, "person.role_change", called, by="east")[0] == "dead"
    insert(engine, "bg.companies", id="far", name="Far", workspace="east")
    insert(engine, "bg.people", id="bo", company_id="far", email="ada@acme.example")
    assert one(engine, "person.role_change", called, "far", by="east") == APPLIED
    ada(engine, observed_at=None)


def test_the_email_of_somebody_deleted_tells_nobody(engine: sa.Engine) -> None:
    run(engine, "update bg.people set deleted_at = now()")
    called = {"id": "sf-1", "email": "ada@acme.example"}
    assert one(engine, "person.role_change", called)[0] == "dead"


def test_nobody_is_known_by_their_name_alone(engine: sa.Engine) -> None:
    called = {"id": "sf-1", "name": "Ada Vance", "newTitle": "CEO"}
    assert one(engine, "person.role_change", called) == (
        "dead", "the person is not known, and the source may not create it",
    )  # fmt: skip
    assert one(engine, "company.refresh_requested", None, {"id": "x", "name": "Company acme"}) == (
        "dead", "the company is not known, and the source may not create it",
    )  # fmt: skip
    ada(engine)
    assert changes(engine) == []


def test_a_company_is_known_by_a_domain_that_is_its_alone(engine: sa.Engine) -> None:
    run(engine, "update bg.companies set domain = 'globex.example' where id = 'globex'")
    forget_changes(engine)
    called = {"id": "001", "name": "Globex Inc", "domain": "https://www.Globex.example/"}
    assert one(engine, "person.company_change", "ada", called) == APPLIED
    assert one(engine, "company.refresh_requested", None, {"id": "001"}) == APPLIED
    assert [row[0] for row in changes(engine)] == ["acme", "globex", "globex"]
    run(engine, "update bg.companies set domain = 'globex.example'")
    assert one(engine, "company.refresh_requested", None, called | {"id": "002"}, by="open") == (
        "dead", "several companies have the domain: which is meant can't be told",
    )  # fmt: skip


def test_a_domain_counts_in_the_workspace_of_the_source_only(engine: sa.Engine) -> None:
    run(engine, "update bg.companies set domain = 'globex.example' where id = 'globex'")
    told.source(engine, "east", workspace="east")
    called = {"id": "001", "domain": "globex.example"}
    assert one(engine, "company.refresh_requested", None, called, by="east")[0] == "dead"
    assert one(engine, "company.refresh_requested", None, "globex", by="east") == APPLIED


def test_a_source_that_may_creates_person_and_company_with_their_own_ids(
    engine: sa.Engine,
) -> None:
    called = {"id": "p 1/ä", "name": "Bo", "email": "bo@init.example", "new_title": "CIO"}
    firm = {"id": "init:1", "name": "Initech", "domain": "init.example"}
    said = {"location": {"new": "Rome"}}
    assert one(engine, "person.role_change", called, firm, by="open", changes=said) == APPLIED
    found = person(engine, "p 1/ä")
    assert found is not None
    wanted = {
        "company_id": "init:1", "name": "Bo", "email": "bo@init.example", "title": "CIO",
        "location": "Rome", "status": "active", "observed_at": at(0), "department": None,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    assert rows(engine, "select workspace, name, domain from bg.companies where id = 'init:1'") == [
        {"workspace": "default", "name": "Initech", "domain": "init.example"}
    ]
    assert changes(engine) == [
        ("init:1", "p 1/ä", "person_joined"), ("init:1", None, "company_profile_change"),
    ]  # fmt: skip


def test_what_a_source_creates_is_in_its_workspace(engine: sa.Engine) -> None:
    told.source(engine, "east", workspace="east", may_create=True)
    one(engine, "company.refresh_requested", None, {"id": "n", "name": "New"}, by="east")
    assert value(engine, "select workspace from bg.companies where id = 'n'") == "east"


@pytest.mark.parametrize(
    ("firm", "reason"),
    [
        ({"id": "no spaces", "name": "Initech"}, "the company can't be created: its id takes"),
        ({"id": "a..b", "name": "Initech"}, "the company can't be created: its id takes"),
        ({"id": "x" * 129, "name": "Initech"}, "the company can't be created: its id takes"),
        ({"id": "i", "name": "x" * 201}, "the company can't be created: its name takes"),
        ({"id": "i", "name": "?"}, "the company can't be created: its name takes"),
        ({"id": "i"}, "the company can't be created: its name takes"),
    ],
)
def test_a_company_that_can_not_be_created_makes_the_event_dead(
    engine: sa.Engine, firm: dict[str, str], reason: str
) -> None:
    kind = "person.joined" if "name" in firm else "company.refresh_requested"
    called = "bo" if "name" in firm else None
    status, told_why = one(engine, kind, called, firm, by="open")
    assert status == "dead"
    assert (told_why or "").startswith(reason)
    assert person(engine, "bo") is None


def test_who_left_and_is_not_known_is_not_created(engine: sa.Engine) -> None:
    assert one(engine, "person.left", "bo", by="open")[0] == "ignored"
    assert one(engine, "person.left", "bo")[0] == "dead"
    assert one(engine, "person.left", "ada", "new-one", by="open")[0] == "ignored"
    assert one(engine, "person.left", "ada", "new-one")[0] == "dead"
    assert person(engine, "bo") is None
    assert value(engine, "select count(*) from bg.companies") == 2


def test_an_event_about_a_company_that_is_deleted_is_dead(engine: sa.Engine) -> None:
    run(engine, "update bg.companies set deleted_at = now(), domain = 'g.example' "
        "where id = 'globex'")  # fmt: skip
    gone = ("dead", "the company is no longer tracked")
    assert one(engine, "person.company_change", "ada", "globex", by="open") == gone
    called = {"id": "x", "name": "Globex", "domain": "g.example"}
    assert one(engine, "company.refresh_requested", None, called, by="open") == gone
    ada(engine)


def test_of_a_deleted_and_a_tracked_company_with_one_domain_the_tracked_one_is_meant(
    engine: sa.Engine,
) -> None:
    run(engine, "update bg.companies set domain = 'g.example'")
    run(engine, "update bg.companies set deleted_at = now() where id = 'acme'")
    forget_changes(engine)
    called = {"id": "x", "domain": "g.example"}
    assert one(engine, "company.refresh_requested", None, called) == APPLIED
    assert changes(engine) == [("globex", None, "resync")]


def test_an_event_about_a_person_who_is_deleted_is_dead(engine: sa.Engine) -> None:
    run(engine, "update bg.people set deleted_at = now()")
    assert one(engine, "person.role_change", "ada", by="open") == (
        "dead", "the person is deleted here",
    )  # fmt: skip


def test_an_identity_of_somebody_who_is_gone_is_found_anew(engine: sa.Engine) -> None:
    one(engine, "person.role_change", {"id": "sf-1", "email": "ada@acme.example"})
    run(engine, "delete from bg.people where id = 'ada'")
    called = {"id": "sf-1", "newTitle": "CEO"}
    assert one(engine, "person.role_change", called, seconds=1)[0] == "dead"
    assert one(engine, "person.role_change", called, seconds=1, by="open") == APPLIED
    assert person(engine, "sf-1") is not None


# What can't be read


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "body is not JSON in UTF-8"),
        (b"\xff", "body is not JSON in UTF-8"),
        (b"[]", "body takes an object"),
        (b"{}", "type is required"),
        (b'{"type": "person.left"}', "timestamp is required"),
        (b"[" * 100_000, "body is not JSON in UTF-8"),
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
