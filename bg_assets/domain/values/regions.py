"""In which countries a product is sold, and whether a company is in one of them."""

from collections.abc import Iterable, Sequence

from bg_assets.domain.values import countries


def not_sold(regions: Sequence[str], country: str | None) -> str | None:
    """Why a company in this country is no customer, None where it may be one.

    No regions are all regions; a country that is unknown, or not understood, is within them.
    """
    found = countries.code(country)
    if not regions or found is None or found in regions:
        return None
    return f"not sold in {found}, only in {', '.join(regions)}"


def outside(regions: Sequence[str], spellings: Iterable[str]) -> list[str]:
    """Those of these spellings of countries in which a product of these regions is not sold."""
    return [country for country in spellings if not_sold(regions, country)]
