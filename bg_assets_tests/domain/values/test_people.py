"""What a person's values may be: one rule for files and for events."""

import pytest

from bg_assets.domain.values.people import (
    LONGEST_EMAIL,
    LONGEST_ID,
    parse_email,
    parse_id,
    parse_status,
)
from bg_assets.domain.values.unfit import Unfit


@pytest.mark.parametrize("written", ["p-17", "7", "Zoe\u0308", "a b", "x" * LONGEST_ID])
def test_an_id_stays_as_it_is(written: str) -> None:
    assert parse_id(written) == written


@pytest.mark.parametrize("written", ["", "x" * (LONGEST_ID + 1), "a\u200bb", "a\nb"])
def test_an_id_that_is_empty_too_long_or_not_printable_is_unfit(written: str) -> None:
    assert parse_id(written) == Unfit("takes 1 to 200 printable characters")


def test_an_id_may_have_another_limit() -> None:
    assert parse_id("abc", 3) == "abc"
    assert parse_id("abcd", 3) == Unfit("takes 1 to 3 printable characters")


@pytest.mark.parametrize(
    "written",
    [
        "ada@acme.example", "Ada.Vance+x@sub.acme.example", "zo\u00eb@m\u00fcller.example",
        "o'neil@acme.example", "a@localhost", "x" * 64 + "@acme.example",
        "a@" + "b" * (LONGEST_EMAIL - 2), "a@b.c.d.e.example",
    ],
)  # fmt: skip
def test_an_address_is_judged_by_its_shape_only(written: str) -> None:
    assert parse_email(written) == written


@pytest.mark.parametrize(
    "written",
    [
        "", "ada", "@acme.example", "ada@", "a@b@c.example", "a b@c.example", "ada@acme..example",
        "ada@.example", "x" * 65 + "@acme.example", "a@" + "b" * (LONGEST_EMAIL - 1),
        "ada\u200b@acme.example", "ada@acme.example\n",
    ],
)  # fmt: skip
def test_what_has_not_the_shape_of_an_address_is_unfit(written: str) -> None:
    assert parse_email(written) == Unfit("is not an e-mail address like name@acme.com")


def test_a_status_is_one_of_two_words_in_any_case() -> None:
    assert [parse_status(word) for word in ("active", "Left", "ACTIVE")] == [
        "active",
        "left",
        "active",
    ]
    assert parse_status("gone") == parse_status("") == Unfit("takes active or left")
