"""Currencies: what a deal is worth beside the tables, which are in US dollars."""

import pytest

from bg_assets.domain.values.currencies import DOLLARS, about, in_currency, in_dollars, money


@pytest.mark.parametrize("currency", DOLLARS)
def test_there_and_back_is_the_same_amount(currency: str) -> None:
    assert in_currency(in_dollars(1_000_000, currency), currency) == pytest.approx(1e6, rel=0.001)


def test_a_dollar_is_a_dollar_and_a_pound_is_more() -> None:
    assert in_dollars(120_000, "USD") == 120_000
    assert in_dollars(120_000, "SEK") < 120_000 < in_dollars(120_000, "GBP")


def test_an_amount_is_read_with_the_name_of_its_currency() -> None:
    assert money(120_000, "USD") == "120,000 US dollars"
    assert money(9_500.4, "SEK") == "9,500 SEK"


def test_a_rule_of_thumb_has_two_digits() -> None:
    assert [about(one) for one in (0, 75, 181_818, 1_049_000)] == [0, 75, 180_000, 1_000_000]
