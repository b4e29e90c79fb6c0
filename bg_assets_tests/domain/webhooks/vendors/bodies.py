"""What HubSpot, Pipedrive and Salesforce send, in the shape in which they send it."""

from typing import Any
from xml.sax.saxutils import escape

NOON = 1_772_452_800_000


def hubspot(kind: str = "contact.propertyChange", at: int = NOON, **told: Any) -> dict[str, Any]:
    """An event of a batch."""
    return {
        "appId": 3151, "eventId": told.pop("event_id", 100), "subscriptionId": 131,
        "portalId": 62515, "occurredAt": at, "subscriptionType": kind, "attemptNumber": 0,
        "changeSource": "CRM_UI", "sourceId": "userId:7", **told,
    }  # fmt: skip


def pipedrive(
    action: str = "change",
    entity: str = "person",
    at: str = "2026-03-02T12:00:00.000Z",
    data: dict[str, Any] | None = None,
    previous: dict[str, Any] | None = None,
    **meta: Any,
) -> dict[str, Any]:
    """A request of webhooks v2."""
    number = (data or previous or {}).get("id", 17)
    return {
        "data": data,
        "previous": previous,
        "meta": {
            "action": action, "company_id": "9001", "correlation_id": "c0ffee-1",
            "entity_id": str(number), "entity": entity, "id": f"uuid-{action}-{number}-{at}",
            "is_bulk_edit": False, "timestamp": at, "type": "application", "user_id": "12",
            "version": "2.0", "webhook_id": "5", "webhook_owner_id": "12", "change_source": "app",
            "permitted_user_ids": ["12"], "attempt": 1, "host": "acme.pipedrive.com", **meta,
        },
    }  # fmt: skip


def of_pipedrive(**told: Any) -> dict[str, Any]:
    """A person's record as webhooks v2 have it."""
    return {
        "id": 17, "name": "Ada Vance", "first_name": "Ada", "last_name": "Vance", "org_id": 3,
        "owner_id": 12, "add_time": "2025-01-01T08:00:00Z", "update_time": "2026-03-02T12:00:00Z",
        "emails": [
            {"label": "home", "value": "ada@home.example", "primary": False},
            {"label": "work", "value": "ada@acme.example", "primary": True},
        ],
        "phones": [{"label": "work", "value": "+47 555", "primary": True}], "label": None,
        "label_ids": [], "visible_to": "3", "custom_fields": {}, **told,
    }  # fmt: skip


def salesforce(*records: dict[str, str | None], kind: str = "Contact", first: int = 1) -> bytes:
    """An outbound message with these records."""
    notifications = "".join(
        f"<Notification><Id>04l5g00000Gx{number:04d}AAJ</Id>"
        f'<sObject xsi:type="sf:{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        + "".join(
            f'<sf:{name} xsi:nil="true"/>' if value is None
            else f"<sf:{name}>{escape(value)}</sf:{name}>"
            for name, value in record.items()
        )
        + "</sObject></Notification>"
        for number, record in enumerate(records, first)
    )  # fmt: skip
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n <soapenv:Body>\n'
        '  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">\n'
        "   <OrganizationId>00D5g000000KQ2eEAG</OrganizationId>\n"
        "   <ActionId>04k5g000000CaRkAAK</ActionId>\n"
        '   <SessionId xsi:nil="true"/>\n'
        "   <EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/60.0</EnterpriseUrl>\n"
        "   <PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/60.0</PartnerUrl>\n"
        f"   {notifications}\n  </notifications>\n </soapenv:Body>\n</soapenv:Envelope>"
    ).encode()


def of_salesforce(**told: str | None) -> dict[str, str | None]:
    """The chosen fields of a contact."""
    return {
        "Id": "0035g00000ABCdEAAX", "AccountId": "0015g00000XYZaBAAW", "Email": "ada@acme.example",
        "FirstName": "Ada", "LastModifiedDate": "2026-03-02T12:00:00.000Z", "LastName": "Vance",
        "Title": "Chief Financial Officer", **told,
    }  # fmt: skip
