"""Whether a request is from the vendor that it says: by signature, password or token. No clock."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from bg_assets.domain.webhooks.signatures import ACCEPTED, Verdict, mac, outside
from bg_assets.domain.webhooks.vendors.table import Signature

# As HTTP/2 names what HTTP/1.1 has in its first line; no header has such a name.
METHOD, TARGET, URL = ":method", ":path", ":url"
_TIME = re.compile(r"[0-9]{10,15}", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{43}=", re.ASCII)
# What HubSpot writes plainly where it signs, however the request has it. The list is of its page on
# validating requests.
_PLAIN = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
    "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ENCODED = re.compile("|".join(_PLAIN), re.IGNORECASE)


def verify(
    signature: Signature,
    headers: Mapping[str, str],
    body: bytes,
    keys: Sequence[bytes],
    now: float,
) -> Verdict:
    """Check a request against the keys of its source.

    ``headers`` by lower-case name, with METHOD, TARGET (the path and query as they came) and URL
    (what the vendor was told to send to, with them); ``now`` in seconds since 1970.
    """
    if not keys:
        return Verdict("no-secret")
    if signature.kind == "hmac":
        return _hmac(signature, headers, body, keys, now)
    offered = _password(headers) if signature.kind == "basic" else _token(signature, headers)
    if offered is None:
        return Verdict("no-signature")
    # Hashes are of one length, whatever is offered.
    mine = hashlib.sha256(offered).digest()
    accepted = False
    for key in keys:
        same = hmac.compare_digest(hashlib.sha256(key).digest(), mine)
        accepted = accepted or same
    return ACCEPTED if accepted else Verdict("wrong-signature")


def signed_headers(
    signature: Signature, key: bytes, method: str, url: str, body: bytes, milliseconds: int
) -> dict[str, str]:
    """What a vendor that signs sends along; for tests and for trying a source by hand."""
    time = str(milliseconds)
    parts = _parts(signature, method, url, body, time)
    made = base64.b64encode(mac(key, parts)).decode()
    return {signature.header: made, signature.time: time}


def _hmac(
    signature: Signature,
    headers: Mapping[str, str],
    body: bytes,
    keys: Sequence[bytes],
    now: float,
) -> Verdict:
    time, offered = headers.get(signature.time), headers.get(signature.header)
    if not (time and offered):
        return Verdict("old-signature" if headers.get(signature.older) else "no-signature")
    if not _TIME.fullmatch(time):
        return Verdict("bad-time")
    if not _BASE64.fullmatch(offered):
        return Verdict("bad-signature")
    late = outside(int(time) // 1000, now)
    if late:
        return Verdict(late)
    parts = _parts(signature, headers[METHOD], headers[URL], body, time)
    given, accepted = base64.b64decode(offered), False
    for key in keys:
        same = hmac.compare_digest(mac(key, parts), given)
        accepted = accepted or same
    return ACCEPTED if accepted else Verdict("wrong-signature")


def _parts(signature: Signature, method: str, url: str, body: bytes, time: str) -> bytes:
    plain = _ENCODED.sub(lambda found: _PLAIN[found[0].upper()], url)
    values = {
        "method": method.encode(),
        "url": plain.encode("utf-8", "surrogateescape"),
        "body": body,
        "time": time.encode(),
    }
    return b"".join(values[part] for part in signature.signed)


def _password(headers: Mapping[str, str]) -> bytes | None:
    kind, _, told = headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(told.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None


def _token(signature: Signature, headers: Mapping[str, str]) -> bytes | None:
    query = urlsplit(headers[TARGET]).query
    told = [value for name, value in parse_qsl(query) if name == signature.parameter]
    return told[0].encode() if len(told) == 1 else None
