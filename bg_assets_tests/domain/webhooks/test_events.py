"""What an event's body says, and which field is wrong where it says nothing sound."""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.values.unfit import Unfit
from bg_assets.domain.webhooks.events import (
    TYPES,
    Event,
    Party,
    parse_body,
    read_body,
    read_event,
)
from bg_assets_tests.domain.webhooks.bodies import NOW, body, person, sound

_SURROGATE = "\ud800"


def company(**fields: object) -> dict[str, Any]:
    return {"id": "acme", "name": "Acme", **fields}


def wrong(document: object) -> str:
    found = read_event(document, NOW)
    assert isinstance(found, Unfit), found
    return found.field


@pytest.mark.parametrize("kind", TYPES)
def test_an_event_of_each_type_is_read(kind: str) -> None:
    found = sound(body(kind, into="u-18"))
    assert (found.event_id, found.source, found.type) == ("evt-1", "crm", kind)
    assert found.occurred_at == NOW - timedelta(minutes=1)
    assert found.company == Party("acme", "Acme", domain="acme.example")
    if kind.startswith("company."):
        assert found.person is None
    else:
        assert found.person == Party("u-17", "Ada Vance", "ada@acme.example")


def test_id_and_source_may_come_from_elsewhere() -> None:
    found = sound(body(id=None, source=None))
    assert (found.event_id, found.source) == (None, None)


@pytest.mark.parametrize(
    ("told", "changes", "values"),
    [
        ({"newTitle": "CFO"}, {}, {"title": "CFO"}),
        ({"new_title": "CFO"}, {}, {"title": "CFO"}),
        ({"newTitle": "CFO", "new_title": " CFO "}, {}, {"title": "CFO"}),
        ({"newTitle": None}, {"title": {"old": "VP", "new": "CFO"}}, {"title": "CFO"}),
        ({"newTitle": "CFO"}, {"title": {"new": "CFO"}}, {"title": "CFO"}),
        ({"oldTitle": "VP"}, {"title": {"old": "VP"}}, {}),
        ({}, {"title": {"new": None}}, {"title": None}),
        ({}, {"title": {"new": "  "}}, {"title": None}),
        ({}, {"title": None}, {}),
        ({}, {"department": {"new": "Finance"}, "seniority": {"new": "vp"}},
            {"department": "Finance", "seniority": "vp"}),
        ({}, {"location": {"new": "Zürich"}}, {"location": "Zürich"}),
        ({}, {"shoe_size": 43}, {}),
    ],
)  # fmt: skip
def test_what_is_not_said_differs_from_what_is_unknown_from_now_on(
    told: dict[str, Any], changes: dict[str, Any], values: dict[str, Any]
) -> None:
    assert sound(body(person=person(**told), changes=changes)).values == values


def test_a_contact_update_says_name_and_email_as_they_are_now() -> None:
    found = sound(body("person.contact_update"))
    assert found.values == {"name": "Ada Vance", "email": "ada@acme.example"}


def test_in_a_contact_update_changes_win_over_how_the_person_was_called() -> None:
    told = body(
        "person.contact_update",
        changes={"email": {"old": "ada@acme.example", "new": "ada@new.example"}},
    )
    found = sound(told)
    assert found.values["email"] == "ada@new.example"
    assert found.old_email == "ada@acme.example"


def test_text_is_trimmed_and_normalised_and_ids_are_only_trimmed() -> None:
    decomposed = "Zoe\u0308"
    found = sound(body(person={"id": f" {decomposed} ", "name": f" {decomposed} "}))
    assert found.person == Party(decomposed, "Zo\u00eb")


@pytest.mark.parametrize(
    "told",
    ["https://www.acme.example/about", "ACME.example", "www.acme.example"],
)
def test_a_domain_may_be_written_as_a_url(told: str) -> None:
    assert sound(body(company=company(domain=told))).company.domain == "acme.example"


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2026-03-02T11:00:00Z", NOW - timedelta(hours=1)),
        ("2026-03-02t11:00:00z", NOW - timedelta(hours=1)),
        ("2026-03-02T12:00:00+01:00", NOW - timedelta(hours=1)),
        ("2026-03-02 11:00:00.5-00:00", NOW - timedelta(hours=1, seconds=-0.5)),
        ("2026-03-03T12:00:00Z", NOW + timedelta(days=1)),
        ("1999-12-31T23:59:59Z", datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_with_its_offset(told: str, meant: datetime) -> None:
    assert sound(body(timestamp=told)).occurred_at == meant


@pytest.mark.parametrize(
    "told",
    [
        "2026-03-02T11:00:00", "2026-03-02", "yesterday", "", "1772452800", 1772452800, True, [],
        "2026-03-02T11:00:60Z", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59", "2026-03-03T12:00:01Z", "２０２６-03-02T11:00:00Z", "Z" * 1000,
        10**400,
    ],
)  # fmt: skip
def test_a_time_without_offset_or_more_than_a_day_ahead_is_refused(told: object) -> None:
    assert wrong(body(timestamp=told)) == "timestamp"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"type": None}, "type"),
        ({"type": ""}, "type"),
        ({"type": 5}, "type"),
        ({"type": "x" * 101}, "type"),
        ({"type": "a\0b"}, "type"),
        ({"id": 7.5}, "id"),
        ({"id": True}, "id"),
        ({"id": 10**256}, "id"),
        ({"source": 7}, "source"),
        ({"id": "x" * 257}, "id"),
        ({"id": "a\nb"}, "id"),
        ({"source": []}, "source"),
        ({"timestamp": None}, "timestamp"),
        ({"company": None}, "company"),
        ({"company": "Acme"}, "company"),
        ({"company": {"name": "Acme"}}, "company.id"),
        ({"company": {"id": "", "name": "Acme"}}, "company.id"),
        ({"company": company(id=7.0)}, "company.id"),
        ({"company": company(id=False)}, "company.id"),
        ({"company": company(id="x" * 201)}, "company.id"),
        ({"company": company(id="a\u200bb")}, "company.id"),
        ({"company": company(name="x" * 301)}, "company.name"),
        ({"company": company(name="A" + _SURROGATE)}, "company.name"),
        ({"company": company(domain="acme")}, "company.domain"),
        ({"company": company(domain=["acme.example"])}, "company.domain"),
        ({"person": None}, "person"),
        ({"person": []}, "person"),
        ({"person": {"name": "Ada"}}, "person.id"),
        ({"person": person(id=10**200)}, "person.id"),
        ({"person": person(id="x" * 201)}, "person.id"),
        ({"person": person(id="a\tb")}, "person.id"),
        ({"person": person(name=f"A{_SURROGATE}da")}, "person.name"),
        ({"person": person(name="x" * 301)}, "person.name"),
        ({"person": person(email="ada\n@a.example")}, "person.email"),
        ({"person": person(name={"first": "Ada"})}, "person.name"),
        ({"person": person(email="ada")}, "person.email"),
        ({"person": person(email="a@b@c.example")}, "person.email"),
        ({"person": person(email="x" * 255 + "@a.example")}, "person.email"),
        ({"person": person(newTitle=1)}, "person.newTitle"),
        ({"person": person(new_title="x" * 1001)}, "person.new_title"),
        ({"person": person(newCompany=7)}, "person.newCompany"),
        ({"person": person(oldCompany={"id": []})}, "person.oldCompany.id"),
        ({"person": person(old_company={"domain": "x"})}, "person.old_company.domain"),
        ({"changes": []}, "changes"),
        ({"changes": {"title": "CFO"}}, "changes.title"),
        ({"changes": {"title": {"new": 1}}}, "changes.title.new"),
        ({"changes": {"title": {"old": []}}}, "changes.title.old"),
        ({"changes": {"email": {"new": "ada"}}}, "changes.email.new"),
        ({"changes": {"department": {"new": "x" * 301}}}, "changes.department.new"),
        ({"changes": {"company": []}}, "changes.company"),
        ({"changes": {"company": {"new": 1}}}, "changes.company.new"),
    ],
)  # fmt: skip
def test_each_wrong_field_is_named(changed: dict[str, Any], field: str) -> None:
    assert wrong(body(**changed)) == field


def test_ids_may_be_whole_numbers_which_are_their_digits() -> None:
    told = body(id=9007199254740993, person={"id": 17}, company={"id": 0})
    found = sound(told)
    assert (found.event_id, found.person, found.company) == (
        "9007199254740993", Party("17"), Party("0"),
    )  # fmt: skip
    assert sound(body("person.merged", into=18)).into == "18"


def test_what_tells_a_part_of_somebody_need_not_name_the_company() -> None:
    told = {"type": "person.changed", "timestamp": "2026-03-02T11:59:00Z", "person": {"id": 5}}
    assert sound(told).company == Party(None)
    assert wrong(told | {"company": {"name": "Acme"}}) == "company.id"
    assert wrong(told | {"type": "person.merged"}) == "into"


@pytest.mark.parametrize("field", ["type", "timestamp", "company", "person"])
def test_null_is_no_value_of_what_is_required(field: str) -> None:
    assert wrong(body() | {field: None}) == field


@pytest.mark.parametrize("document", [None, [], "x", 7, 1.5, True, float("nan"), 10**400])
def test_a_document_that_is_no_object_is_refused_as_a_whole(document: object) -> None:
    assert wrong(document) == "body"


@pytest.mark.parametrize(
    ("told", "changes", "field"),
    [
        ({"newTitle": "CFO", "new_title": "CEO"}, {}, "person.newTitle"),
        ({"oldTitle": "CFO", "old_title": "CEO"}, {}, "person.oldTitle"),
        ({"newTitle": "CFO"}, {"title": {"new": "CEO"}}, "person.newTitle"),
        ({"new_title": "CFO"}, {"title": {"new": None}}, "person.newTitle"),
        ({"old_title": "CFO"}, {"title": {"old": "CEO"}}, "person.oldTitle"),
        ({"newCompany": {"id": "globex"}}, {}, "person.newCompany.id"),
        ({"new_company": {"id": "globex"}}, {}, "person.newCompany.id"),
        ({"newCompany": "Globex"}, {}, "person.newCompany"),
        ({"newCompany": {"domain": "globex.example"}}, {}, "person.newCompany.domain"),
        ({"newCompany": "Acme", "new_company": "Acme Inc"}, {}, "person.newCompany"),
        ({}, {"company": {"new": {"id": "globex"}}}, "person.newCompany.id"),
        ({"newCompany": {"id": "acme"}}, {"company": {"new": {"id": "b"}}}, "person.newCompany.id"),
        ({"oldCompany": "Globex"}, {"company": {"old": "Initech"}}, "person.oldCompany"),
    ],
)
def test_twins_that_disagree_are_refused(
    told: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    told_of = company(domain="acme.example")
    assert wrong(body(person=person(**told), changes=changes, company=told_of)) == field


@pytest.mark.parametrize(
    "told",
    [
        {"newCompany": "ACME, Inc."},
        {"newCompany": {"id": "acme", "name": "Something else"}},
        {"newCompany": {"name": "acme"}, "oldCompany": "Globex"},
        {"new_company": None, "newCompany": {"id": "acme"}},
        {"newCompany": {}},
        {"newCompany": ""},
    ],
)
def test_twins_that_may_be_the_same_company_agree(told: dict[str, Any]) -> None:
    sound(body("person.company_change", person=person(**told)))


def test_of_somebody_who_left_the_company_is_the_old_one() -> None:
    told = person(old_company={"id": "acme"}, new_company={"id": "globex", "name": "Globex"})
    assert sound(body("person.left", person=told)).company.id == "acme"
    other = person(old_company={"id": "globex"})
    assert wrong(body("person.left", person=other)) == "person.oldCompany.id"


def test_a_requested_refresh_needs_the_id_of_the_company_only() -> None:
    told = {
        "type": "company.refresh_requested",
        "timestamp": "2026-03-02T11:59:00Z",
        "company": {"id": "acme"},
    }
    assert sound(told).company == Party("acme")


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"company": 7, "person": "x", "changes": []},
        {"company": {"id": []}, "person": {"id": "\0"}},
        {"timestamp": "whenever"},
        {"id": 7, "source": {}},
    ],
)
def test_of_an_unknown_type_what_can_be_read_is_read(changed: dict[str, Any]) -> None:
    found = sound(body("person.birthday", **changed))
    assert found.type == "person.birthday"
    assert found.type not in TYPES
    if "timestamp" in changed:
        assert found.occurred_at == NOW
    if not changed:
        assert (found.company.id, found.person) == ("acme", Party("u-17"))


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"\xff\xfe", b'{"id": NaN}', b"Infinity", b"[" * 200_000, b'{"a":' * 200_000,
        b"1" * 10_000, b'"\xed\xa0\x80"', b'{"a": 1, "a": 1}', b'{"a": 1e999}', b'"\\u0000"',
        b'{"\\ud800": 1}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_json_is_refused_as_a_whole(raw: bytes) -> None:
    found = read_body(raw, NOW)
    assert isinstance(found, Unfit)
    assert found.field == "body"


def test_a_body_may_start_with_a_byte_order_mark() -> None:
    assert isinstance(read_body(b"\xef\xbb\xbf" + json.dumps(body()).encode(), NOW), Event)


def test_a_lone_surrogate_written_as_an_escape_is_refused() -> None:
    raw = json.dumps(body(person=person(name="A" + _SURROGATE))).encode()
    assert read_body(raw, NOW) == Unfit("holds a NUL or half of a character", "body")


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from(["acme", "person.left", "a@b.example", "2026-03-02T11:00:00Z"])
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
_KEYS = (
    "id", "source", "type", "timestamp", "person", "company", "changes", "name", "email", "domain",
    "oldTitle", "new_title", "newCompany", "old_company", "title", "old", "new", "location",
)  # fmt: skip


@given(st.recursive(_SCALARS, lambda inner: st.dictionaries(st.sampled_from(_KEYS), inner)) | _JSON)
def test_no_json_document_makes_it_raise(document: object) -> None:
    assert isinstance(read_event(document, NOW), Event | Unfit)


@given(st.data(), st.sampled_from(TYPES))
def test_a_sound_event_with_anything_in_one_place_is_read_or_refused_by_that_place(
    data: st.DataObject, kind: str
) -> None:
    told = body(
        kind,
        person=person(
            email="a@b.example", newTitle="CFO", old_title="VP", oldCompany={"id": "acme"}
        ),
        changes={"title": {"old": "VP", "new": "CFO"}, "email": {"new": "c@d.example"}},
        into="u-18",
    )
    place = told
    path = []
    while True:
        name = data.draw(st.sampled_from(sorted(place)))
        path.append(name)
        if not isinstance(place[name], dict) or data.draw(st.booleans()):
            break
        place = place[name]
    place[name] = data.draw(_JSON)
    found = read_event(copy.deepcopy(told), NOW)
    if isinstance(found, Unfit):
        leaf = path[-1].lower().replace("_", "")
        assert leaf in found.field.lower() or path[0] in found.field
    else:
        assert json.dumps(found.values, ensure_ascii=False).encode()
        assert found.occurred_at <= NOW + timedelta(days=1)


@given(st.binary(max_size=200))
def test_no_body_makes_it_raise(raw: bytes) -> None:
    parse_body(raw)
    assert isinstance(read_body(raw, NOW), Event | Unfit)
