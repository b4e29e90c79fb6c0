"""Who has left by a year, or a word that stands behind; the clock is not asked."""

import pytest

from bg_assets.domain.titles.verdict import classify

GONE = [
    *("No longer CFO", "nicht mehr CFO", "Ya no CFO", "Non più CFO", "Niet meer CFO"),
    *("CFO (retired 2022)", "CFO (retired since May 2022)", "CFO - left 2023"),
    "CFO (left in 2021)",
    *("CFO until March 2025", "CFO bis 2023", "CFO (bis 03/2023)", "CFO jusqu'en 2023"),
    *("Geschäftsführer bis 31.12.2023", "Vertriebsleiter bis Ende 2022", "Interim CFO until 2026"),
    *("Directora financiera hasta 2021", "Direttore finanziario fino al 2020"),
    *("Directeur financier jusqu'à fin 2023", "Financieel directeur tot 2022"),
    *("CFO (2015-2020)", "CFO 2015-2020", "CFO, 2015-2020", "CFO | 2015-2020", "CFO (2019-21)"),
    *("CFO 06/2015 - 12/2020", "CFO (Jan 2015 – Mar 2020)", "CFO (2019 to 2021)"),
    *("Director of Finance 2015-2020", "VP, Finance until 2020"),
    *("pensionierter CFO", "pensionierte Einkaufsleiterin", "Gewesener CFO", "gewesene CFO"),
    *("CFO uscente", "Direttore uscente", "Directeur financier sortant", "Was CFO", "War CFO"),
    *("Used to be CFO", "Ruhestand (vorher Einkaufsleiter)", "Ruhestand"),
]
HERE = [
    *("CFO since 2019", "CFO (2019-)", "CFO 2019-present", "CFO 2019 - heute", "CFO (seit 2019)"),
    *("CFO since 06/2015", "CFO (2015-06)", "Interim CFO until further notice"),
    *("Former VP Finance, now Advisor", "Past Due Collections Manager", "CFO | Retired Navy"),
    *("CFO | Retired Navy 2010", "Retired Members Officer", "CEO since 2023, CFO 2015-2022"),
    *("Horizon 2021-2027 Programme Manager", "Programme Manager, Horizon 2021-2027"),
    *("CFO, Budget 2023-2024", "Finance Director, IT 2019-2021"),
    *("CFO | Harvard MBA 2015-2017", "CFO (Board Member 2015-2020)", "Strategy 2030 Director"),
    *("Left Luggage Manager", "War Correspondent", "Referent Ruhestand", "Now CFO, was VP Finance"),
]


@pytest.mark.parametrize("title", GONE)
def test_an_end_that_is_told_is_one(title: str) -> None:
    assert classify(title).left, classify(title).reasons


@pytest.mark.parametrize("title", HERE)
def test_a_beginning_and_the_years_of_a_thing_are_no_end(title: str) -> None:
    assert not classify(title).left, classify(title).reasons


def test_who_held_another_office_until_some_year_holds_the_one_that_is_left() -> None:
    assert classify("CEO since 2023, CFO 2015-2022").function == "executive"
    assert classify("CFO until 2020, Board Member").level == "owner"
    assert classify("Former VP Finance, now Advisor").level == "staff"
