"""Whether a request is from the vendor that it says: HubSpot's signature, passwords, tokens."""

import base64

import pytest

from bg_assets.domain.webhooks.secrets import ALL, Scheme, expected, from_random, key_of
from bg_assets.domain.webhooks.vendors import signing
from bg_assets.domain.webhooks.vendors.signing import METHOD, TARGET, URL, verify
from bg_assets.domain.webhooks.vendors.table import shipped

SECRET = b"8f2b6d1e-3c4a-4f5b-9a7d-0e1f2a3b4c5d"
BODY = (
    '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
    '"subscriptionType":"contact.propertyChange","attemptNumber":0,"objectId":123,'
    '"propertyName":"jobtitle","propertyValue":"Leiterin Einkauf – Zürich 株式会社"}]'
).encode()
SENT = 1_772_452_800
# Signed once by Signature.get_signature of hubspot-api-client 12.0.0 (PyPI), the first also by that
# of @hubspot/api-client 13.5.0 (npm): version v3, POST, at 1772452800123.
SIGNED = {
    "https://bg.acme.example/webhooks/crm": "Kbm/GlcTzjpuA/vjSX6Nfxc1RCk3H/zoKmSRx1lCBUw=",
    "https://bg.acme.example/in/webhooks/crm?team=a/b@c":
        "rttJ3GsyH8MWqVkGQgFjSAkayZmWxLEeb4ib9uBUzCI=",
}  # fmt: skip
(URL_OF_IT, VECTOR), _ = SIGNED.items()
HUBSPOT, PIPEDRIVE, SALESFORCE = (
    shipped(vendor).signature for vendor in ("hubspot", "pipedrive", "salesforce")
)


def headers(url: str = URL_OF_IT, signature: str = VECTOR, **more: str) -> dict[str, str]:
    return {
        METHOD: "POST", TARGET: "/webhooks/crm", URL: url, "x-hubspot-signature-v3": signature,
        "x-hubspot-request-timestamp": "1772452800123", **more,
    }  # fmt: skip


@pytest.mark.parametrize("url", SIGNED)
def test_what_hubspots_own_library_signed_is_accepted(url: str) -> None:
    told = headers(url, SIGNED[url])
    assert verify(HUBSPOT, told, BODY, [SECRET], SENT).accepted
    made = signing.signed_headers(HUBSPOT, SECRET, "POST", url, BODY, 1_772_452_800_123)
    assert made["x-hubspot-signature-v3"] == SIGNED[url]


def test_what_is_encoded_in_the_url_is_signed_plainly_but_for_what_hubspot_leaves() -> None:
    encoded = "https://bg.acme.example/in/webhooks/crm?team=a%2Fb%40c"
    told = headers(encoded, SIGNED["https://bg.acme.example/in/webhooks/crm?team=a/b@c"])
    assert verify(HUBSPOT, told, BODY, [SECRET], SENT).accepted
    space = signing.signed_headers(HUBSPOT, SECRET, "POST", "https://a/b%20c%26", BODY, 10**12)
    same = signing.signed_headers(HUBSPOT, SECRET, "POST", "https://a/b c&", BODY, 10**12)
    assert space != same


@pytest.mark.parametrize(
    ("told", "body", "keys", "now", "kind"),
    [
        (headers(), BODY, [], SENT, "no-secret"),
        (headers(), BODY, [b"x" * 36], SENT, "wrong-signature"),
        (headers(), BODY + b" ", [SECRET], SENT, "wrong-signature"),
        (headers("http://bg.acme.example/webhooks/crm"), BODY, [SECRET], SENT, "wrong-signature"),
        (headers(**{METHOD: "PUT"}), BODY, [SECRET], SENT, "wrong-signature"),
        (headers(), BODY, [SECRET], SENT + 301, "too-old"),
        (headers(), BODY, [SECRET], SENT - 301, "too-new"),
        (headers(signature=""), BODY, [SECRET], SENT, "no-signature"),
        (headers(signature=VECTOR[:-2]), BODY, [SECRET], SENT, "bad-signature"),
        (headers(signature=VECTOR + VECTOR), BODY, [SECRET], SENT, "bad-signature"),
        (headers(**{"x-hubspot-request-timestamp": "now"}), BODY, [SECRET], SENT, "bad-time"),
        (headers(**{"x-hubspot-request-timestamp": "1772452800124"}), BODY, [SECRET], SENT,
            "wrong-signature"),
        (headers(**{"x-hubspot-request-timestamp": "9" * 40}), BODY, [SECRET], SENT, "bad-time"),
    ],
)  # fmt: skip
def test_a_request_that_hubspot_did_not_sign_just_now_is_refused(
    told: dict[str, str], body: bytes, keys: list[bytes], now: float, kind: str
) -> None:
    assert verify(HUBSPOT, told, body, keys, now).kind == kind


def test_the_former_secret_counts_beside_the_new_one() -> None:
    assert verify(HUBSPOT, headers(), BODY, [b"n" * 36, SECRET], SENT).accepted


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (basic("bg:s\u00e9cret of pipedrive"), ""),
        ({"authorization": "basic " + basic("bg:s\u00e9cret of pipedrive")["authorization"][6:]},
            ""),
        (basic("bg:secret of pipedrive"), "wrong-signature"),
        (basic("s\u00e9cret of pipedrive"), "wrong-signature"),
        (basic(""), "wrong-signature"),
        (basic("bg:s\u00e9cret of pipedrive, and on"), "wrong-signature"),
        ({}, "no-signature"),
        ({"authorization": "Bearer x"}, "no-signature"),
        ({"authorization": "Basic \u00e9"}, "no-signature"),
        ({"authorization": "Basic !!!"}, "no-signature"),
    ],
)  # fmt: skip
def test_pipedrive_is_known_by_user_and_password(told: dict[str, str], kind: str) -> None:
    key = "bg:s\u00e9cret of pipedrive".encode()
    assert verify(PIPEDRIVE, told, BODY, [b"other:one of before", key], SENT).kind == kind
    assert verify(PIPEDRIVE, told, BODY, [], SENT).kind == "no-secret"


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("/webhooks/sf?token=the+token%21of+salesforce", ""),
        ("/webhooks/sf?a=b&token=the%20token!of%20salesforce", ""),
        ("/webhooks/sf?token=the+token", "wrong-signature"),
        ("/webhooks/sf?token=%FF%FE", "wrong-signature"),
        ("/webhooks/sf?token=x&token=the+token%21of+salesforce", "no-signature"),
        ("/webhooks/sf?token=", "no-signature"),
        ("/webhooks/sf", "no-signature"),
        ("/webhooks/sf/the+token%21of+salesforce", "no-signature"),
    ],
)
def test_salesforce_is_known_by_the_one_token_in_the_url(target: str, kind: str) -> None:
    found = verify(SALESFORCE, {TARGET: target}, BODY, [b"the token!of salesforce"], SENT)
    assert found.kind == kind
    assert verify(SALESFORCE, {TARGET: target}, BODY, [], SENT).kind == "no-secret"


@pytest.mark.parametrize("scheme", [one for one in ALL if one != "hubspot"])
def test_a_secret_that_is_made_is_one(scheme: Scheme) -> None:
    assert key_of(scheme, from_random(scheme, bytes(range(32)))) is not None


@pytest.mark.parametrize(
    ("scheme", "text"),
    [
        ("hubspot", "short"), ("hubspot", "x" * 201), ("hubspot", " " + "x" * 36),
        ("pipedrive", "no user in this one"), ("pipedrive", ":no user in this"),
        ("pipedrive", "no password here:"), ("salesforce", "fifteen letters"),
        ("salesforce", "control\x07characters"),
    ],
)  # fmt: skip
def test_what_is_no_secret_is_told_without_repeating_it(scheme: Scheme, text: str) -> None:
    assert key_of(scheme, text) is None
    assert text not in expected(scheme)


# The examples of HubSpot's pages on the older signatures.
OLD_SECRET = b"yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
OLD = {
    b'{"example_field":"example_value"}':
        "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
    b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,'
    b'"changeSource":"CRM","changeFlag":"NEW","appId":54321}]':
        "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de",
}  # fmt: skip


@pytest.mark.parametrize(("body", "signature"), OLD.items())
def test_a_signature_that_tells_no_time_is_not_enough_and_is_named(
    body: bytes, signature: str
) -> None:
    url = "https://www.example.com/webhook_uri"
    told = {METHOD: "POST", TARGET: "/webhook_uri", URL: url, "x-hubspot-signature": signature}
    verdict = verify(HUBSPOT, told, body, [OLD_SECRET], SENT)
    assert (verdict.kind, verdict.accepted) == ("old-signature", False)
    at = SENT * 1000
    told |= signing.signed_headers(HUBSPOT, OLD_SECRET, "POST", url, body, at)
    assert verify(HUBSPOT, told, body, [OLD_SECRET], SENT).accepted
