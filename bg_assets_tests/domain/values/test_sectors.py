"""Of what sector a company is, by its industry, and by its name where none is known."""

import pytest

from bg_assets.domain.values.sectors import sector


@pytest.mark.parametrize(
    ("industry", "name", "found"),
    [
        ("Government Administration", "Acme", "public"),
        ("Öffentliche Verwaltung", None, "public"),
        ("Hospitals and Health Care", "Mercy", "hospital"),
        ("Krankenhäuser", None, "hospital"),
        ("Higher Education", None, "university"),
        ("Enseignement supérieur", None, "university"),
        ("Banking", None, "bank"),
        ("Capital Markets", None, "bank"),
        ("Retail", "University Book Store", None),
        ("Bakery", "Stadtbäckerei", None),
        (None, "Department for Transport", "public"),
        ("", "Landkreis Göppingen", "public"),
        (None, "Gemeente Utrecht", "public"),
        (None, "Universitätsklinikum Bonn", "hospital"),
        (None, "University Hospital of Wales", "hospital"),
        (None, "Universidad de Sevilla", "university"),
        (None, "Sparkasse Köln", "bank"),
        (None, "Acme", None),
        (None, None, None),
    ],
)
def test_the_sector_is_told_by_the_industry_and_else_by_the_name(
    industry: str | None, name: str | None, found: str | None
) -> None:
    assert sector(industry, name) == found
