"""What becomes of what vendors send of companies."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bg_assets.domain.webhooks.events import Event, Party, read_body
from bg_assets.domain.webhooks.secrets import Vendor
from bg_assets.domain.webhooks.vendors.table import BadTable, tables
from bg_assets.domain.webhooks.vendors.translating import translate
from bg_assets_tests.domain.webhooks.vendors.bodies import hubspot, pipedrive, salesforce

NOW = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)


def events(vendor: Vendor, sent: Any, own: str | None = None) -> list[Event]:
    """The events that these are, none of which is ignored."""
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    found = translate(tables(own)[vendor], body, NOW)
    assert [one.ignored for one in found] == [None] * len(found)
    read = [read_body(one.body, NOW) for one in found]
    assert all(one.person is None for one in found)
    return [one for one in read if isinstance(one, Event)]


def changed(**told: Any) -> dict[str, Any]:
    return hubspot("company.propertyChange", objectId=3, **told)


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("name", "Acme AG", {"name": "Acme AG"}),
        ("numberofemployees", "250", {"employee_min": 250, "employee_max": 250}),
        ("numberofemployees", "", {"employee_min": None, "employee_max": None}),
        ("domain", "acme.example", {"domain": "acme.example"}),
        ("industry", "MINING_METALS", {"industry": "MINING_METALS"}),
        ("country", "Germany", {"country": "Germany"}),
    ],
)
@pytest.mark.parametrize("of", ["company", "object"])
def test_a_property_of_a_company_of_hubspot_tells_one_value(
    name: str, text: str, values: dict[str, Any], of: str
) -> None:
    kind = {"subscriptionType": f"{of}.propertyChange"}
    kind |= {"objectTypeId": "0-2"} if of == "object" else {}
    (event,) = events("hubspot", [changed(propertyName=name, propertyValue=text) | kind])
    assert (event.type, event.company, event.values) == ("company.changed", Party("3"), values)


def test_deletions_and_mergers_of_companies_of_hubspot() -> None:
    batch = [
        hubspot("company.deletion", objectId=3),
        hubspot("object.restore", objectId=3, objectTypeId="0-2"),
        hubspot("company.merge", primaryObjectId=3, mergedObjectIds=[4, 5], newObjectId=3),
    ]
    found = [(one.type, one.company.id, one.into) for one in events("hubspot", batch)]
    assert found == [
        ("company.deleted", "3", None), ("company.restored", "3", None),
        ("company.merged", "4", "3"), ("company.merged", "5", "3"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "which",
    [
        {"subscriptionType": "company.associationChange", "associationType": "COMPANY_TO_CONTACT"},
        {"subscriptionType": "object.associationChange", "fromObjectTypeId": "0-2",
         "toObjectTypeId": "0-1"},
    ],
)  # fmt: skip
def test_from_the_companys_side_hubspot_tells_who_is_there_no_more(which: dict[str, str]) -> None:
    sent = hubspot(fromObjectId=3, toObjectId=17, associationRemoved=True)
    (found,) = translate(tables()["hubspot"], json.dumps([sent | which]).encode(), NOW)
    event = read_body(found.body, NOW)
    assert isinstance(event, Event)
    assert (event.type, event.person, event.company) == ("person.left", Party("17"), Party("3"))


def test_a_record_of_pipedrive_tells_all_of_the_organization_and_what_was_emptied() -> None:
    record = {
        "id": 3, "name": "Acme AG", "website": "https://acme.example", "industry": 12,
        "employee_count": 250, "annual_revenue": 1_200_000, "people_count": 7,
        "address": {"value": "Main St 1, Bonn", "country": "Germany", "locality": "Bonn"},
    }  # fmt: skip
    (event,) = events("pipedrive", pipedrive(entity="organization", data=record))
    assert (event.type, event.company) == ("company.changed", Party("3"))
    told = {name: str(value) for name, value in event.values.items()}
    assert told == {
        "name": "Acme AG", "website": "https://acme.example", "employee_min": "250",
        "employee_max": "250", "revenue": "1200000", "country": "Germany",
    }  # fmt: skip
    emptied = pipedrive(
        entity="organization", data=record | {"website": None},
        previous={"website": "https://acme.example"},
    )  # fmt: skip
    assert events("pipedrive", emptied)[0].values["website"] is None


@pytest.mark.parametrize(
    ("meta", "means", "into"),
    [({}, "company.deleted", None), ({"merged_to_id": 9}, "company.merged", "9")],
)
def test_an_organization_of_pipedrive_ends(
    meta: dict[str, Any], means: str, into: str | None
) -> None:
    sent = pipedrive("delete", "organization", previous={"id": 3, "name": "Acme"}, **meta)
    (event,) = events("pipedrive", sent)
    assert (event.type, event.company, event.into) == (means, Party("3"), into)


def test_an_account_of_salesforce_tells_the_fields_that_were_chosen() -> None:
    account: dict[str, str | None] = {
        "Id": "0015g00000XYZaBAAW", "Name": "Acme & Sons", "NumberOfEmployees": "5200",
        "AnnualRevenue": "3.5E8", "BillingCountry": "Germany", "Industry": None,
        "Website": "www.acme.example", "LastModifiedDate": "2026-03-02T12:00:00.000Z",
    }  # fmt: skip
    (event,) = events("salesforce", salesforce(account, kind="Account"))
    assert event.company == Party("0015g00000XYZaBAAW", also="0015g00000XYZaB")
    assert event.values == {
        "name": "Acme & Sons", "employee_min": 5200, "employee_max": 5200,
        "website": "https://www.acme.example", "revenue": Decimal(350_000_000),
        "country": "Germany",
    }  # fmt: skip
    # What can't be read costs itself.
    (event,) = events("salesforce", salesforce(account | {"Website": "none"}, kind="Account"))
    assert "website" not in event.values
    assert event.values["country"] == "Germany"


def test_fields_of_companies_of_ones_own_come_first_and_mistakes_are_named() -> None:
    own = '[hubspot.companies]\nour_heads = "employee_count"\n[pipedrive]\n"x.y" = "title"\n'
    (event,) = events("hubspot", [changed(propertyName="our_heads", propertyValue="7")], own)
    assert event.values == {"employee_min": 7, "employee_max": 7}
    assert tables(own)["hubspot"].fields == tables()["hubspot"].fields
    for wrong in (
        '[hubspot.companies]\na = "title"', "[hubspot]\na = [1]", '[hubspot]\ncompanies = "x"',
    ):  # fmt: skip
        with pytest.raises(BadTable, match="takes one of"):
            tables(wrong)
