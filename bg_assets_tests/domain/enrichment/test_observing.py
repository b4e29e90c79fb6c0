"""What an observation of a provider may change, and what it may not."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bg_assets.domain.enrichment.asking import CompanyAsked, FoundCompany, FoundPerson, Post
from bg_assets.domain.enrichment.observing import (
    CompanyRow,
    Row,
    Told,
    newcomer,
    of_company,
    of_person,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACME = CompanyAsked("acme", "Acme", "acme.com")
OURS = NOW - timedelta(days=10)
LATER, EARLIER = NOW - timedelta(days=5), NOW - timedelta(days=20)


def row(**values: Any) -> Row:
    return Row(**{"id": "p1", "company_id": "acme", "observed_at": OURS, **values})


def found(**values: Any) -> FoundPerson:
    return FoundPerson(**{"employed_there": True, "observed_at": LATER, **values})


def told(ours: Row, theirs: FoundPerson, **more: Any) -> Told:
    return of_person(ours, theirs, ACME, NOW, **more)


def test_what_is_unknown_is_filled_however_old_the_observation_is() -> None:
    change = told(row(title="CFO"), found(email="a@acme.com", title="CEO", observed_at=EARLIER))
    assert change.changes == {"email": "a@acme.com"}
    assert change.seen is None
    assert change.kept == ("title: ours is newer",)


def test_what_was_seen_before_is_replaced_by_what_was_seen_later() -> None:
    change = told(row(title="CFO", email="old@acme.com"), found(title="CEO", email="a@acme.com"))
    assert change.changes == {"title": "CEO", "email": "a@acme.com"}
    assert change.seen == LATER


@pytest.mark.parametrize("when", [EARLIER, OURS, None])
def test_nothing_newer_and_no_word_written_since_is_replaced(when: datetime | None) -> None:
    """A human's word and an import carry the time of their writing."""
    change = told(row(title="CFO"), found(title="CEO", observed_at=when))
    assert (change.changes, change.seen) == ({}, None)


def test_nothing_is_emptied() -> None:
    ours = row(title="CFO", email="a@acme.com", department="Finance", location="Oslo")
    assert told(ours, found()).changes == {}


def test_the_same_in_other_capitals_is_no_change_and_confirms() -> None:
    change = told(row(title="Chief Financial  Officer"), found(title="chief financial officer"))
    assert (change.changes, change.seen) == ({}, LATER)


def test_a_name_and_a_first_day_that_are_known_stay() -> None:
    ours = row(name="Ada Byron", start_date=date(2020, 1, 1))
    assert told(ours, found(name="A. Byron", start_date=date(2021, 1, 1))).changes == {}
    assert told(row(), found(start_date=date(2021, 1, 1))).changes == {
        "start_date": date(2021, 1, 1)
    }


def test_a_time_ahead_of_ours_is_now() -> None:
    change = told(row(title="CFO"), found(title="CEO", observed_at=NOW + timedelta(days=9)))
    assert change.seen == NOW


def test_where_nobody_says_when_ours_was_seen_any_time_is_later() -> None:
    assert told(row(title="CFO", observed_at=None), found(title="CEO")).changes == {"title": "CEO"}


def test_who_left_is_marked_with_their_last_day_where_the_provider_looked_later() -> None:
    career = (
        Post("CFO", "Acme", "acme.com", end_date=date(2026, 1, 31)),
        Post("CFO", "Bolt", "bolt.com", end_date=date(2026, 2, 20)),
        Post("CFO", "Acme", "acme.com", end_date=date(2027, 1, 1)),
    )
    left = found(employed_there=False, title="CEO", company_name="Corp", career=career)
    change = told(row(title="CFO"), left)
    assert change.changes == {"status": "left", "end_date": date(2026, 1, 31)}
    assert change.seen == LATER


@pytest.mark.parametrize("when", [EARLIER, OURS, None])
def test_nobody_is_said_to_have_left_before_they_were_seen(when: datetime | None) -> None:
    change = told(row(), found(employed_there=False, observed_at=when))
    assert (change.changes, change.seen) == ({}, None)
    assert change.kept


def test_where_it_is_not_told_where_they_work_only_contact_data_is_filled() -> None:
    unclear = found(
        employed_there=None, title="CEO", department="Board", email="a@x.com", location="Oslo"
    )
    change = told(row(location="Rome"), unclear)
    assert (change.changes, change.seen) == ({"email": "a@x.com"}, None)


@pytest.mark.parametrize(
    "gone", [{"status": "left"}, {"deleted": True}, {"company_id": "bolt"}, {"company_id": None}]
)
def test_who_is_gone_meanwhile_is_left_alone(gone: dict[str, Any]) -> None:
    change = told(row(**gone), found(title="CEO", email="a@acme.com"))
    assert change.changes == {}
    assert change.refused is not None


@pytest.mark.parametrize(
    "value",
    [
        {"email": "no address"}, {"email": "a b@acme.com"}, {"title": "x" * 1001}, {"title": " "},
        {"title": "half \ud800"}, {"location": "y" * 301}, {"start_date": date(2026, 3, 3)},
    ],
)  # fmt: skip
def test_what_is_not_fit_to_be_stored_is_not_told(value: dict[str, Any]) -> None:
    assert told(row(), found(**value)).changes == {}


def test_an_address_of_somebody_else_is_not_given_twice() -> None:
    assert told(row(), found(email="A@acme.com"), taken={"a@acme.com"}).changes == {}


def test_a_newcomer_has_what_the_provider_told() -> None:
    values = newcomer(found(name="Ada Byron", title="CFO", email="a@acme.com"), NOW, (), ())
    assert values == {
        "name": "Ada Byron", "title": "CFO", "email": "a@acme.com", "status": "active",
        "observed_at": LATER,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("theirs", "because"),
    [
        ({"employed_there": None}, "work there now"),
        ({"employed_there": False}, "work there now"),
        ({"name": None}, "no name or no title"),
        ({"title": None}, "no name or no title"),
        ({"name": "Zoë  King"}, "somebody of that name"),
        ({"name": "King, Zoe Ann"}, "somebody of that name"),
        ({"email": "TAKEN@acme.com"}, "the e-mail belongs to somebody else"),
    ],
)
def test_who_is_not_taken_in(theirs: dict[str, Any], because: str) -> None:
    one = found(**{"name": "Ada Byron", "title": "CFO", "email": "a@acme.com", **theirs})
    verdict = newcomer(one, NOW, {"taken@acme.com"}, {"Zoe KING", "Li Wei"})
    assert isinstance(verdict, str)
    assert because in verdict


def company(**values: Any) -> CompanyRow:
    return CompanyRow(**{"id": "acme", "name": "Acme", "updated_at": OURS, **values})


def of(ours: CompanyRow, **values: Any) -> Told:
    theirs = FoundCompany(**{"observed_at": LATER, **values})
    return of_company(ours, theirs, NOW, domain_taken=False)


def test_what_is_unknown_of_a_company_is_filled_and_what_is_known_is_kept() -> None:
    change = of(
        company(domain="acme.com", country="NO"), domain="www.acme.no", country="SE",
        industry="Steel", employee_min=51, employee_max=200, website="https://acme.com",
        observed_at=None,
    )  # fmt: skip
    assert change.changes == {
        "industry": "Steel", "website": "https://acme.com", "employee_min": 51, "employee_max": 200,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("when", "changes"),
    [(LATER, {"employee_min": 51, "employee_max": 200}), (EARLIER, {}), (None, {})],
)
def test_a_size_that_is_known_gives_way_to_a_later_one(
    when: datetime | None, changes: dict[str, int]
) -> None:
    ours = company(employee_min=10, employee_max=50)
    change = of(ours, employee_min=51, employee_max=200, observed_at=when)
    assert change.changes == changes


@pytest.mark.parametrize("size", [(200, 51), (-1, 50), (1, 10_000_001), (None, None)])
def test_a_size_that_can_t_be_is_not_told(size: tuple[int | None, int | None]) -> None:
    assert of(company(), employee_min=size[0], employee_max=size[1]).changes == {}


def test_a_domain_of_another_company_is_not_given_twice() -> None:
    theirs = FoundCompany(domain="acme.com", industry="Steel")
    change = of_company(company(), theirs, NOW, domain_taken=True)
    assert change.changes == {"industry": "Steel"}
