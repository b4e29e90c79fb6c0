"""Where a product is sold."""

from bg_assets.domain.values import regions


def test_only_a_company_known_to_be_elsewhere_is_no_customer() -> None:
    assert regions.not_sold((), "France") is None
    assert regions.not_sold(("DE", "AT"), "Austria") is None
    assert regions.not_sold(("DE", "AT"), None) is None
    assert regions.not_sold(("DE", "AT"), "Atlantis") is None
    assert regions.not_sold(("DE", "AT"), "France") == "not sold in FR, only in DE, AT"


def test_outside_are_the_spellings_of_the_other_countries() -> None:
    spelled = ["GB", " Royaume-Uni", "Atlantis", "FRA", "france"]
    assert regions.outside((), spelled) == []
    assert regions.outside(("GB",), spelled) == ["FRA", "france"]
