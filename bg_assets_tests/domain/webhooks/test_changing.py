"""Events that tell a part of a person: each value by its own time, in whatever order they come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from bg_assets.domain.webhooks.applying import Pending, Verdict, fold
from bg_assets.domain.webhooks.events import Event, Party
from bg_assets.domain.webhooks.known import ERASED, Company, Known, Person, Source

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ADA = Person(
    "ada", "acme", "Ada Vance", "CFO", "Finance", "c_level", "ada@acme.example", "Oslo", "boss",
    observed_at=NOON - timedelta(days=1),
)  # fmt: skip
BO = Person("bo", "acme", "Bo Lind", "Clerk")


def known() -> Known:
    """Two companies, Ada and Bo at the first; the source calls Ada 17."""
    return Known(
        sources={"crm": Source("default", False), "open": Source("default", True)},
        identities={("person", "crm", "17"): "ada"},
        companies={name: Company(name, "default", name.title()) for name in ("acme", "globex")},
        people={"ada": ADA, "bo": BO},
    )


def event(
    seconds: float = 0,
    kind: str = "person.changed",
    person: str = "17",
    company: str | None = None,
    into: str | None = None,
    **values: str | None,
) -> Event:
    """An event of so many seconds after noon."""
    at = NOON + timedelta(seconds=seconds)
    return Event("e", "crm", kind, at, Party(company), Party(person), values, into=into)


def after(
    *events: Event, by: str = "crm", world: Known | None = None
) -> tuple[Known, list[Verdict]]:
    return fold(world or known(), [Pending(n, by, one) for n, one in enumerate(events)])


def test_a_part_that_is_told_leaves_the_rest_as_it_is_known() -> None:
    done, (verdict,) = after(event(title="CEO"))
    assert (verdict.status, verdict.person_id, verdict.company_id) == ("applied", "ada", "acme")
    found = done.people["ada"]
    assert (found.title, found.department, found.company_id) == ("CEO", "Finance", "acme")
    assert found.observed_at == NOON


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_properties_end_the_same_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    events = (
        event(1, title="CEO"), event(2, email="lund@acme.example"), event(3, title="Chair"),
        event(4, department=None),
    )  # fmt: skip
    done, _ = after(*(events[n] for n in order))
    found = done.people["ada"]
    assert (found.title, found.email, found.department) == ("Chair", "lund@acme.example", None)


def test_what_is_older_than_what_was_seen_as_a_whole_is_passed_over() -> None:
    whole = Event("e", "crm", "person.role_change", NOON + timedelta(seconds=9), Party("acme"),
                  Party("17"), {"title": "CEO"})  # fmt: skip
    done, verdicts = after(event(10, email="a@b.example"), whole, event(5, title="Clerk"))
    # The whole is older than the e-mail, and is passed over as it ever was.
    assert [one.status for one in verdicts] == ["applied", "ignored", "applied"]
    done, verdicts = after(whole, event(5, title="Clerk"), event(10, title="Chair"))
    assert [one.status for one in verdicts] == ["applied", "ignored", "applied"]
    assert done.people["ada"].title == "Chair"


def test_a_title_saved_together_with_the_new_company_comes_along_an_older_one_does_not() -> None:
    together = (event(0, title="COO"), event(1, company="globex"))
    for events in (together, together[::-1]):
        found = after(*events)[0].people["ada"]
        assert (found.company_id, found.title, found.department) == ("globex", "COO", None)
        assert (found.email, found.status) == ("ada@acme.example", "active")
    of_before = (event(0, title="COO"), event(60, company="globex"))
    for events in (of_before, of_before[::-1]):
        found = after(*events)[0].people["ada"]
        assert (found.company_id, found.title) == ("globex", None)


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_who_left_has_left_though_a_title_was_told_later(order: tuple[int, ...]) -> None:
    events = (event(1, "person.left", company="acme"), event(2, title="COO"))
    done, _ = after(*(events[n] for n in order))
    assert done.people["ada"].status == "left"
    moved = (event(5, company="globex"), event(4, "person.left", company="acme"))
    found = after(*moved)[0].people["ada"]
    assert (found.company_id, found.status) == ("globex", "active")


def test_who_was_deleted_is_found_by_nobody_until_restored() -> None:
    gone, verdicts = after(event(0, "person.deleted"), event(1, title="CEO"))
    assert [one.status for one in verdicts] == ["applied", "dead"]
    assert gone.people["ada"].deleted
    done, verdicts = after(event(2, "person.restored"), event(3, title="CEO"), world=gone)
    assert [one.status for one in verdicts] == ["applied", "applied"]
    assert (done.people["ada"].deleted, done.people["ada"].title) == (False, "CEO")
    late = after(event(1, "person.deleted"), world=done)[1][0]
    assert (late.status, done.people["ada"].deleted) == ("ignored", False)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_last_word_on_whether_somebody_is_there_counts(order: tuple[int, ...]) -> None:
    events = (
        event(1, "person.deleted"), event(2, "person.restored"), event(3, "person.deleted"),
    )  # fmt: skip
    assert after(*(events[n] for n in order))[0].people["ada"].deleted


def test_who_was_erased_is_gone_and_late_events_bring_nobody_back() -> None:
    done, verdicts = after(
        event(0, "person.erased"),
        event(1, title="CEO"),
        event(1, "person.role_change", company="acme", name="Ada Vance"),
        by="open",
    )  # fmt: skip
    # Source open calls nobody 17: nothing is known, and nothing is created afterwards either.
    assert [one.status for one in verdicts] == ["applied", "dead", "dead"]
    assert done.removed == {}
    done, verdicts = after(event(0, "person.erased"), event(1, title="CEO"))
    assert [(one.status, one.reason) for one in verdicts] == [
        ("applied", None), ("dead", "the person was erased here"),
    ]  # fmt: skip
    assert "ada" not in done.people
    assert done.removed == {"ada": None}
    assert done.identities["person", "crm", "17"] == ERASED


def test_erasing_asks_not_how_old_it_is() -> None:
    assert after(event(-(10**6), "person.erased"))[0].removed == {"ada": None}


def test_two_who_are_one_become_the_survivor_under_all_their_names() -> None:
    world = known()
    world.identities["person", "crm", "18"] = "bo"
    done, (verdict,) = after(event(0, "person.merged", "18", into="17"), world=world)
    assert (verdict.status, done.removed) == ("applied", {"bo": "ada"})
    assert set(done.people) == {"ada"}
    assert done.identities["person", "crm", "18"] == "ada"


@pytest.mark.parametrize("kind", ["person.erased", "person.merged"])
def test_nobody_is_deleted_for_good_by_an_id_that_may_be_another_sources(kind: str) -> None:
    world = known()
    done, (verdict,) = after(event(0, kind, "bo", into="17"), world=world)
    assert (verdict.status, "other sources" in (verdict.reason or "")) == ("dead", True)
    assert (done.removed, set(done.people)) == ({}, {"ada", "bo"})
    world.sources["crm"] = Source("default", False, alone=True)
    done, (verdict,) = after(event(0, kind, "bo", into="17"), world=world)
    assert (verdict.status, set(done.removed)) == ("applied", {"bo"})


def test_of_two_who_are_one_the_one_we_know_takes_both_names() -> None:
    done, (first, second) = after(
        event(0, "person.merged", "17", into="99"), event(1, person="99", title="CEO")
    )
    assert (first.status, second.status) == ("applied", "applied")
    assert (done.people["ada"].title, done.removed) == ("CEO", {})
    nobody = after(event(0, "person.merged", "1", into="2"))[1][0]
    assert nobody.status == "ignored"


@pytest.mark.parametrize(
    ("one", "by", "needed"),
    [
        (event(person="5", title="CEO"), "crm", "an import in which the person has the id"),
        (event(person="5", title="CEO"), "open", "company.id"),
        (event(person="5", company="acme", title="CEO"), "open", "person.name"),
        (event(company="initech"), "crm", "an import in which the company has the id"),
    ],
)
def test_an_event_about_somebody_unknown_says_what_would_be_needed(
    one: Event, by: str, needed: str
) -> None:
    (verdict,) = after(one, by=by)[1]
    assert (verdict.status, needed in (verdict.reason or "")) == ("dead", True)


def test_who_was_imported_with_a_short_id_is_found_by_the_long_one_and_known_by_both() -> None:
    world = known()
    world.people = {"0035g00000ABCdE": replace(ADA, id="0035g00000ABCdE")}
    called = Party("0035g00000ABCdEAAX", also="0035g00000ABCdE")
    company = Party("acmeAAX", also="acme")
    one = Event("e", "crm", "person.changed", NOON, company, called, {"title": "CEO"})
    done, (verdict,) = after(one, world=world)
    assert (verdict.status, verdict.company_id) == ("applied", "acme")
    assert done.people["0035g00000ABCdE"].title == "CEO"
    assert done.identities["person", "crm", "0035g00000ABCdEAAX"] == "0035g00000ABCdE"


def test_who_is_told_whole_enough_is_created_where_the_source_may() -> None:
    done, (verdict,) = after(event(person="5", company="acme", name="Cy", title="CEO"), by="open")
    assert verdict.status == "applied"
    assert (done.people["5"].name, done.people["5"].title) == ("Cy", "CEO")


def test_an_event_about_somebody_locked_waits_whatever_it_tells() -> None:
    world = known()
    world.locked = frozenset({"ada"})
    for kind in ("person.changed", "person.deleted", "person.erased", "person.merged"):
        assert after(event(0, kind, into="bo", title="CEO"), world=world)[1] == []
