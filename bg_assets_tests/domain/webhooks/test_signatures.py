"""Signatures: the vectors of Standard Webhooks, its libraries, and every verdict of the first."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import standardwebhooks
import svix
from hypothesis import example, given, settings
from hypothesis import strategies as st
from standardwebhooks import webhooks as reference

from bg_assets.domain.webhooks.signatures import mac, signed_headers, verify

# The vector of the reference implementations.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
OTHER = base64.b64encode(b"another key, which signs nothing").decode()
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
SENT = 1614265330
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
VECTOR = {"webhook-id": ID, "webhook-timestamp": str(SENT), "webhook-signature": SIGNATURE}

PLAIN_KEY = b"a secret of a plain source, as shown"


def _plain(body: bytes, milliseconds: int | str, key: bytes = PLAIN_KEY) -> dict[str, str]:
    signed = f"{milliseconds}.".encode() + body
    signature = hmac.new(key, signed, hashlib.sha256).hexdigest()
    return {"x-timestamp": str(milliseconds), "x-signature": signature}


def _standard(headers: Mapping[str, str], now: float = SENT, body: bytes = BODY) -> str:
    verdict = verify("standard", headers, body, [KEY], now)
    assert verdict.accepted is (verdict.kind == "")
    return verdict.kind


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, ""),
        ({"webhook-id": "msg_2"}, "wrong-signature"),
        ({"webhook-id": ""}, "no-signature"),
        ({"webhook-timestamp": ""}, "no-signature"),
        ({"webhook-signature": ""}, "no-signature"),
        ({"webhook-timestamp": "hello"}, "bad-time"),
        ({"webhook-timestamp": "nan"}, "bad-time"),
        ({"webhook-timestamp": "-inf"}, "bad-time"),
        ({"webhook-timestamp": "9" * 400}, "bad-time"),
        ({"webhook-timestamp": str(SENT + 1)}, "wrong-signature"),
        ({"webhook-timestamp": f" {SENT}.25 "}, ""),
        ({"webhook-signature": "v1,dGFtcGVyZWQ="}, "wrong-signature"),
        ({"webhook-signature": SIGNATURE.replace("v1,", "v2,")}, "wrong-signature"),
        ({"webhook-signature": SIGNATURE.removeprefix("v1,")}, "bad-signature"),
        ({"webhook-signature": f"v1,{'A' * 44} v2,x v1a,y {SIGNATURE}"}, ""),
        ({"webhook-signature": f"{SIGNATURE} v1"}, ""),
        ({"webhook-signature": f"v1 {SIGNATURE}"}, "bad-signature"),
        ({"webhook-signature": f"v1,é {SIGNATURE}"}, "bad-signature"),
        ({"webhook-signature": f"v1,A {SIGNATURE}"}, "bad-signature"),
        ({"webhook-signature": f"v1,A,B {SIGNATURE}"}, "bad-signature"),
        ({"webhook-signature": f"  {SIGNATURE}"}, "bad-signature"),
    ],
)
def test_the_reference_vector_is_accepted_and_each_change_of_it_judged(
    changed: dict[str, str], kind: str
) -> None:
    assert _standard({**VECTOR, **changed}) == kind


def test_a_body_that_was_changed_is_refused() -> None:
    assert _standard(VECTOR, body=BODY + b" ") == "wrong-signature"


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        (SENT + 300, ""),
        (SENT + 300.999, ""),
        (SENT + 301, "too-old"),
        (SENT - 300, ""),
        (SENT - 300.001, "too-new"),
        (SENT - 301, "too-new"),
    ],
)
def test_300_whole_seconds_both_ways_are_inside_in_both_schemes(now: float, kind: str) -> None:
    assert _standard(VECTOR, now) == kind
    headers = _plain(BODY, SENT * 1000 + 0)
    assert verify("plain", headers, BODY, [PLAIN_KEY], now).kind == kind


def test_the_headers_of_svix_do_where_the_others_are_missing() -> None:
    svix_headers = {name.replace("webhook-", "svix-"): value for name, value in VECTOR.items()}
    assert _standard(svix_headers) == ""
    assert _standard({**svix_headers, "webhook-id": ID}) == "no-signature"


def test_any_of_several_secrets_will_do_and_none_is_refused() -> None:
    keys = [b"x" * 24, KEY, b"y" * 24]
    assert verify("standard", VECTOR, BODY, keys, SENT).accepted
    assert verify("plain", _plain(BODY, SENT * 1000, KEY), BODY, keys, SENT).accepted
    for scheme in ("standard", "plain"):
        assert verify(scheme, VECTOR, BODY, [], SENT).kind == "no-secret"


def test_a_request_is_accepted_by_the_kind_of_nothing_alone() -> None:
    assert verify("standard", VECTOR, BODY, [KEY], SENT).accepted
    refused = [
        verify("standard", VECTOR, BODY, [], SENT),
        verify("standard", {**VECTOR, "webhook-id": "\ud800"}, BODY, [KEY], SENT),
        verify("standard", VECTOR, BODY + b" ", [KEY], SENT),
        verify("plain", {}, BODY, [PLAIN_KEY], SENT),
        verify("plain", _plain(BODY, SENT * 1000), BODY + b" ", [PLAIN_KEY], SENT),
        verify("plain", _plain(BODY, SENT * 1000), BODY, [PLAIN_KEY], SENT + 400),
    ]
    assert [one.accepted for one in refused] == [False] * 6
    assert [one.kind for one in refused] == [
        "no-secret", "bad-signature", "wrong-signature", "no-signature", "wrong-signature",
        "too-old",
    ]  # fmt: skip


def test_a_signature_of_the_other_scheme_does_not_count() -> None:
    assert verify("plain", VECTOR, BODY, [KEY], SENT).kind == "no-signature"
    headers = _plain(BODY, SENT * 1000, KEY)
    assert verify("standard", headers, BODY, [KEY], SENT).kind == "no-signature"


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, ""),
        ({"x-signature": "A" * 64}, "bad-signature"),
        ({"x-signature": "a" * 64}, "wrong-signature"),
        ({"x-signature": "a" * 63}, "bad-signature"),
        ({"x-signature": "a" * 64 + "\n"}, "bad-signature"),
        ({"x-signature": ""}, "no-signature"),
        ({"x-timestamp": ""}, "no-signature"),
        ({"x-timestamp": str(SENT)}, "too-old"),
        ({"x-timestamp": f"{SENT}000 "}, "bad-time"),
        ({"x-timestamp": f"+{SENT}000"}, "bad-time"),
        ({"x-timestamp": f"{SENT}000.0"}, "bad-time"),
        ({"x-timestamp": "١" * 13}, "bad-time"),
        ({"x-timestamp": "9" * 5000}, "bad-time"),
        ({"x-timestamp": f"0{SENT}000"}, "wrong-signature"),
    ],
)
def test_the_plain_scheme_takes_one_form_only(changed: dict[str, str], kind: str) -> None:
    headers = {**_plain(BODY, SENT * 1000), **changed}
    assert verify("plain", headers, BODY, [PLAIN_KEY], SENT).kind == kind


@pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.Webhook])
def test_what_the_libraries_for_python_sign_is_accepted(library: type[Any]) -> None:
    body = '{"name": "Zoë — 株式会社"}'
    at = datetime(2026, 3, 4, 5, 6, 7, 890000, tzinfo=UTC)
    signature = library(SECRET).sign("msg.1", at, body)
    headers = {
        "webhook-id": "msg.1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    assert verify("standard", headers, body.encode(), [KEY], at.timestamp()).accepted


# What the reference thinks, at a time that is given to it.


class _Clock(datetime):
    at = datetime.fromtimestamp(SENT, tz=UTC)

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return cls.at


def _reference(headers: Mapping[str, str], body: bytes, at: datetime) -> bool | None:
    """Its verdict; None where it raises something else than that."""
    _Clock.at = at
    with mock.patch.object(reference, "datetime", _Clock):
        try:
            reference.Webhook(SECRET).verify(body, dict(headers), json_parse=False)
        except standardwebhooks.WebhookVerificationError:
            return False
        except Exception:
            return None
    return True


# As ASGI gives header values: latin-1; and more than can come, to be sure.
_text = st.text(st.characters(max_codepoint=255), max_size=12) | st.text(max_size=6)
_versions = st.sampled_from(["v1", "v1", "v1a", "v2", "V1", ""]) | _text
_pieces = st.sampled_from([SIGNATURE, SIGNATURE, "v1,", "v1", ",", "", "v1,AA", SIGNATURE + "="])
_signatures = st.lists(
    _pieces
    | st.builds("{},{}".format, _versions, _text)
    | st.builds(lambda one, spot: one[:spot] + "!" + one[spot:], _pieces, st.integers(0, 50)),
    max_size=4,
).map(" ".join)
_whole = st.integers(SENT - 302, SENT + 302)
_times = (
    st.just(str(SENT))
    | st.floats(0, 0.999).map(lambda part: repr(SENT + part))
    | _whole.map(str)
    | st.sampled_from(
        [f" {SENT}\t", "1_614_265_330", "1.61426533e9", f"+{SENT}", f"{SENT}.", "-0", "1e400"]
    )
    | _text
)
_ids = st.just(ID) | _text
_headers = st.fixed_dictionaries(
    {}, optional={
        "webhook-id": _ids, "webhook-timestamp": _times, "webhook-signature": _signatures
    },
)  # fmt: skip
_bodies = st.just(BODY) | st.binary(max_size=10)


@settings(max_examples=1500, deadline=None)
@given(headers=_headers, body=_bodies, late=st.integers(-303, 303))
@example(headers=VECTOR, body=b"\xff", late=0)
@example(headers={**VECTOR, "webhook-id": "\ud800"}, body=BODY, late=0)
def test_our_verdict_is_the_reference_s_wherever_it_gives_one(
    headers: dict[str, str], body: bytes, late: int
) -> None:
    at = datetime.fromtimestamp(SENT, tz=UTC) + timedelta(seconds=late)
    theirs = _reference(headers, body, at)
    ours = verify("standard", headers, body, [KEY], at.timestamp())
    # Where it gives none it raised: a body that is not UTF-8 is refused when it is read.
    assert ours.accepted is (theirs is True)


@settings(max_examples=300, deadline=None)
@given(message=_ids, time=_times, body=st.text(max_size=20), first=_signatures, late=_whole)
def test_what_is_signed_rightly_gets_the_verdict_of_the_reference(
    message: str, time: str, body: str, first: str, late: int
) -> None:
    at = datetime.fromtimestamp(late, tz=UTC)
    try:
        sent = datetime.fromtimestamp(float(time), tz=UTC)
        signature = standardwebhooks.Webhook(SECRET).sign(message, sent, body)
    except (ValueError, OverflowError, OSError):
        return
    content = body.encode()
    for signatures in (signature, f"{first} {signature}", f"{signature} {first}"):
        headers = {
            "webhook-id": message,
            "webhook-timestamp": time,
            "webhook-signature": signatures,
        }
        theirs = _reference(headers, content, at)
        assert verify("standard", headers, content, [KEY], at.timestamp()).accepted is (
            theirs is True
        )


def test_a_sender_signs_in_the_standard_scheme_as_its_vector_does() -> None:
    sent = datetime.fromtimestamp(SENT, UTC)
    assert signed_headers("standard", KEY, ID, sent, BODY) == VECTOR


def test_a_sender_signs_milliseconds_and_body_in_the_plain_scheme() -> None:
    sent = datetime.fromtimestamp(SENT, UTC) + timedelta(milliseconds=250)
    headers = signed_headers("plain", PLAIN_KEY, "any", sent, BODY)
    assert headers == _plain(BODY, 1614265330250)


@pytest.mark.parametrize("length", [0, 1, 2046, 2047, 2048, 4094, 4095, 20_000])
def test_a_mac_in_pieces_is_that_of_the_whole(length: int) -> None:
    content = bytes(n % 251 for n in range(length))
    for key in (b"k", b"k" * 32, b"k" * 200):
        assert mac(key, content) == hmac.digest(key, content, "sha256")
