"""A department that only repeats the company's own name is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.values.departments import apart


@pytest.mark.parametrize(
    ("text", "company", "left"),
    [
        ("NHS Litigation Authority", "NHS Litigation Authority", None),
        ("The Coal Authority", "Coal Authority", None),
        ("MÜLLER", "Müller GmbH & Co. KG", None),
        ("Müller Gmbh", "Müller", None),
        ("Société Générale SA", "Societe Generale", None),
        ("Coal Authority - Finance", "The Coal Authority", "Finance"),
        ("Finance (Coal Authority)", "Coal Authority", "Finance"),
        ("Department for Food & Rural Affairs - Animal Health & Welfare",
         "Department for Food and Rural Affairs", "Animal Health & Welfare"),
        ("DVLA Finance", "Driver and Vehicle Licensing Agency", "Finance"),
        ("Finance", "Finance Partners Ltd", "Finance"),
        ("Bank Operations", "Bank", "Bank Operations"),
        ("HR", "Hans Reuter", "HR"),
        ("Finance", None, "Finance"),
        (None, "Acme", None),
    ],
)  # fmt: skip
def test_the_name_of_the_company_is_taken_off(
    text: str | None, company: str | None, left: str | None
) -> None:
    assert apart(text, company) == left


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_makes_it_fail_and_nothing_is_added(text: str, company: str) -> None:
    left = apart(text, company)
    assert left is None or left == text or set(left.replace(" - ", "")) <= set(text)
