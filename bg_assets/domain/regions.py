"""In which countries a product is sold, and whether a company is in one of them.

countries.csv: ISO 3166 codes and English names as in the public-domain list of the time zone
database, with further spellings that people write.
"""

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("countries.csv")


@cache
def _spellings() -> Mapping[str, str]:
    """Every spelling of a country, folded: its ISO code."""
    found: dict[str, str] = {}
    with _FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for spelling in (row["code"], *row["names"].split("|")):
                found[_folded(spelling)] = row["code"]
    found.pop("", None)
    return found


def codes() -> frozenset[str]:
    """The ISO codes of all countries."""
    return frozenset(_spellings().values())


def code(country: str | None) -> str | None:
    """The ISO code of a country by its code or name; None where it is unknown."""
    return _spellings().get(_folded(country or ""))


def not_sold(regions: Sequence[str], country: str | None) -> str | None:
    """Why a company in this country is no customer, None where it may be one.

    No regions are all regions; a country that is unknown, or not understood, is within them.
    """
    found = code(country)
    if not regions or found is None or found in regions:
        return None
    return f"not sold in {found}, only in {', '.join(regions)}"


def outside(regions: Sequence[str]) -> list[str]:
    """Every spelling, folded, of the countries that are not among these; none where all are."""
    return [word for word, found in _spellings().items() if regions and found not in regions]


def _folded(country: str) -> str:
    return country.strip().lower()
