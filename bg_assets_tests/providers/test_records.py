"""Whatever a record holds, it is read or told as one of another shape, and nothing else comes."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.enrichment.likeness import company_likeness, person_likeness
from bg_assets.providers import pdl_records, reading
from bg_assets.providers.reading import OtherShape
from bg_assets_tests.providers.invented import COMPANIES, PEOPLE
from bg_assets_tests.providers.questions import ABOUT_ADA, VANE, WHO_IS_THERE

ENRICHED = {"status": 200, "likelihood": 7, "data": PEOPLE[0]}
SEARCHED = {"status": 200, "total": 1, "data": [PEOPLE[0]]}
COMPANY = {"status": 200, "likelihood": 7, **COMPANIES[0]}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a document, at any depth."""
    found = [at] if at else []
    if isinstance(value, dict | list):
        names = value if isinstance(value, dict) else range(len(value))
        for name in names:
            found += _paths(value[name], (*at, name))
    return found


def _with(document: Any, path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    copy = json.loads(json.dumps(document))
    owner = copy
    for name in path[:-1]:
        owner = owner[name]
    owner[path[-1]] = value
    return dict(copy)


def _enriched(document: Any) -> None:
    person_likeness(ABOUT_ADA, pdl_records.enriched(ABOUT_ADA, document))


def _searched(document: Any) -> None:
    for one in pdl_records.found(WHO_IS_THERE, document):
        person_likeness(WHO_IS_THERE, one)


def _company(document: Any) -> None:
    company_likeness(VANE, pdl_records.company(document))


@pytest.mark.parametrize(
    ("document", "read"),
    [(ENRICHED, _enriched), (SEARCHED, _searched), (COMPANY, _company)],
)
def test_whatever_stands_anywhere_in_an_answer_is_read_or_refused(
    document: dict[str, Any], read: Callable[[Any], None]
) -> None:
    @given(st.sampled_from(_paths(document)), JSON)
    def tried(path: tuple[Any, ...], value: Any) -> None:
        changed = json.dumps(_with(document, path, value)).encode()
        with suppress(OtherShape):
            read(reading.document(changed))

    tried()


@pytest.mark.parametrize(
    ("document", "path", "value", "says"),
    [
        (ENRICHED, ("likelihood",), 11, "likelihood is not from 1 to 10"),
        (ENRICHED, ("likelihood",), True, "likelihood is no whole number"),
        (ENRICHED, ("likelihood",), 7.5, "likelihood is no whole number"),
        (ENRICHED, ("data",), None, "data is missing"),
        (ENRICHED, ("data",), {}, "data is missing"),
        (ENRICHED, ("data",), [], "data is no object"),
        (ENRICHED, ("data", "job_title"), 5, "data.job_title is no text"),
        (ENRICHED, ("data", "experience"), {}, "data.experience is no list of objects"),
        (
            ENRICHED,
            ("data", "experience", 1, "title"),
            "x",
            "data.experience[1].title is no object",
        ),
        (
            ENRICHED,
            ("data", "experience", 0, "company", "name"),
            [],
            "data.experience[0].company.name is no text",
        ),
        (SEARCHED, ("data",), {}, "data is no list of objects"),
        (SEARCHED, ("data",), [PEOPLE[0]] * 3, "more records than were asked for"),
        (SEARCHED, ("data", 0, "full_name"), {}, "data[0].full_name is no text"),
        (COMPANY, ("location",), "Lisbon", "location is no object"),
        (COMPANY, ("size",), 250, "size is no text"),
    ],
)
def test_another_shape_is_told_by_its_field(
    document: dict[str, Any], path: tuple[Any, ...], value: Any, says: str
) -> None:
    read = {id(ENRICHED): _enriched, id(SEARCHED): _searched, id(COMPANY): _company}
    with pytest.raises(OtherShape) as refused:
        read[id(document)](_with(document, path, value))
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("work_email", "not an address"),
        ("work_email", ""),
        ("job_title", "x" * 5000),
        ("job_start_date", "2024"),
        ("job_start_date", "2024-13"),
        ("job_start_date", "soon"),
        ("job_company_website", "not a site"),
    ],
)
def test_what_could_not_be_stored_is_unknown(name: str, value: str) -> None:
    found = pdl_records.enriched(ABOUT_ADA, _with(ENRICHED, ("data", name), value))
    field = {
        "work_email": found.email,
        "job_title": found.title,
        "job_start_date": found.start_date,
        "job_company_website": found.company_domain,
    }
    assert field[name] is None
    assert found.name is not None
