"""Currencies of deals, and about how many US dollars a unit is worth.

Tables of signing limits and of the sizes of groups are in US dollars. They tell large deals from
small ones by factors of two and more, so that fixed rates will do, and the same template gives the
same group on every day: about the means of 2024, by the reference rates of the European Central
Bank, to two digits.
"""

from collections.abc import Mapping

DOLLARS: Mapping[str, float] = {
    "USD": 1.0,
    "AUD": 0.66,
    "CAD": 0.73,
    "CHF": 1.1,
    "CZK": 0.043,
    "DKK": 0.15,
    "EUR": 1.1,
    "GBP": 1.3,
    "INR": 0.012,
    "JPY": 0.0066,
    "NOK": 0.093,
    "NZD": 0.61,
    "PLN": 0.25,
    "SEK": 0.095,
}
_NAMES = {"USD": "US dollars", "EUR": "euros", "GBP": "pounds"}


def in_dollars(amount: float, currency: str) -> int:
    """About how many US dollars an amount is. ``currency`` is one of DOLLARS."""
    return round(amount * DOLLARS[currency])


def in_currency(dollars: float, currency: str) -> float:
    """About how much of a currency so many US dollars are. ``currency`` is one of DOLLARS."""
    return dollars / DOLLARS[currency]


def money(amount: float, currency: str) -> str:
    """An amount as it is read: `120,000 US dollars`, `9,500 SEK`."""
    return f"{amount:,.0f} {_NAMES.get(currency, currency)}"


def about(amount: float) -> float:
    """An amount to two digits: what a rule of thumb gives is no more precise than that."""
    return float(f"{amount:.2g}")
