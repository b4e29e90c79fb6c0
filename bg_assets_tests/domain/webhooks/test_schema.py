"""What the schema of an event says is what its reader takes: each field, and up to which length."""

import copy
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.values import people
from bg_assets.domain.values.unfit import Unfit
from bg_assets.domain.webhooks import schema
from bg_assets.domain.webhooks.company_fields import COMPANY_CHANGES
from bg_assets.domain.webhooks.events import (
    CHANGES,
    COMPANY,
    NEEDED,
    PERSON,
    TYPES,
    Event,
    read_event,
)
from bg_assets_tests.domain.webhooks.bodies import NOW, body, person

SCHEMA = schema.event("when it happened")
VALID = jsonschema_rs.validator_for(SCHEMA)


def _leaves(of: dict[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each value that is no object, with its dotted place and its schema."""
    for one in of.get("anyOf", [of]):
        if "properties" in one:
            for name, inner in one["properties"].items():
                yield from _leaves(inner, (*at, name))
        elif "enum" not in one:
            yield ".".join(at), one


LEAVES = dict(_leaves(SCHEMA))


def _holding(place: str, value: object) -> dict[str, Any]:
    """A sound event with this value there: such that nothing else in it contradicts."""
    told = body("person.left" if "new" in place.lower() else "person.role_change")
    told["company"].pop("domain")
    *path, last = place.split(".")
    inner = told
    for name in path:
        inner = inner.setdefault(name, {})
    inner[last] = value
    return told


def _long(place: str, length: int) -> str:
    """A value of this length that is fit but for it."""
    last = place.rsplit(".", maxsplit=1)[-1]
    if "email" in place:
        return "a@" + "b" * (length - 2)
    if last == "domain":
        return "https://acme.example/".ljust(length, "x")
    if last == "timestamp":
        return "2026-03-02T11:59:00.".ljust(length - 1, "0") + "Z"
    return "Acme".ljust(length, "x")


def _wrong(document: object) -> str | None:
    found = read_event(document, NOW)
    return found.field if isinstance(found, Unfit) else None


def test_each_field_that_is_read_is_in_the_schema() -> None:
    pairs = ("old", "new")
    assert set(LEAVES) == {
        "id", "source", "type", "timestamp", "into",
        *(f"person.{name}" for name in PERSON),
        *(f"company.{name}" for name in COMPANY),
        *(f"changes.{name}.{when}" for name in CHANGES for when in pairs),
        *(f"person.{when}{title}" for when in pairs for title in ("Title", "_title")),
        *(
            f"{place}{of}"
            for place in (
                "person.oldCompany", "person.newCompany", "person.old_company",
                "person.new_company", "changes.company.old", "changes.company.new",
            )
            for of in ("", ".id", ".name", ".domain", ".also")
        ),
    }  # fmt: skip


@pytest.mark.parametrize("place", LEAVES)
def test_a_value_at_its_limit_is_read_and_one_beyond_is_refused(place: str) -> None:
    most = LEAVES[place]["maxLength"]
    fits, beyond = (_holding(place, _long(place, length)) for length in (most, most + 1))
    assert VALID.is_valid(fits)
    assert _wrong(fits) is None
    assert not VALID.is_valid(beyond)
    assert _wrong(beyond) == place


def test_the_limits_are_those_of_an_import() -> None:
    assert LEAVES["changes.title.new"]["maxLength"] == people.LONGEST_TITLE
    assert LEAVES["changes.department.new"]["maxLength"] == people.LONGEST_TEXT
    assert LEAVES["person.id"]["maxLength"] == people.LONGEST_ID
    assert LEAVES["person.email"]["maxLength"] == people.LONGEST_EMAIL


@pytest.mark.parametrize("kind", TYPES)
def test_what_a_type_needs_is_required_and_may_not_be_null_or_empty(kind: str) -> None:
    told = body(kind, into="u-18" if "merged" in kind else None)
    assert VALID.is_valid(told)
    for place in NEEDED[kind]:
        for value in (None, "", " "):
            lacking = copy.deepcopy(told)
            *path, last = place.split(".")
            (lacking[path[0]] if path else lacking)[last] = value
            assert not VALID.is_valid(lacking), (place, value)
            assert _wrong(lacking) == place
    whole = {"type": kind, "timestamp": told["timestamp"]}
    whole |= {name: told[name] for name in ("into",) if name in NEEDED[kind]}
    for name in ("company", "person"):
        parts = [place.split(".")[1] for place in NEEDED[kind] if place.startswith(f"{name}.")]
        if parts:
            whole[name] = {part: told[name][part] for part in parts}
    assert VALID.is_valid(whole)
    assert _wrong(whole) is None


@pytest.mark.parametrize("place", sorted(set().union(*NEEDED.values()) - {"timestamp"}))
def test_one_character_is_something(place: str) -> None:
    kind = next(kind for kind, needed in NEEDED.items() if place in needed)
    told = body(kind)
    *path, last = place.split(".")
    (told[path[0]] if path else told)[last] = "x"
    assert VALID.is_valid(told)
    assert _wrong(told) is None


def test_of_an_unknown_type_nothing_is_needed() -> None:
    assert VALID.is_valid({"type": "person.birthday"})
    assert VALID.is_valid({"type": "x"})
    assert not VALID.is_valid({})
    assert not VALID.is_valid({"type": ""})


@pytest.mark.parametrize(
    "changed",
    [
        {"id": None, "source": None},
        {"person": person(email="", oldTitle=None, newCompany="Acme", old_company={"id": None})},
        {"person": person(new_company={"id": "acme", "name": "Acme", "domain": None})},
        {"changes": {"title": None, "shoe_size": 43, "email": {"old": "", "new": "a@b.example"}}},
        {"company": {"id": "acme", "name": "Acme", "domain": "https://www.acme.example/about"}},
    ],
)
def test_what_may_be_left_open_is_valid_and_read(changed: dict[str, Any]) -> None:
    told = body() | changed
    assert VALID.is_valid(told)
    assert _wrong(told) is None


_VALUES: st.SearchStrategy[object] = st.sampled_from([7, 0.5, True, []]) | st.text(
    "a\u00e9@.", max_size=5
)


@given(place=st.sampled_from(sorted(LEAVES)), value=_VALUES)
def test_what_the_schema_does_not_allow_is_refused_there(place: str, value: object) -> None:
    told = _holding(place, value)
    allowed = VALID.is_valid(told)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    assert isinstance(value, str) or allowed is (is_number and "integer" in LEAVES[place]["type"])
    assert allowed or _wrong(told) == place


@pytest.mark.parametrize("place", COMPANY_CHANGES)
@given(value=_VALUES | st.none() | st.sampled_from(["5k", "acme.example", "3bn", "https://a.bc"]))
def test_of_a_company_what_the_schema_does_not_allow_is_refused_there(
    place: str, value: object
) -> None:
    told = body("company.changed", person=None, changes={place: {"new": value}})
    found = read_event(told, NOW)
    if VALID.is_valid(told):
        # Which of the texts are a domain, a number or a name no schema says.
        assert isinstance(found, Event) or isinstance(value, str | float) or value is None
    else:
        assert isinstance(found, Unfit)
        assert found.field == f"changes.{place}.new"
