"""Countries: every spelling of one is that one, whoever asks."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bg_assets.domain.products.template import parse_template
from bg_assets.domain.titles import authority
from bg_assets.domain.values import countries, regions
from bg_assets_tests.domain.products.texts import GOOD

TABLE = countries.table()
BRITISH = ("GB", "IE", "AU")


@pytest.mark.parametrize(
    ("country", "code"),
    [
        ("GB", "GB"),
        ("gb", "GB"),
        ("U.K.", "GB"),
        ("U. K.", "GB"),
        (" United  Kingdom ", "GB"),
        ("the United Kingdom", "GB"),
        ("ＧＢＲ", "GB"),
        ("England", "GB"),
        ("Royaume-Uni", "GB"),
        ("ROYAUME UNI", "GB"),
        ("IRL", "IE"),
        ("Eire", "IE"),
        ("AUS", "AU"),
        ("Deutschland", "DE"),
        ("Osterreich", "AT"),
        ("Österreich", "AT"),
        ("U.S.A.", "US"),
        ("us", "US"),
        ("Etats-Unis d’Amérique", "US"),
        ("Bosnia and Herzegovina", "BA"),
        ("Côte d'Ivoire", "CI"),
        ("The Netherlands", "NL"),
        ("日本", "JP"),
        ("대한민국", "KR"),
        ("usofa", None),
        ("Atlantis", None),
        ("the", None),
        ("", None),
        (" . ", None),
        (None, None),
    ],
)
def test_a_country_is_known_by_its_codes_and_its_names(
    country: str | None, code: str | None
) -> None:
    assert countries.code(country) == code


def test_no_spelling_means_two_countries() -> None:
    assert {name: countries.code(name) for names in TABLE.values() for name in names} == {
        name: code for code, names in TABLE.items() for name in names
    }
    assert len(TABLE) > 240
    assert all(len(names[1]) == 3 for names in TABLE.values())


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A country's code and one of its spellings, as people type it."""
    code = draw(st.sampled_from([*BRITISH, *sorted(TABLE)]))
    name = draw(st.sampled_from(TABLE[code]))
    how = (
        str.upper,
        str.lower,
        str.title,
        lambda s: f"  {s}\t",
        lambda s: ".".join(s) + "." if s.isascii() and s.isupper() and len(s) < 4 else s,
        lambda s: s.replace("-", " "),
        lambda s: unicodedata.normalize("NFD", s),
        lambda s: s.replace(" and ", " & "),
    )
    for change in draw(st.lists(st.sampled_from(how), max_size=2)):
        name = change(name)
    return code, name


@settings(max_examples=400, deadline=None)
@given(spellings())
def test_every_spelling_gives_the_rank_and_the_region_of_its_country(
    case: tuple[str, str],
) -> None:
    code, name = case
    said = authority.rank("Finance Director", "director", employees=500, country=name)
    assert said == (8.5 if code in BRITISH else 6.0)
    assert regions.not_sold((code,), name) is None
    other = "FR" if code != "FR" else "DE"
    assert regions.not_sold((other,), name) == f"not sold in {code}, only in {other}"
    assert regions.outside((code, other), [name]) == []
    assert regions.outside((other,), [name]) == [name]


def test_a_template_names_its_regions_as_people_do() -> None:
    said = GOOD.replace("does: A thing.", "does: A thing.\nregions: [U.K., Deutschland, gb]")
    assert parse_template(said, "t").regions == ("DE", "GB")
