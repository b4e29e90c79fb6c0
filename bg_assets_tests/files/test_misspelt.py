"""Which unknown columns are taken for known ones with a slip in them, and which for others."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.files import spellings
from bg_assets.files.header import BadHeader, Fitted, Kind, columns, fit
from bg_assets.files.misspelt import slips


def fitted(names: Iterable[str], kind: Kind = "people", *, leave: bool = False) -> Fitted:
    return fit([*names], kind, {}, leave, spellings.load(None, kind, columns(kind)))


SLIPS: tuple[tuple[Kind, str, str], ...] = (
    ("people", "id,company_id,Titel", '--map title="Titel"'),
    ("people", "id,company_id,tittle", '--map title="tittle"'),
    ("people", "id,company_id,Jobtitles", '--map title="Jobtitles"'),
    ("people", "id,company_id,Departement", '--map department="Departement"'),
    ("people", "id,company_id,E-mial", '--map email="E-mial"'),
    ("people", "id,company_id,Emial Adress", '--map email="Emial Adress"'),
    ("people", "Name,Comapny,Email 1", '--map company_name="Comapny"'),
    ("people", "Name,Comapny,Email 1", '--map email="Email 1"'),
    ("people", "First Nmae,Last Name,Email,Company", '--map name="First Nmae"+"Last Name"'),
    ("people", "id,company_id,stauts", '--map status="stauts"'),
    ("companies", "id,name,Web-sites", '--map website="Web-sites"'),
    ("companies", "id,name,Emploees", '--map employee_count="Emploees"'),
    ("companies", "id,name,Contry", '--map country="Contry"'),
)


@pytest.mark.parametrize(("kind", "header", "offered"), SLIPS)
def test_a_column_that_is_probably_ours_and_misspelt_is_refused_with_what_to_type(
    kind: Kind, header: str, offered: str
) -> None:
    with pytest.raises(BadHeader) as caught:
        fitted(header.split(","), kind)
    assert offered in str(caught.value)
    assert "--ignore-unknown if not" in str(caught.value)
    assert "required" not in str(caught.value)


def test_a_column_that_may_be_misspelt_is_ignored_where_the_user_says_so() -> None:
    assert fitted(["id", "company_id", "Titel"], leave=True).ignored == ("Titel",)


def test_what_is_near_a_column_that_the_file_has_is_another_column() -> None:
    found = fitted(["id", "company_id", "Title", "Titel", "Email", "Email 2", "Job Titles"])
    assert found.ignored == ("Titel", "Email 2", "Job Titles")


# As they stand in lists beside what we read.
OTHERS = (
    "Phone", "Mobile Phone", "Fax", "Street", "State", "State/Region", "Zip", "Postal Code",
    "County", "Notes", "Note", "Owner", "Contact Owner", "Account Owner", "Lead Status", "Stage",
    "Lead Source", "Source", "Tags", "Created Date", "Create Date", "Last Activity Date",
    "Last Modified", "Birthdate", "Salutation", "Middle Name", "Suffix", "Twitter", "Skype",
    "LinkedIn URL", "Score", "Rating", "Type", "Segment", "Language", "Currency", "Time Zone",
    "Assistant", "Manager", "Contract", "Consent", "Opt-out", "Campaign", "Facebook", "Gender",
    "Rate", "Named Account", "Parent Account", "Description", "Comments", "Priority", "Region",
    "Territory", "Revenue Band", "Founded Year", "Technologies", "SIC Code", "NAICS Code",
    "Company Phone", "Company Address", "Company City", "Company State", "Latitude", "Longitude",
    "Function", "x", "1", "Column 1", "Spalte 3", "Unnamed: 0", "id2", "Telefon", "Straße", "PLZ",
    "Anrede", "Téléphone", "Adresse", "Código Postal", "Teléfono", "電話", "🙂",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["people", "companies"])
def test_columns_that_stand_in_lists_besides_are_ignored_and_named(kind: Kind) -> None:
    required = ["id", "company_id"] if kind == "people" else ["id", "name"]
    assert fitted([*required, *OTHERS], kind).ignored == OTHERS


def test_a_list_of_people_without_titles_is_told_so_with_what_to_type() -> None:
    hint = fitted(["Name", "Company", "Title Name", "Phone"]).hint
    assert '--map title="Title Name"' in hint
    assert "--map title=YOURS" in fitted(["Name", "Company", "Rank"]).hint
    assert fitted(["Name", "Company", "Position", "Rank"]).hint == ""
    assert fitted(["Name", "Company"]).hint == ""
    assert fitted(["id", "name", "Rank"], "companies").hint == ""


SLIPPED = (("title", "titel", 1), ("title", "tile", 1), ("title", "tittle", 1), ("abc", "cab", 2),
           ("", "ab", 2), ("kitten", "sitting", 3), ("same", "same", 0))  # fmt: skip


@pytest.mark.parametrize(("one", "other", "number"), SLIPPED)
def test_slips_are_letters_more_fewer_others_or_swapped(one: str, other: str, number: int) -> None:
    assert slips(one, other) == slips(other, one) == number


@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_slips_lie_between_the_difference_of_lengths_and_the_longer(one: str, other: str) -> None:
    assert abs(len(one) - len(other)) <= slips(one, other) <= max(len(one), len(other))
    assert (slips(one, other) == 0) is (one == other)


def test_a_thousand_columns_are_looked_through_at_once() -> None:
    names = [f"Custom field {number} of the account" for number in range(1000)]
    assert len(fitted(["id", "company_id", *names]).ignored) == 1000
