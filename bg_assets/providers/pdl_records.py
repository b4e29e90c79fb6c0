"""Records of People Data Labs as what we know of people and companies.

Its schemas: docs.peopledatalabs.com, "Person Schema" and "Company Schema". A value that one's plan
does not show is true or false there. Its job_title_role is left aside: it is read from the title,
and would count the same evidence twice. Personal e-mail addresses are not asked for.
"""

from collections.abc import Mapping
from typing import Any

from bg_assets.domain.enrichment.asking import FoundCompany, FoundPerson, Post, Question
from bg_assets.domain.enrichment.names import Agreement, companies_agree
from bg_assets.domain.values import companies, people
from bg_assets.domain.values.companies import Headcount
from bg_assets.providers import reading
from bg_assets.providers.reading import OtherShape

PERSON_FIELDS = (
    "id",
    "full_name",
    "work_email",
    "job_title",
    "job_company_name",
    "job_company_website",
    "job_start_date",
    "job_last_verified",
    "location_name",
    "experience",
)
COMPANY_FIELDS = ("id", "name", "display_name", "website", "industry", "size", "location")
# A career of more posts than this is not one.
_MOST_POSTS = 200


def enriched(question: Question, document: Mapping[str, Any]) -> FoundPerson:
    """The person of an enrichment. Raises OtherShape."""
    likelihood = reading.whole(document, "likelihood")
    if likelihood is not None and not 1 <= likelihood <= 10:
        raise OtherShape("likelihood is not from 1 to 10")
    record = reading.mapping(document, "data")
    if not record:
        raise OtherShape("data is missing")
    return _person(question, record, "data.", None if likelihood is None else likelihood / 10)


def found(question: Question, document: Mapping[str, Any]) -> list[FoundPerson]:
    """The people of a search, as many as were asked for at most. Raises OtherShape."""
    records = reading.objects(document, "data")
    if records is None:
        raise OtherShape("data is missing")
    if len(records) > question.most:
        raise OtherShape("data holds more records than were asked for")
    return [
        _person(question, record, f"data[{number}].", None) for number, record in enumerate(records)
    ]


def company(document: Mapping[str, Any]) -> FoundCompany:
    """The company of an enrichment; its fields stand at the top or in data. Raises OtherShape."""
    record = reading.mapping(document, "data") or document
    at = "data." if "data" in document else ""
    name = reading.text(record, "display_name", at) or reading.text(record, "name", at)
    if name is None:
        raise OtherShape(f"{at}name is missing")
    heads = reading.fit(record, "size", companies.parse_headcount, at)
    heads = heads if isinstance(heads, Headcount) else None
    place = reading.mapping(record, "location", at) or {}
    return FoundCompany(
        key=reading.text(record, "id", at),
        name=name,
        domain=reading.domain(record, "website", at),
        industry=reading.text(record, "industry", at),
        employee_min=heads and heads.least,
        employee_max=heads and heads.most,
        country=reading.fit(place, "country", companies.parse_country, f"{at}location."),
    )


def _person(
    question: Question, record: Mapping[str, Any], at: str, likelihood: float | None
) -> FoundPerson:
    name = reading.text(record, "full_name", at)
    key = reading.text(record, "id", at)
    if name is None and key is None:
        raise OtherShape(f"{at}id and full_name are missing")
    company_name = reading.text(record, "job_company_name", at)
    company_domain = reading.domain(record, "job_company_website", at)
    career = _career(record, at)
    return FoundPerson(
        key=key,
        name=name,
        title=reading.text(record, "job_title", at, people.LONGEST_TITLE),
        email=reading.email(record, "work_email", at),
        location=reading.text(record, "location_name", at),
        company_name=company_name,
        company_domain=company_domain,
        start_date=reading.day(record, "job_start_date", at),
        employed_there=_employed(question, company_name, company_domain, career),
        observed_at=reading.moment(record, "job_last_verified", at),
        likelihood=likelihood,
        career=career,
    )


def _career(record: Mapping[str, Any], at: str) -> tuple[Post, ...]:
    posts = []
    for number, told in enumerate((reading.objects(record, "experience", at) or [])[:_MOST_POSTS]):
        here = f"{at}experience[{number}]."
        title = reading.mapping(told, "title", here) or {}
        firm = reading.mapping(told, "company", here) or {}
        posts.append(
            Post(
                title=reading.text(title, "name", f"{here}title.", people.LONGEST_TITLE),
                company_name=reading.text(firm, "name", f"{here}company."),
                company_domain=reading.domain(firm, "website", f"{here}company."),
                start_date=reading.day(told, "start_date", here),
                end_date=reading.day(told, "end_date", here, is_end=True),
            )
        )
    return tuple(posts)


def _employed(
    question: Question, name: str | None, domain: str | None, career: tuple[Post, ...]
) -> bool | None:
    """Whether the present employer is the company; not where it is another, or this is over."""
    asked = question.company
    ended = [
        post.end_date is not None
        for post in career
        if (post.company_name or post.company_domain)
        and companies_agree(asked.name, asked.domain, post.company_name, post.company_domain)
        is Agreement.AGREES
    ]
    if not (name or domain):
        return False if ended and all(ended) else None
    present = companies_agree(asked.name, asked.domain, name, domain)
    if present is Agreement.AGREES:
        return True
    # A second post may be held at the same time.
    return False if present is Agreement.DIFFERS and all(ended) else None
