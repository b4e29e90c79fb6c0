"""Requests as HubSpot, Pipedrive and Salesforce send them, to a receiver behind a proxy."""

import base64
import json
import time
from typing import Any

from bg_assets.domain.webhooks.secrets import Vendor
from bg_assets.domain.webhooks.vendors import signing
from bg_assets.domain.webhooks.vendors.table import shipped
from bg_assets_tests.receiver.doors import Answer, Door

SECRETS: dict[Vendor, str] = {
    "hubspot": "8f2b6d1e-3c4a-4f5b-9a7d-0e1f2a3b4c5d",
    "pipedrive": "bg:a password of pipedrive",
    "salesforce": "a-token-of-salesforce",
}
PUBLIC = "https://bg.acme.example/in"
JSON = {"content-type": "application/json"}
XML = {"content-type": "text/xml; charset=utf-8", "soapaction": '""'}


def signed(body: bytes, url: str, secret: str, late: int = 0) -> dict[str, str]:
    """The headers of HubSpot for a body that it sends to this URL."""
    at = time.time_ns() // 1_000_000 - late
    told = shipped("hubspot").signature
    return JSON | signing.signed_headers(told, secret.encode(), "POST", url, body, at)


def of_hubspot(door: Door, sent: Any, **changed: Any) -> Answer:
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    url = changed.pop("url", f"{PUBLIC}/webhooks/hubspot")
    headers = signed(body, url, changed.pop("secret", SECRETS["hubspot"]), **changed)
    return door.send(body, headers, "/webhooks/hubspot")


def of_the_others(door: Door, vendor: Vendor, body: bytes, secret: str | None = None) -> Answer:
    word = SECRETS[vendor] if secret is None else secret
    if vendor == "salesforce":
        return door.send(body, XML, f"/webhooks/salesforce?token={word}")
    told = {"authorization": "Basic " + base64.b64encode(word.encode()).decode()}
    return door.send(body, JSON | told, "/webhooks/pipedrive")
