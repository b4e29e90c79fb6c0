"""What is a secret in each scheme, what it signs with, and what is none."""

import base64

import pytest

from bg_assets.domain.webhooks.secrets import (
    LEAST,
    MOST,
    PREFIX,
    RESERVED,
    SCHEMES,
    Scheme,
    expected,
    from_random,
    key_of,
    source_problem,
)


def of_bytes(scheme: Scheme, length: int) -> str:
    """A secret whose key has so many bytes."""
    return from_random("standard", b"k" * length) if scheme == "standard" else "k" * length


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_key_has_24_to_64_bytes(scheme: Scheme) -> None:
    assert (LEAST, MOST) == (24, 64)
    for length in (LEAST, MOST):
        assert key_of(scheme, of_bytes(scheme, length)) == b"k" * length
    for length in (0, LEAST - 1, MOST + 1):
        assert key_of(scheme, of_bytes(scheme, length)) is None
    assert f"{LEAST} to {MOST} bytes" in expected(scheme)


def test_a_standard_secret_is_base64_with_or_without_its_prefix() -> None:
    random = bytes(range(224, 256))
    text = base64.b64encode(random).decode()
    assert from_random("standard", random) == PREFIX + text
    assert key_of("standard", PREFIX + text) == key_of("standard", text) == random
    assert expected("standard").startswith(PREFIX)


@pytest.mark.parametrize("text", [
    "whsec_" + "-_" * 22, "whsec_" + "A" * 45, "whsec_" + "A" * 44 + "\n", "ä" * 44,
])  # fmt: skip
def test_what_is_not_base64_is_no_standard_secret(text: str) -> None:
    assert key_of("standard", text) is None


def test_a_plain_secret_is_its_own_text_in_utf8() -> None:
    random = bytes(range(224, 256))
    text = from_random("plain", random)
    assert base64.urlsafe_b64decode(text + "=") == random
    assert key_of("plain", text) == text.encode()
    assert key_of("plain", "ä" * 12) == "ä".encode() * 12
    assert key_of("plain", f"{'a' * 12} {'b' * 12}") == b"a" * 12 + b" " + b"b" * 12
    for none in (f" {text}", f"{text} ", f"{text}\n", f"{text}\0{text[:9]}"):
        assert key_of("plain", none) is None
    assert expected("plain").startswith("printable text")


def test_a_source_is_named_as_a_path_of_the_door_can_be() -> None:
    for name in ("c", "0", "crm", "a.b-c_d", "a" * 63):
        assert source_problem(name) == ""
    for name in ("", "Crm", "-crm", ".crm", "a" * 64, "a/b", "crm\n", "größe"):
        assert "1 to 63 of a-z" in source_problem(name)
    (door,) = RESERVED
    assert source_problem(door) == f"{door} is a path of the door's own: choose another name"
