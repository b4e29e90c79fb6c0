"""Who is found is the one who was asked for, or may be, or is another: never by name alone."""

from dataclasses import replace
from typing import Any

import pytest

from bg_assets.domain.enrichment.asking import (
    CompanyAsked,
    FoundCompany,
    FoundPerson,
    Kind,
    PersonAsked,
    Post,
    Question,
)
from bg_assets.domain.enrichment.likeness import Verdict, company_likeness, person_likeness

SAME, DOUBTFUL, ANOTHER = Verdict

VANE = CompanyAsked("c1", "Harbour Vane", "harbourvane.com")
ADA = PersonAsked("p1", "Ada Quill", "CFO", "ada@harbourvane.com")
QUESTION = Question(Kind.PERSON, VANE, ADA)
FOUND = FoundPerson("k1", "Ada Quill", company_name="Harbour Vane Ltd")
ELSEWHERE: dict[str, Any] = {"company_name": "Tern & Loom", "company_domain": "ternloom.com"}
ONCE_HERE = (Post("CFO", "Harbour Vane"), Post("CFO", "Tern & Loom"))

CASES = {
    "name and company": (FOUND, SAME),
    "the address and nothing else": (FoundPerson(email="ADA@harbourvane.com"), SAME),
    "the address, at work elsewhere": (
        replace(FOUND, email=ADA.email, **ELSEWHERE),
        SAME,
    ),
    "the name, at work elsewhere, once here": (replace(FOUND, **ELSEWHERE, career=ONCE_HERE), SAME),
    "the name, an address at the domain": (
        FoundPerson(name="Ada Quill", email="a.quill@harbourvane.com"),
        DOUBTFUL,
    ),
    "a namesake at the same company": (replace(FOUND, email="ada2@harbourvane.com"), DOUBTFUL),
    "the name alone": (FoundPerson(name="Ada Quill"), DOUBTFUL),
    "the company alone": (FoundPerson(company_name="Harbour Vane"), DOUBTFUL),
    "a name in another script": (replace(FOUND, name="阿达"), DOUBTFUL),
    "a name in another script with the address": (
        replace(FOUND, name="阿达", email=ADA.email),
        SAME,
    ),
    "the address with another name": (
        replace(FOUND, name="Ada Marsh", email=ADA.email),
        DOUBTFUL,
    ),
    "our own id": (FoundPerson("p1", title="CEO"), SAME),
    "our own id, at work elsewhere": (FoundPerson("p1", **ELSEWHERE), SAME),
    "our own id with another name": (FoundPerson("p1", "Bo Marsh"), DOUBTFUL),
    "nothing at all": (FoundPerson(), DOUBTFUL),
    "another name at the company": (replace(FOUND, name="Bo Marsh"), ANOTHER),
    "the name at another company": (replace(FOUND, **ELSEWHERE), ANOTHER),
    "the name, and a career without this company": (
        FoundPerson(name="Ada Quill", career=ONCE_HERE[1:]),
        ANOTHER,
    ),
    "another name at another company": (
        replace(FOUND, name="Bo Marsh", **ELSEWHERE),
        ANOTHER,
    ),
    "a private address tells no employer": (
        FoundPerson(name="Ada Quill", email="ada@mail.example"),
        DOUBTFUL,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_found_person_is_judged_by_name_company_and_address(case: str) -> None:
    found, verdict = CASES[case]
    likeness = person_likeness(QUESTION, found)
    assert likeness.verdict is verdict
    assert likeness.reasons


@pytest.mark.parametrize("case", CASES)
def test_no_reason_holds_a_name_or_an_address(case: str) -> None:
    reasons = " ".join(person_likeness(QUESTION, CASES[case][0]).reasons)
    for private in ("Ada", "Quill", "Marsh", "@", "Vane", "Tern", "阿"):
        assert private not in reasons


def test_who_is_asked_for_without_a_name_is_known_by_the_address_alone() -> None:
    question = replace(QUESTION, person=replace(ADA, name=None))
    assert person_likeness(question, replace(FOUND, email=ADA.email)).verdict is SAME
    assert person_likeness(question, FOUND).verdict is DOUBTFUL


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (FOUND, SAME),
        (FoundPerson(name="Bo Marsh", employed_there=True), SAME),
        (FoundPerson(name="Bo Marsh"), DOUBTFUL),
        (replace(FOUND, **ELSEWHERE), ANOTHER),
        (replace(FOUND, **ELSEWHERE, career=ONCE_HERE, employed_there=False), ANOTHER),
    ],
)
def test_to_the_question_who_works_there_whoever_works_there_is_an_answer(
    found: FoundPerson, verdict: Verdict
) -> None:
    question = Question(Kind.DISCOVERY, VANE, most=5)
    assert person_likeness(question, found).verdict is verdict


def test_an_address_where_anybody_has_one_says_nothing_of_an_employer() -> None:
    question = replace(QUESTION, company=CompanyAsked("c2", "Marsh Bakery", "gmail.com"))
    found = FoundPerson(name="Ada Quill", email="ada.quill@gmail.com")
    assert person_likeness(question, found).verdict is DOUBTFUL
    elsewhere = replace(found, **ELSEWHERE)
    assert person_likeness(question, elsewhere).verdict is ANOTHER


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (FoundCompany(name="Harbour Vane Inc"), SAME),
        (FoundCompany(name="HV", domain="harbourvane.com"), SAME),
        (FoundCompany(name="Harbour Vane Shipping"), DOUBTFUL),
        (FoundCompany(), DOUBTFUL),
        (FoundCompany(name="Tern & Loom", domain="ternloom.com"), ANOTHER),
    ],
)
def test_a_found_company_is_judged_by_name_and_domain(
    found: FoundCompany, verdict: Verdict
) -> None:
    assert company_likeness(VANE, found).verdict is verdict
