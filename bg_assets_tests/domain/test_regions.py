"""Where a product is sold: companies by the spelling of their country."""

import pytest

from bg_assets.domain import regions


@pytest.mark.parametrize(
    ("country", "code"),
    [
        ("GB", "GB"),
        ("gb", "GB"),
        (" United Kingdom ", "GB"),
        ("England", "GB"),
        ("Deutschland", "DE"),
        ("USA", "US"),
        ("日本", "JP"),
        ("Atlantis", None),
        ("", None),
        (None, None),
    ],
)
def test_a_country_is_known_by_its_code_and_its_names(
    country: str | None, code: str | None
) -> None:
    assert regions.code(country) == code


def test_only_a_company_known_to_be_elsewhere_is_no_customer() -> None:
    assert regions.not_sold((), "France") is None
    assert regions.not_sold(("DE", "AT"), "Austria") is None
    assert regions.not_sold(("DE", "AT"), None) is None
    assert regions.not_sold(("DE", "AT"), "Atlantis") is None
    assert regions.not_sold(("DE", "AT"), "France") == "not sold in FR, only in DE, AT"


def test_the_spellings_outside_are_those_of_the_other_countries() -> None:
    assert regions.outside(()) == []
    outside = regions.outside(("GB",))
    assert "france" in outside
    assert {"gb", "uk", "england"}.isdisjoint(outside)
