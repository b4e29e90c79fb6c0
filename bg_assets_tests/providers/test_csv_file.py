"""A file of observations answers for nothing, never by guessing; a bad one is refused whole."""

import gzip
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bg_assets.domain.enrichment.asking import (
    Answer,
    CompanyAsked,
    FoundPerson,
    Kind,
    PermanentFailure,
    PersonAsked,
    Question,
)
from bg_assets.providers.csv_file import CsvFile
from bg_assets.providers.csv_rows import BadFile

VANE = CompanyAsked("c1", "Harbour Vane", "harbourvane.com")
ROWS = """\
person_id,email,name,company_id,company_domain,company_name,title,status,end_date,observed_at
p1,ada@harbourvane.com,Ada Quill,c1,,,Finance Director,,,2026-01-05
p1,,Ada Quill,c1,,,Chief Financial Officer,,,2026-06-01T10:00:00+02:00
,bo@harbourvane.com,Bo Marsh,,harbourvane.com,,Head of Procurement,,,
,,Cy Fennimore,,,"Harbour Vane, Inc.",Operations Manager,left,2026-03-31,2026-05-01
,dag1@x.example,Dag Ostler,c1,,,Engineer,,,
,dag2@x.example,Dag Ostler,c1,,,Engineer,,,
,,Eve Ostler,c2,,Harbour Vane,Engineer,,,
"""


def _file(tmp_path: Path, text: str = ROWS) -> CsvFile:
    path = tmp_path / "observations.csv"
    path.write_text(text, encoding="utf-8")
    return CsvFile(path)


def _person(provider: CsvFile, person: PersonAsked) -> FoundPerson | None:
    people = provider.ask(Question(Kind.PERSON, VANE, person), 1).people
    return people[0] if people else None


def test_a_person_is_found_by_our_id_with_what_was_observed_last(tmp_path: Path) -> None:
    found = _person(_file(tmp_path), PersonAsked("p1"))
    assert found is not None
    assert (found.title, found.employed_there) == ("Chief Financial Officer", True)
    assert found.observed_at == datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("person", "title"),
    [
        (PersonAsked("p7", email="BO@harbourvane.com"), "Head of Procurement"),
        (PersonAsked("p7", name="Marsh, Bo"), "Head of Procurement"),
        (PersonAsked("p7", name="Cy Fennimore"), "Operations Manager"),
        # Two of that name, a row of another person's id, somebody at another company, nobody.
        (PersonAsked("p7", name="Dag Ostler"), None),
        (PersonAsked("p7", name="Ada Quill"), None),
        (PersonAsked("p7", email="ada@harbourvane.com"), None),
        (PersonAsked("p7", name="Eve Ostler"), None),
        (PersonAsked("p7", name="Ada"), None),
        (PersonAsked("p7"), None),
    ],
)
def test_others_are_found_by_e_mail_or_by_a_name_that_is_one_there(
    tmp_path: Path, person: PersonAsked, title: str | None
) -> None:
    found = _person(_file(tmp_path), person)
    assert (found and found.title) == title


def test_who_left_is_told_as_gone(tmp_path: Path) -> None:
    found = _person(_file(tmp_path), PersonAsked("p7", name="Cy Fennimore"))
    assert found is not None
    assert found.employed_there is False
    assert found.career[0].end_date == date(2026, 3, 31)


def test_who_works_there_is_everybody_once_and_nobody_who_left(tmp_path: Path) -> None:
    provider = _file(tmp_path)
    question = Question(Kind.DISCOVERY, VANE, most=10)
    assert [one.name for one in provider.ask(question, 1).people] == [
        "Ada Quill",
        "Bo Marsh",
        "Dag Ostler",
        "Dag Ostler",
    ]
    assert len(provider.ask(replace(question, most=2), 1).people) == 2


def test_rows_without_a_person_tell_of_the_company(tmp_path: Path) -> None:
    provider = _file(
        tmp_path,
        "company_domain,employee_count,industry,country,observed_at\n"
        'harbourvane.com,"201-500",Ships,PT,2026-02-01\n'
        'harbourvane.com,"51-200",Ships,PT,2025-02-01\n',
    )
    found = provider.ask(Question(Kind.COMPANY, VANE), 1).company
    assert found is not None
    assert (found.employee_min, found.employee_max, found.country) == (201, 500, "PT")
    assert provider.ask(Question(Kind.COMPANY, CompanyAsked("c9", "Other")), 1) == Answer()


def test_every_question_is_free_and_what_names_nobody_is_none(tmp_path: Path) -> None:
    provider = _file(tmp_path)
    assert provider.price(Question(Kind.PERSON, VANE, PersonAsked("p1"))) == 0
    assert provider.price(Question(Kind.COMPANY, VANE)) == 0
    assert provider.price(Question(Kind.PERSON, VANE)) is None
    assert provider.price(Question(Kind.DISCOVERY, VANE)) is None


def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    provider = _file(tmp_path)
    before = provider.version
    assert _person(provider, PersonAsked("p9")) is None
    assert provider.version == before
    _file(tmp_path, ROWS + "p9,,Flo Quill,c1,,,CEO,,,\n")
    assert provider.version != before
    assert _person(provider, PersonAsked("p9")) is not None


def test_a_compressed_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "observations.csv.gz"
    path.write_bytes(gzip.compress(ROWS.encode()))
    assert _person(CsvFile(path), PersonAsked("p1")) is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "its first line must name its columns"),
        ("person_id,titel\np1,CEO\n", "did you mean title"),
        ("ada@harbourvane.com,Ada Quill\n", "a column of the first line is unknown"),
        ("title,department\nCEO,Board\n", "no column tells who is meant"),
        ("person_id,title,title\np1,a,b\n", "comes twice"),
        ("PK\x03\x04person_id", "workbook"),
    ],
)
def test_a_header_that_does_not_fit_is_told_at_once(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadFile, match=says) as refused:
        _file(tmp_path, text)
    assert "Quill" not in str(refused.value)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("p2,ada at home,,,,,,,,", "line 9: email is not an e-mail"),
        ("p2,,,,,,,,,last week", "line 9: observed_at is not a day"),
        ("p2,,,,,,,maybe,,", "line 9: status"),
        ("p2,Ada Quill", "line 9 has 2 fields"),
        (",,,,,,CEO,,,", "line 9 does not tell who"),
        ('p2,"Ada Quill', "never closed"),
    ],
)
def test_one_row_that_does_not_fit_and_nothing_of_the_file_is_used(
    tmp_path: Path, row: str, says: str
) -> None:
    provider = _file(tmp_path, f"{ROWS}{row}\n")
    with pytest.raises(PermanentFailure, match=says) as failed:
        provider.ask(Question(Kind.PERSON, VANE, PersonAsked("p1")), 1)
    assert failed.value.whole_provider
    assert "Quill" not in str(failed.value)


def test_a_file_that_is_gone_is_told_by_its_variable(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="BG_ENRICH_CSV"):
        CsvFile(tmp_path / "none.csv")
    with pytest.raises(BadFile, match="BG_ENRICH_CSV"):
        CsvFile(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(BadFile, match="BG_ENRICH_CSV"):
        CsvFile(tmp_path / "pipe.csv")


def test_a_file_that_goes_away_is_a_failure_and_no_answer(tmp_path: Path) -> None:
    provider = _file(tmp_path)
    (tmp_path / "observations.csv").unlink()
    with pytest.raises(PermanentFailure, match="can't be read"):
        provider.ask(Question(Kind.PERSON, VANE, PersonAsked("p1")), 1)
