"""Questions to providers: equal ones are one, and whatever matters to an answer tells two apart."""

import json
from dataclasses import fields, replace

from bg_assets.domain.enrichment.asking import CompanyAsked, Kind, Level, PersonAsked, Question

COMPANY = CompanyAsked("c1", "Acme", "acme.com", "https://acme.com", "DE")
PERSON = PersonAsked("p1", "Ann Li", "CFO", "ann@acme.com", "Berlin")
QUESTION = Question(Kind.PERSON, COMPANY, PERSON, Level.ENRICH, 3)


def test_every_field_of_a_question_its_company_and_its_person_is_in_the_canonical_form() -> None:
    before = json.dumps(QUESTION.canonical(), sort_keys=True)
    others = [
        replace(QUESTION, kind=Kind.DISCOVERY),
        replace(QUESTION, level=Level.DEEP_RESEARCH),
        replace(QUESTION, most=4),
        replace(QUESTION, person=None),
        *(
            replace(QUESTION, company=replace(COMPANY, **{field.name: "x"}))
            for field in fields(COMPANY)
        ),
        *(
            replace(QUESTION, person=replace(PERSON, **{field.name: "x"}))
            for field in fields(PERSON)
        ),
    ]
    assert len(others) == 4 + 5 + 5
    forms = {json.dumps(other.canonical(), sort_keys=True) for other in others}
    assert len(forms) == len(others)
    assert before not in forms
