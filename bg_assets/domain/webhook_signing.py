"""How a sender signs an event in each scheme: the headers that go with its body."""

import base64
import hashlib
import hmac
from datetime import datetime

from bg_assets.domain.webhook_secrets import Scheme


def signed_headers(
    scheme: Scheme, key: bytes, event_id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """The headers that sign these bytes; ``key`` is what the secret stands for (`key_of`).

    ``standard``: https://www.standardwebhooks.com, symmetric; ``plain``: hexadecimal HMAC-SHA256
    over the milliseconds since 1970, a dot and the body.
    """
    if scheme == "standard":
        seconds = str(int(at.timestamp()))
        mac = _mac(key, f"{event_id}.{seconds}.".encode() + body)
        signature = "v1," + base64.b64encode(mac).decode()
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        return dict(zip(names, (event_id, seconds, signature), strict=True))
    milliseconds = str(int(at.timestamp() * 1000))
    return {
        "x-timestamp": milliseconds,
        "x-signature": _mac(key, f"{milliseconds}.".encode() + body).hex(),
    }


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()
