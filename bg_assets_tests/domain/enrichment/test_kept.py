"""What is kept of an answer comes back as it was; what no answer may hold is named and refused."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.enrichment import kept
from bg_assets.domain.enrichment.asking import Answer, FoundCompany, FoundPerson, Post

TEXTS = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
DATES = st.none() | st.dates()
TIMES = st.none() | st.datetimes(timezones=st.just(UTC))
WHOLE = st.none() | st.integers(0, 2**31 - 1)
POSTS = st.builds(Post, TEXTS, TEXTS, TEXTS, DATES, DATES)
PEOPLE = st.builds(
    FoundPerson, key=TEXTS, name=TEXTS, title=TEXTS, department=TEXTS, email=TEXTS,
    location=TEXTS, company_name=TEXTS, company_domain=TEXTS, start_date=DATES,
    employed_there=st.none() | st.booleans(), observed_at=TIMES,
    likelihood=st.none() | st.floats(0, 1), career=st.lists(POSTS, max_size=2).map(tuple),
)  # fmt: skip
COMPANIES = st.builds(
    FoundCompany, key=TEXTS, name=TEXTS, domain=TEXTS, website=TEXTS, industry=TEXTS,
    employee_min=WHOLE, employee_max=WHOLE, country=TEXTS, observed_at=TIMES,
)  # fmt: skip
ANSWERS = st.builds(Answer, st.lists(PEOPLE, max_size=2).map(tuple), st.none() | COMPANIES)


@given(ANSWERS)
def test_an_answer_comes_back_as_it_was(answer: Answer) -> None:
    again = kept.from_json(json.loads(json.dumps(kept.to_json(answer))))
    assert again == answer
    assert kept.found(again) == kept.found(answer)


def test_nobody_found_is_an_answer_in_which_nothing_is_found() -> None:
    assert kept.from_json(kept.to_json(Answer())) == Answer()
    assert not kept.found(Answer())
    assert kept.found(Answer(people=(FoundPerson(),)))
    assert kept.found(Answer(company=FoundCompany()))


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    there = datetime(2026, 3, 2, 14, tzinfo=timezone(timedelta(hours=2)))
    answer = Answer(company=FoundCompany(observed_at=there))
    (found,) = [kept.from_json(kept.to_json(answer)).company]
    assert found == FoundCompany(observed_at=datetime(2026, 3, 2, 12, tzinfo=UTC))


def test_what_postgresql_can_not_store_is_left_out_of_texts_and_numbers() -> None:
    odd = FoundPerson(name="A\0nn \ud800", likelihood=float("nan"))
    (person,) = kept.from_json(kept.to_json(Answer(people=(odd,)))).people
    assert (person.name, person.likelihood) == ("Ann ?", None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 7),
        ("name", b"Secretperson"),
        ("start_date", "2026-01-01"),
        ("start_date", datetime(2026, 1, 1, tzinfo=UTC)),
        ("observed_at", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("observed_at", date(2026, 1, 1)),
        ("likelihood", "0.9"),
        ("likelihood", True),
        ("employed_there", 1),
        ("career", Post()),
        ("career", ("a post",)),
    ],
)
def test_a_field_of_another_kind_is_refused_by_its_name_without_its_value(
    field: str, value: Any
) -> None:
    answer = Answer(people=(replace(FoundPerson(), **{field: value}),))
    with pytest.raises(kept.OddAnswer, match=f"people.{field}") as refused:
        kept.to_json(answer)
    assert "Secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "NoneType"),
        ({"people": []}, "dict"),
        (Answer(people=FoundPerson()), "people is no tuple"),  # type: ignore[arg-type]
        (Answer(people=({"name": "x"},)), "people holds a dict"),  # type: ignore[arg-type]
        (Answer(company=FoundPerson()), "company holds a FoundPerson"),  # type: ignore[arg-type]
        (Answer(company=FoundCompany(employee_min=10**40)), "company.employee_min is out of range"),
        (Answer(company=FoundCompany(employee_min=1.5)), "company.employee_min"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_answer_is_refused(answer: Any, told: str) -> None:
    with pytest.raises(kept.OddAnswer, match=told):
        kept.to_json(answer)


def test_what_an_older_or_newer_version_kept_is_read_as_far_as_it_goes() -> None:
    document = {"people": [{"name": "Ann", "shoe_size": 40}], "company": None}
    assert kept.from_json(document) == Answer(people=(FoundPerson(name="Ann"),))
