"""What a sender signs, against a vector of the standard and the plain scheme by hand."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from bg_assets.domain.webhooks.signatures import signed_headers

# The vector of the reference implementations.
KEY = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
BODY = b'{"test": 2432232314}'
SENT = datetime.fromtimestamp(1614265330, UTC)


def test_the_standard_scheme_signs_as_its_vector_does() -> None:
    assert signed_headers("standard", KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", SENT, BODY) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_plain_scheme_signs_milliseconds_and_body() -> None:
    at = SENT + timedelta(milliseconds=250)
    mac = hmac.new(KEY, b"1614265330250." + BODY, hashlib.sha256).hexdigest()
    assert signed_headers("plain", KEY, "any", at, BODY) == {
        "x-timestamp": "1614265330250", "x-signature": mac,
    }  # fmt: skip
