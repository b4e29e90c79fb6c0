"""What becomes of what vendors send: which event of ours, about whom, with which values."""

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.webhooks.events import Event, Party, read_body
from bg_assets.domain.webhooks.fields import UnfitField
from bg_assets.domain.webhooks.secrets import Vendor
from bg_assets.domain.webhooks.vendors.table import VENDORS, BadTable, tables
from bg_assets.domain.webhooks.vendors.translating import Translated, translate
from bg_assets_tests.domain.webhooks.vendors.bodies import (
    NOON,
    hubspot,
    of_pipedrive,
    of_salesforce,
    pipedrive,
    salesforce,
)

NOW = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def all_of(vendor: Vendor, sent: Any, own: str | None = None) -> list[Translated]:
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    return translate(tables(own)[vendor], body, NOW)


def one(vendor: Vendor, sent: Any, own: str | None = None) -> Event:
    """The one event that this is, which is not ignored."""
    (found,) = all_of(vendor, sent, own)
    assert found.ignored is None
    event = read_body(found.body, NOW)
    assert isinstance(event, Event), event
    assert (event.event_id, event.occurred_at) == (found.event_id, found.at)
    return event


def ignored(vendor: Vendor, sent: Any) -> str:
    (found,) = all_of(vendor, sent)
    assert found.ignored is not None
    return found.ignored


def test_a_property_of_hubspot_tells_one_value_of_one_contact() -> None:
    sent = hubspot(objectId=123, propertyName="jobtitle", propertyValue="CFO")
    event = one("hubspot", [sent])
    assert (event.type, event.occurred_at, event.person) == ("person.changed", AT, Party("123"))
    assert (event.company, event.values) == (Party(None), {"title": "CFO"})
    emptied = one("hubspot", [sent | {"propertyValue": ""}])
    assert emptied.values == {"title": None}


def test_an_email_of_hubspot_may_also_tell_who_is_meant() -> None:
    sent = hubspot(objectId=123, propertyName="email", propertyValue="ada@acme.example")
    event = one("hubspot", [sent])
    assert event.values == {"email": "ada@acme.example"}
    assert event.person == Party("123", email="ada@acme.example")


@pytest.mark.parametrize(
    ("sent", "kind", "company"),
    [
        ({"associationRemoved": False, "isPrimaryAssociation": True}, "person.changed", "77"),
        ({"associationRemoved": True, "isPrimaryAssociation": False}, "person.left", "77"),
        ({"associationRemoved": False, "isPrimaryAssociation": False}, None, None),
    ],
)
@pytest.mark.parametrize("of", ["contact", "object"])
def test_of_companies_of_a_contact_the_primary_one_counts(
    sent: dict[str, Any], kind: str | None, company: str | None, of: str
) -> None:
    which = (
        {"associationType": "CONTACT_TO_COMPANY"} if of == "contact"
        else {"fromObjectTypeId": "0-1", "toObjectTypeId": "0-2", "associationTypeId": 1}
    )  # fmt: skip
    told = [hubspot(f"{of}.associationChange", fromObjectId=123, toObjectId=77, **which, **sent)]
    if kind is None:
        assert "primary company" in ignored("hubspot", told)
        return
    event = one("hubspot", told)
    assert (event.type, event.person, event.company.id) == (kind, Party("123"), company)


@pytest.mark.parametrize(
    ("kind", "told", "means"),
    [
        ("contact.deletion", {}, "person.deleted"),
        ("object.deletion", {"objectTypeId": "0-1"}, "person.deleted"),
        ("contact.restore", {}, "person.restored"),
        ("contact.privacyDeletion", {}, "person.erased"),
    ],
)
def test_deletions_and_erasures_of_hubspot(kind: str, told: dict[str, Any], means: str) -> None:
    event = one("hubspot", [hubspot(kind, objectId=123, **told)])
    assert (event.type, event.person) == (means, Party("123"))


def test_all_who_were_merged_become_the_new_contact_each_by_an_event_of_its_own() -> None:
    sent = hubspot("contact.merge", primaryObjectId=1, mergedObjectIds=[2, 3], newObjectId=9)
    found = all_of("hubspot", [sent])
    assert [one.person for one in found] == ["1", "2", "3"]
    assert len({one.event_id for one in found}) == 3
    events = [read_body(one.body, NOW) for one in found]
    assert [event.into for event in events if isinstance(event, Event)] == ["9", "9", "9"]
    # Where one of them stays, it does not become itself.
    stays = all_of("hubspot", [sent | {"newObjectId": 1}])
    assert [one.person for one in stays] == ["2", "3"]


def test_events_of_hubspot_with_one_event_id_are_told_apart_and_a_retry_is_not() -> None:
    sent = hubspot(objectId=1, propertyName="jobtitle", propertyValue="CFO")
    others = [
        sent | {"objectId": 2}, sent | {"occurredAt": NOON + 1}, sent | {"subscriptionId": 5},
        sent | {"propertyName": "city"}, sent | {"portalId": 5},
    ]  # fmt: skip
    ids = {found.event_id for found in all_of("hubspot", [sent, *others])}
    assert len(ids) == 6
    (again,) = all_of("hubspot", [sent | {"attemptNumber": 3}])
    assert again.event_id in ids


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (hubspot("contact.creation", objectId=1), "an id and nothing else"),
        (hubspot(objectId=1, propertyName="hs_shoe", propertyValue="43"), "hs_shoe"),
        (hubspot("deal.creation", objectId=1), "webhook vendors"),
        (hubspot("object.propertyChange", objectId=1, objectTypeId="0-3"), "webhook vendors"),
        (hubspot("company.creation", objectId=1), "an id and nothing else"),
        (hubspot("company.propertyChange", objectId=1, propertyName="hs_shoe"), "hs_shoe"),
        (
            hubspot(
                "company.associationChange",
                fromObjectId=1,
                toObjectId=2,
                associationType="COMPANY_TO_CONTACT",
                associationRemoved=False,
            ),
            "the associations of contacts",
        ),
    ],
)
def test_what_nothing_follows_from_says_why(sent: dict[str, Any], why: str) -> None:
    assert why in ignored("hubspot", [sent])


def test_of_what_is_ignored_no_value_is_kept() -> None:
    sent = hubspot(objectId=1, propertyName="hs_secret_note", propertyValue="very private")
    (found,) = all_of("hubspot", [sent])
    assert b"private" not in found.body


def test_a_record_of_pipedrive_tells_all_of_the_person_as_they_are() -> None:
    sent = pipedrive(data=of_pipedrive(job_title="CFO"), previous={"job_title": "VP"})
    event = one("pipedrive", sent)
    assert (event.type, event.person, event.occurred_at) == (
        "person.changed", Party("17", email="ada@acme.example"), AT,
    )  # fmt: skip
    assert event.company == Party("3")
    assert event.values == {"name": "Ada Vance", "email": "ada@acme.example", "title": "CFO"}


def test_what_was_emptied_in_pipedrive_is_unknown_and_what_is_empty_all_along_is_not_told() -> None:
    record = of_pipedrive(job_title=None, emails=[])
    assert one("pipedrive", pipedrive(data=record, previous={"job_title": "VP"})).values == {
        "name": "Ada Vance", "title": None,
    }  # fmt: skip


def test_who_has_no_organisation_any_more_in_pipedrive_has_left_it() -> None:
    event = one("pipedrive", pipedrive(data=of_pipedrive(org_id=None), previous={"org_id": 3}))
    assert (event.type, event.company) == ("person.left", Party("3"))
    never = one("pipedrive", pipedrive(data=of_pipedrive(org_id=None), previous={"name": "A"}))
    assert (never.type, never.company) == ("person.changed", Party(None))


def test_deletions_and_merges_of_pipedrive() -> None:
    gone = one("pipedrive", pipedrive("delete", previous=of_pipedrive()))
    assert (gone.type, gone.person, gone.values) == ("person.deleted", Party("17"), {})
    merged = one("pipedrive", pipedrive("delete", previous=of_pipedrive(), merged_to_id="18"))
    assert (merged.type, merged.person, merged.into) == ("person.merged", Party("17"), "18")


def test_fields_of_ones_own_come_first_and_may_be_choices() -> None:
    key = "d4de1c1518b4531717c676029a45911c340390a6"
    own = f'[pipedrive]\n"custom_fields.{key}" = "title"\n"custom_fields.x" = "department"'
    record = of_pipedrive(job_title="VP", custom_fields={
        key: {"type": "varchar", "value": "CFO"}, "x": {"type": "enum", "id": 5, "label": "Board"},
    })  # fmt: skip
    values = one("pipedrive", pipedrive(data=record), own).values
    assert (values["title"], values["department"]) == ("CFO", "Board")


def test_a_message_of_salesforce_tells_the_chosen_fields_of_each_contact() -> None:
    records = (of_salesforce(), of_salesforce(Id="0035g00000ABCdFAAX", Title=None, FirstName=None))
    first, second = all_of("salesforce", salesforce(*records))
    event = read_body(first.body, NOW)
    assert isinstance(event, Event)
    assert (event.type, event.occurred_at) == ("person.changed", AT)
    assert event.person == Party(
        "0035g00000ABCdEAAX", email="ada@acme.example", also="0035g00000ABCdE"
    )
    assert event.company == Party("0015g00000XYZaBAAW", also="0015g00000XYZaB")
    assert event.values == {
        "name": "Ada Vance", "title": "Chief Financial Officer", "email": "ada@acme.example",
    }  # fmt: skip
    assert (first.type, first.event_id) == ("Contact", "04l5g00000Gx0001AAJ")
    other = read_body(second.body, NOW)
    assert isinstance(other, Event)
    assert other.values == {"name": "Vance", "email": "ada@acme.example"}


def test_an_event_without_its_time_is_stored_and_fails_by_that_later() -> None:
    record = of_salesforce()
    del record["LastModifiedDate"]
    (found,) = all_of("salesforce", salesforce(record))
    assert found.at is None
    assert getattr(read_body(found.body, NOW), "field", None) == "timestamp"


def test_a_value_that_cannot_be_read_costs_itself_and_alone_the_event() -> None:
    bad = {"label": "work", "value": "no address", "primary": True}
    record = of_pipedrive(job_title="CFO", emails=[bad])
    assert one("pipedrive", pipedrive(data=record)).values == {"name": "Ada Vance", "title": "CFO"}
    alone = hubspot(objectId=1, propertyName="email", propertyValue="no address")
    (found,) = all_of("hubspot", [alone])
    assert getattr(read_body(found.body, NOW), "field", None) == "person.email"


_OPEN = b'<?xml version="1.0"?>'


@pytest.mark.parametrize(
    "sent",
    [
        b"", b"<a", b"<a/>", b"{}", b"\xff\xfe", salesforce(of_salesforce())[:-20],
        _OPEN + b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        _OPEN + b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        _OPEN + b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><a>&b;</a>',
        _OPEN + b"<?evil go?>" + salesforce(of_salesforce()).split(b"?>", 1)[1],
        b"<a>" * 5000, b"<a>" * 20 + b"</a>" * 20,
        salesforce(*[of_salesforce()] * 101),
        salesforce(of_salesforce()).replace(b"<Id>", b"<Ix>").replace(b"J</Id>", b"J</Ix>"),
        salesforce(of_salesforce()).replace(b"2005/09", b"2005/10"),
    ],
    ids=range(15),
)  # fmt: skip
def test_xml_that_is_no_message_or_tries_more_is_refused(sent: bytes) -> None:
    with pytest.raises(UnfitField) as caught:
        all_of("salesforce", sent)
    assert caught.value.unfit.field == "body"


@pytest.mark.parametrize("vendor", ["hubspot", "pipedrive"])
@pytest.mark.parametrize("sent", [b"", b"7", b"[7]", b"[[]]", b"{}", b"[{}]", b'{"meta": 5}'])
def test_json_that_is_not_the_vendors_is_refused(vendor: Vendor, sent: bytes) -> None:
    with pytest.raises(UnfitField):
        all_of(vendor, sent)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(data=st.data(), vendor=st.sampled_from(["hubspot", "pipedrive"]))
def test_a_sound_event_with_anything_in_one_place_is_read_or_refused(
    data: st.DataObject, vendor: Vendor
) -> None:
    sent: dict[str, Any] = (
        hubspot(objectId=1, propertyName="jobtitle", propertyValue="CFO") if vendor == "hubspot"
        else pipedrive(data=of_pipedrive(job_title="CFO"), previous={"org_id": 4})
    )  # fmt: skip
    place = sent
    while True:
        name = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[name], dict) or not place[name] or data.draw(st.booleans()):
            break
        place = place[name]
    place[name] = data.draw(_JSON)
    try:
        found = all_of(vendor, sent)
    except UnfitField:
        return
    for event in found:
        assert 0 < len(event.event_id) <= 256
        assert event.at is None or event.at.tzinfo is not None
        read_body(event.body, NOW)


@given(st.binary(max_size=60), st.sampled_from(VENDORS))
def test_no_body_makes_it_raise_anything_else(body: bytes, vendor: Vendor) -> None:
    try:
        all_of(vendor, body)
    except UnfitField:
        return


@pytest.mark.parametrize(
    ("own", "why"),
    [
        ("[hubspot", "no TOML"),
        ("[close]\nx = 'title'", "[hubspot], [pipedrive], [salesforce]"),
        ("hubspot = 5", "[hubspot], [pipedrive], [salesforce]"),
        ("[hubspot]\nx = 'shoe_size'", "[hubspot] x: takes one of name, title"),
        ("[hubspot]\nx = 5", "[hubspot] x: takes one of"),
    ],
)
def test_a_table_of_ones_own_says_what_is_wrong_with_it(own: str, why: str) -> None:
    with pytest.raises(BadTable) as caught:
        tables(own)
    assert why in str(caught.value)


def test_what_in_a_batch_is_no_event_costs_itself_and_is_known_again() -> None:
    sent = hubspot(objectId=1, propertyName="jobtitle", propertyValue="CFO")
    batch = [sent, 7, {"subscriptionType": "contact.merge"}, sent | {"eventId": 101}, [], None]
    found = all_of("hubspot", batch)
    assert [one.ignored is None for one in found] == [True, False, False, True, False, False]
    assert len({one.event_id for one in found}) == 6
    again = all_of("hubspot", batch[::-1])
    assert {one.event_id for one in again} == {one.event_id for one in found}


@pytest.mark.parametrize("text", ["a\\u0000b", "a\\ud83db", "\\udc00"])
def test_characters_that_are_none_cost_no_batch(text: str) -> None:
    sent = hubspot(objectId=1, propertyName="jobtitle", propertyValue="CFO")
    body = json.dumps([sent, sent | {"eventId": 101, "propertyValue": "?"}]).replace("?", text)
    first, second = all_of("hubspot", body.encode())
    event = read_body(second.body, NOW)
    assert isinstance(event, Event)
    assert "\ufffd" in event.values["title"]
    assert first.ignored is None


@pytest.mark.parametrize("vendor", ["hubspot", "pipedrive"])
@pytest.mark.parametrize("deep", [100, 300, 700, 960, 5000])
def test_what_is_nested_deeply_is_read_or_refused(vendor: Vendor, deep: int) -> None:
    nested = b"[" * deep + b'"\\u0000"' + b"]" * deep
    sent = hubspot(objectId=1, propertyName="jobtitle", propertyValue="?")
    for body in (nested, b"[" + nested + b"]", json.dumps([sent]).encode().replace(b'"?"', nested)):
        with contextlib.suppress(UnfitField):
            assert all_of(vendor, body) is not None
