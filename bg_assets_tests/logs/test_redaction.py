"""Secrets, addresses and what rows hold are taken out of whatever is logged."""

import time
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bg_assets import settings
from bg_assets.encryption import new_key
from bg_assets.logs import redaction

SLACK = "https://hooks.slack.com/" + "services/T00/B00/XXXXXXXX"
TEXTS = {
    "postgresql://bg:hunter22@db:5432/bg?sslmode=require": (
        "postgresql://bg:[secret]@db:5432/bg?sslmode=require"
    ),
    "postgresql://bg@db.example.com/bg": "postgresql://bg@db.example.com/bg",
    "host=db password='hunter 22' dbname=bg": "host=db password=[secret] dbname=bg",
    "GET /p?api_key=hunter22&id=7": "GET /p?api_key=[secret]&id=7",
    '{"routing_key": "hunter22", "id": 7}': '{"routing_key": [secret], "id": 7}',
    "BG_PDL_KEY and BG_SLACK_TOKEN=hunter22": "BG_PDL_KEY and BG_SLACK_TOKEN=[secret]",
    "Authorization: Bearer hunter22\nnext": "Authorization: [secret]\nnext",
    "{'x-signature': 'hunter22'}": "{'x-signature': [secret]",
    "sent bearer hunter22hunter22": "sent [secret]",
    "the secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "the secret [secret]",
    f"posted to {SLACK}": "posted to https://hooks.slack.com/[secret]",
    "eyJhbGciOi.eyJzdWIiOi.SflKxwRJSM": "[secret]",
    "AKIAIOSFODNN7EXAMPLE": "[secret]",
    "mail to Jane.Roe+x@mail.example.co.uk, please": "mail to [personal], please",
    "(psycopg2.Error) no\n[SQL: select 1]\n[parameters: {'name': 'Jane'}]\n(Background)": (
        "(psycopg2.Error) no\n[SQL: select 1]\n[parameters: [left out]]\n(Background)"
    ),
    "Failing row contains (1, Jane Roe).": "Failing row contains [left out]",
    "Key (email)=(jane) already exists.": "Key (email)=[left out] already exists.",
    "DETAIL:  Jane was here": "DETAIL:  [left out]",
    "LINE 1: select 'Jane'": "LINE 1: [left out]",
    'invalid input syntax for type date: "Jane"': (
        "invalid input syntax for type date: [left out]"
    ),
}
HARMLESS = (
    "12 secrets were read; a token bucket of 5, key 3 of 4 is none",
    "acme: 3 of 9 companies, p-17 (CFO) joined as decision_maker",
    "run 0f3a1c9e-6a5e-4a53-9b0c-1d6a1c6a2f11 of refresh_buyer_groups at 10:04:11",
    "http://127.0.0.1:3000/runs?q=tag:bg/reasons",
)
# Nothing that ends an address, an argument or a header.
_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
SECRETS = st.text(_PLAIN, min_size=8, max_size=40).filter(lambda text: len(set(text)) > 4)
AROUND = st.text(st.characters(codec="utf-8"), max_size=60)
FORMS = (
    "postgresql://someone:{}@db.example.com/bg",
    "password={} ",
    '"api_key": "{}"',
    "authorization: Bearer {}\n",
    "https://x.example.com/?access_token={}&a=b",
    "whsec_{} ",
    "PGPASSWORD='{}'",
)
EMAILS = st.from_regex(r"[a-z][a-z0-9._+-]{3,20}@[a-z]{3,9}\.(com|org|co\.uk)", fullmatch=True)


@pytest.mark.parametrize(("before", "after"), TEXTS.items())
def test_what_must_not_be_there_is_taken_out_of_a_text(before: str, after: str) -> None:
    assert redaction.text(before) == after
    # What was taken out once stays as it is.
    assert redaction.text(after) == after


@pytest.mark.parametrize("harmless", HARMLESS)
def test_what_tells_something_stays(harmless: str) -> None:
    assert redaction.text(harmless) == harmless


@given(SECRETS, AROUND, AROUND, st.sampled_from(FORMS))
def test_no_secret_gets_through_in_any_form(
    secret: str, before: str, after: str, form: str
) -> None:
    assume(secret not in before + after)
    assert secret not in redaction.text(f"{before}\n{form.format(secret)}\n{after}")


@given(EMAILS, AROUND, AROUND)
def test_no_address_gets_through_whatever_stands_around_it(
    email: str, before: str, after: str
) -> None:
    assert email not in redaction.text(f"{before} {email} {after}")


@given(st.integers(0, 50))
def test_no_key_of_ours_gets_through(number: int) -> None:
    key = new_key()
    assert key not in redaction.text(f"{'x' * number} key {key} of {number}")


NAMES = st.sampled_from(
    ["name", "email", "payload", "api_key", "newPassword", "webhook-secret", "Authorization",
     "access_token", "routing_key", "full_name", "session_cookie"]
)  # fmt: skip
VALUES = st.recursive(
    st.text(_PLAIN, min_size=12, max_size=20),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b"]), inner, min_size=1)
    ),
    max_leaves=4,
)


def _leaves(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value
    return [leaf for one in inner for leaf in _leaves(one)]


@given(NAMES, VALUES, st.integers(0, 3))
def test_what_its_name_gives_away_is_taken_out_however_deep_it_lies(
    name: str, value: Any, deep: int
) -> None:
    event: dict[str, Any] = {name: value}
    for _ in range(deep):
        event = {"inner": [event]}
    said = repr(redaction.values(event))
    assert not [leaf for leaf in _leaves(value) if leaf in said]


def test_numbers_and_ids_stay_under_whatever_name() -> None:
    event = {"secrets": 3, "person": "p-17", "title": "CFO", "company_name": "Acme", "key": "disk"}
    assert redaction.values(event) == event


def test_bytes_errors_and_things_are_told_without_what_they_hold() -> None:
    found = redaction.values(
        {"raw": b"Jane", "error": ValueError("to jane@example.com"), "level": settings.PROJECT}
    )
    assert found["raw"] == "[left out]"
    assert found["error"] == "ValueError: to [personal]"
    assert found["level"] == str(settings.PROJECT)


def test_the_secrets_of_the_settings_are_known_by_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", [])
    redaction.learn("correct horse", None, "abc")
    assert redaction.text("it was correct horse abc") == "it was [secret] abc"


@given(EMAILS, st.integers(900, 1100))
def test_no_half_of_an_address_is_left_where_a_long_text_is_cut(email: str, before: int) -> None:
    said = redaction.text("y" * 8 + " " + "x" * before + " " + email + " " + "z " * 3000)
    assert len(said) < redaction.LONGEST + 100
    assert email.split("@")[0] + "@" not in said


@pytest.mark.parametrize(
    "piece", ["a", "a@", "key=", "://", "a.", "-", "whsec_", '"', "eyJ.", "password", "(", "x-"]
)
def test_no_text_takes_long(piece: str) -> None:
    value = piece * (redaction.LONGEST_TRACE // len(piece))
    began = time.process_time()
    redaction.text(value, redaction.LONGEST_TRACE)
    # A pattern that looks at everything again from each place takes minutes.
    assert time.process_time() - began < 1.5
