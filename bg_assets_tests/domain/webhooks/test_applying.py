"""What follows from events: who is known afterwards, what is to be written, and each verdict."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bg_assets.domain.values.unfit import Unfit
from bg_assets.domain.webhooks.applying import Pending, Verdict, fold
from bg_assets.domain.webhooks.events import Event, Party
from bg_assets.domain.webhooks.known import Company, Known, Person, Source

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ADA = Person(
    "ada", "acme", "Ada Vance", "CFO", "Finance", "c_level", "ada@acme.example", "Oslo", "boss",
    date(2020, 1, 1),
)  # fmt: skip
ACME, GLOBEX = Company("acme", "default", "Acme"), Company("globex", "default", "Globex")
OLD = "older than what is known of the person"
NOT_THERE = "the person is not known to be at that company"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def world(*people: Person, **more: Any) -> Known:
    """Two companies, these people (else Ada), a source that may create and one that may not."""
    known = Known(
        sources={"crm": Source("default", False), "open": Source("default", True)},
        companies={"acme": ACME, "globex": GLOBEX},
        people={one.id: one for one in people or (ADA,)},
    )
    return replace(known, **more)


def event(
    kind: str = "person.role_change",
    person: str | Party | None = "ada",
    company: str | Party = "acme",
    seconds: float = 0,
    **values: str | None,
) -> Event:
    """An event of so many seconds after noon; a person or a company is what it says, or an id."""
    who = Party(person, "Ada Vance") if isinstance(person, str) else person
    where = Party(company, "Acme") if isinstance(company, str) else company
    return Event("e", "crm", kind, at(seconds), where, who, values)


def after(known: Known, *events: Event | Unfit, by: str = "crm") -> tuple[Known, list[Verdict]]:
    return fold(known, [Pending(number, by, one) for number, one in enumerate(events)])


def verdict(known: Known, one: Event | Unfit, by: str = "crm") -> tuple[str, str | None]:
    """What becomes of the one event, which is not left pending."""
    (found,) = after(known, one, by=by)[1]
    assert found.id == 0
    return found.status, found.reason


def ada(known: Known, *events: Event, by: str = "crm") -> Person:
    """Ada after events that are all applied."""
    done, verdicts = after(known, *events, by=by)
    assert [one.status for one in verdicts] == ["applied"] * len(events)
    return done.people["ada"]


def test_an_event_says_what_is_from_now_on_and_nothing_of_the_rest() -> None:
    found = ada(world(), event(title="CEO", department=None))
    assert found == replace(ADA, title="CEO", department=None, observed_at=NOON)


def test_what_was_known_stays_as_it_was_and_what_is_to_be_written_is_listed() -> None:
    before = world()
    done, _ = after(before, event(title="CEO"))
    assert before == world()
    assert (list(done.changed_people), list(done.new_people)) == (["ada"], [])
    assert done.new_companies == []
    assert list(done.new_identities) == [("person", "crm", "ada"), ("company", "crm", "acme")]
    assert done.identities == {("person", "crm", "ada"): "ada", ("company", "crm", "acme"): "acme"}
    again, _ = after(replace(done, locked=frozenset()), event(seconds=1))
    assert (list(again.new_identities), list(again.changed_people)) == ([], ["ada"])


def test_of_what_was_known_nothing_changes_though_somebody_is_created() -> None:
    """Half of a batch is folded anew from it where the database refused the whole."""
    before = world()
    called = Party("bo", "Bo", "bo@init.example")
    firm = Party("init", "Initech", domain="init.example")
    for _ in range(2):
        done, _ = after(before, event(person=called, company=firm), by="open")
        assert before == world()
        assert (done.new_companies, list(done.new_people)) == (["init"], ["bo"])
        assert len(done.new_identities) == 2
        assert done.by_email == {("default", "bo@init.example"): ("bo",)}
        assert done.by_domain == {("default", "init.example"): ("init",)}


def test_what_was_listed_before_is_not_listed_again() -> None:
    listed = world(
        new_companies=["x"], new_people={"x": None}, changed_people={"x": None},
        new_identities={("person", "crm", "x"): None}, refreshes={"x": None},
    )  # fmt: skip
    done, _ = after(listed)
    assert (done.new_companies, done.new_people, done.changed_people) == ([], {}, {})
    assert (done.new_identities, done.refreshes) == ({}, {})


@pytest.mark.parametrize(
    ("one", "by", "expected"),
    [
        (Unfit("is required", "person.name"), "crm", ("dead", "person.name is required")),
        (event("person.birthday"), "gone", ("ignored", "its type is not known here")),
        (event(), "gone", ("dead", "its source is not known any more")),
        (event(person="bo"), "crm",
            ("dead", "the person is not known, and the source may not create it")),
        (event(company="new"), "crm",
            ("dead", "the company is not known, and the source may not create it")),
        (event("person.left", "bo"), "open", ("ignored", "the person who left is not known")),
        (event("person.left", "bo"), "crm",
            ("dead", "the person is not known, and the source may not create it")),
        (event("person.left", company="globex"), "open", ("ignored", NOT_THERE)),
        (event("person.left", company="globex"), "crm", ("ignored", NOT_THERE)),
        (event("person.left", company="new"), "open", ("ignored", NOT_THERE)),
        (event("person.left", company="new"), "crm",
            ("dead", "the company is not known, and the source may not create it")),
        (event("company.refresh_requested", None, "new"), "crm",
            ("dead", "the company is not known, and the source may not create it")),
        (event("company.refresh_requested", None), "gone",
            ("dead", "its source is not known any more")),
        (event(company=Party("a b", "New")), "open",
            ("dead", "the company can't be created: its id takes 1 to 128 of a-z, A-Z, 0-9 and "
             "._:@-, starting with a letter or digit and without '..'")),
    ],
)  # fmt: skip
def test_why_an_event_is_not_applied(
    one: Event | Unfit, by: str, expected: tuple[str, str]
) -> None:
    status, reason = verdict(world(), one, by)
    assert status == expected[0]
    assert (reason or "")[:40] == expected[1][:40]
    done, _ = after(world(), one, by=by)
    assert (done.people, done.companies) == (world().people, world().companies)
    assert (done.changed_people, done.new_people, done.refreshes) == ({}, {}, {})


@pytest.mark.parametrize(
    ("firm", "why"),
    [
        (Party("no spaces", "Initech"), "the company can't be created: its id "),
        (Party("i", "?"), "the company can't be created: its name "),
        (Party("i", None), "the company can't be created: its name "),
        (Party(None, "Initech"), "the company can't be created: its id "),
    ],
)
def test_a_company_that_can_not_be_created_makes_the_event_dead(firm: Party, why: str) -> None:
    for one in (event(company=firm), event("company.refresh_requested", None, firm)):
        status, reason = verdict(world(), one, "open")
        assert (status, (reason or "").startswith(why)) == ("dead", True)


def test_a_requested_refresh_is_listed_once_and_the_company_is_recognised() -> None:
    one = event("company.refresh_requested", None)
    done, verdicts = after(world(), one, one)
    assert verdicts == [Verdict(0, "applied"), Verdict(1, "applied")]
    assert list(done.refreshes) == ["acme"]
    assert list(done.new_identities) == [("company", "crm", "acme")]
    assert done.new_companies == []


def test_a_requested_refresh_creates_a_company_where_the_source_may() -> None:
    firm = Party("init", "Initech", domain="init.example")
    done, _ = after(world(), event("company.refresh_requested", None, firm), by="open")
    created = Company("init", "default", "Initech", "init.example", observed_at=NOON)
    assert done.companies["init"] == created
    assert (done.new_companies, list(done.refreshes)) == (["init"], ["init"])
    assert done.by_domain == {("default", "init.example"): ("init",)}


def test_who_is_new_is_created_with_what_is_said_and_known_to_later_events() -> None:
    called = Party("bo", "Bo", "bo@acme.example")
    done, _ = after(
        world(),
        event(person=called, title="CIO", location="Rome"),
        event(person=Party("x7", "B.", "BO@acme.example"), seconds=1, title="CEO"),
        by="open",
    )
    assert done.people["bo"] == Person(
        "bo", "acme", "Bo", "CEO", email="bo@acme.example", location="Rome", observed_at=at(1)
    )
    assert (list(done.new_people), list(done.changed_people)) == (["bo"], [])
    assert done.identities["person", "open", "x7"] == "bo"
    assert done.identities["person", "open", "bo"] == "bo"


def test_what_an_event_says_beats_how_it_names_a_new_person() -> None:
    done, _ = after(world(), event(person=Party("bo", "Bo", "old@x.example"), name="Bo Lund",
        email="new@x.example"), by="open")  # fmt: skip
    assert (done.people["bo"].name, done.people["bo"].email) == ("Bo Lund", "new@x.example")


def test_how_an_event_names_a_person_fills_what_is_unknown_only() -> None:
    called = Party("ada", "A. V.", "av@acme.example")
    assert ada(world(), event(person=called)) == replace(ADA, observed_at=NOON)
    found = ada(world(replace(ADA, name=None, email=None)), event(person=called))
    assert (found.name, found.email) == ("A. V.", "av@acme.example")


def test_nothing_of_the_old_job_comes_along_to_another_company() -> None:
    gone = replace(ADA, status="left", end_date=date(2026, 1, 1))
    for known in (world(), world(gone)):
        found = ada(known, event("person.company_change", company="globex", title="COO"))
        assert found == Person(
            "ada", "globex", "Ada Vance", "COO", email="ada@acme.example", location="Oslo",
            observed_at=NOON,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "status", "end", "expected"),
    [
        ("person.role_change", "active", None, ("active", None)),
        ("person.role_change", "active", date(2026, 3, 1), ("active", None)),
        ("person.role_change", "active", date(2026, 3, 2), ("active", date(2026, 3, 2))),
        ("person.role_change", "active", date(2026, 3, 3), ("active", date(2026, 3, 3))),
        ("person.joined", "left", date(2026, 3, 3), ("active", None)),
        ("person.joined", None, None, ("active", None)),
        ("person.contact_update", "left", date(2026, 3, 1), ("left", date(2026, 3, 1))),
        ("person.left", "active", date(2026, 3, 1), ("left", date(2026, 3, 1))),
    ],
)
def test_whether_somebody_is_there_after_an_event(
    kind: str, status: str | None, end: date | None, expected: tuple[str, date | None]
) -> None:
    found = ada(world(replace(ADA, status=status, end_date=end)), event(kind))
    assert (found.status, found.end_date) == expected


def test_who_left_keeps_all_that_is_known_of_them() -> None:
    for by in ("crm", "open"):
        found = ada(world(), event("person.left", title="x"), by=by)
        assert found == replace(ADA, status="left", observed_at=NOON)


@pytest.mark.parametrize(
    ("seconds", "seen", "is_older"),
    [
        (10, None, False), (10, 10, False), (10, 10.4, False), (10, 10.999999, False),
        (10, 11, True), (10, 11.000001, True), (10.1, 10.1004, False), (10.1, 10.100999, False),
        (10.1, 10.101, True), (10.12, 10.129, True), (10.000001, 10.000001, False),
        (10.000001, 10.000002, True), (10.5, 10.4, False), (11, 10.999999, False),
    ],
)  # fmt: skip
def test_an_event_is_older_by_the_unit_in_which_its_time_is_given(
    seconds: float, seen: float | None, *, is_older: bool
) -> None:
    moment = None if seen is None else at(seen)
    for kind in ("person.role_change", "person.left", "person.contact_update"):
        known = world(replace(ADA, observed_at=moment))
        done, (found,) = after(known, event(kind, seconds=seconds))
        assert (found.status, found.reason) == (("ignored", OLD) if is_older else ("applied", None))
        # What is known never becomes older.
        later = at(seconds) if moment is None else max(moment, at(seconds))
        assert done.people["ada"].observed_at == later


def test_an_event_that_is_older_recognises_the_person_and_creates_nothing() -> None:
    known = world(replace(ADA, observed_at=at(10)))
    done, _ = after(known, event(company="new", seconds=1), by="open")
    assert list(done.new_identities) == [("person", "open", "ada")]
    assert (done.new_companies, done.people) == ([], known.people)


def test_events_build_on_each_other_in_their_order() -> None:
    done, verdicts = after(
        world(), event(title="one"), event(department="two", seconds=1), event(title="x")
    )
    assert [one.status for one in verdicts] == ["applied", "applied", "ignored"]
    assert done.people["ada"] == replace(ADA, title="one", department="two", observed_at=at(1))


def test_events_about_somebody_who_is_locked_are_left_and_change_nothing() -> None:
    bo = replace(ADA, id="bo", email=None)
    known = world(ADA, bo, locked=frozenset({"ada"}))
    done, verdicts = after(known, event(title="CEO"), event(person="bo", title="CIO"))
    assert verdicts == [Verdict(1, "applied")]
    assert done.people["ada"] == ADA
    assert ("person", "crm", "ada") not in done.identities
    assert done.people["bo"].title == "CIO"


def test_a_person_or_company_that_is_deleted_makes_the_event_dead() -> None:
    deleted = world(replace(ADA, deleted=True))
    assert verdict(deleted, event()) == ("dead", "the person is deleted here")
    gone = world(companies={"acme": replace(ACME, deleted=True), "globex": GLOBEX})
    for kind in ("person.role_change", "person.left", "person.joined"):
        for by in ("crm", "open"):
            assert verdict(gone, event(kind), by) == ("dead", "the company is no longer tracked")
