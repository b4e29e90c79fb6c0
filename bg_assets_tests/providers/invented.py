"""Invented people and companies as People Data Labs would record them, small letters and all."""

from collections.abc import Mapping, Sequence
from typing import Any


def post(
    title: str, company: str, website: str, start: str | None, end: str | None = None
) -> dict[str, Any]:
    """A post of somebody's experience."""
    return {
        "company": {
            "name": company,
            "website": website,
            "size": "51-200",
            "id": f"firm-{company}",
            "industry": "shipbuilding",
            "location": {"name": "lisbon, portugal", "country": "portugal"},
        },
        "location_names": [],
        "title": {"name": title, "role": "finance", "sub_role": None, "levels": ["cxo"]},
        "start_date": start,
        "end_date": end,
        "is_primary": end is None,
    }


def person(
    key: str, name: str, email: str, posts: Sequence[Mapping[str, Any]], **more: Any
) -> dict[str, Any]:
    """A person, at work in the first of the posts unless that has ended."""
    here = next((one for one in posts if one["end_date"] is None), None)
    firm = here["company"] if here else {}
    first, last = name.split(" ", 1)
    return {
        "id": key,
        "full_name": name,
        "first_name": first,
        "last_name": last,
        "sex": None,
        "birth_year": None,
        "linkedin_url": None,
        "work_email": email,
        "personal_emails": [f"{first}@private.example"],
        "mobile_phone": "+351000000000",
        "job_title": here and here["title"]["name"],
        "job_title_role": "finance",
        "job_title_levels": ["cxo"],
        "job_company_id": firm.get("id"),
        "job_company_name": firm.get("name"),
        "job_company_website": firm.get("website"),
        "job_company_size": firm.get("size"),
        "job_start_date": here and here["start_date"],
        "job_last_changed": "2026-05-02",
        "job_last_verified": "2026-11-03",
        "location_name": "lisbon, lisboa, portugal",
        "experience": list(posts),
        "education": [],
        "skills": ["budgeting"],
        **more,
    }


VANE, VANE_SITE = "harbour vane", "harbourvane.com"
PEOPLE = (
    person(
        "inv-0001",
        "ada quill",
        "ada.quill@harbourvane.com",
        [
            post("chief financial officer", VANE, VANE_SITE, "2024-03"),
            post("finance director", "tern & loom", "ternloom.com", "2019-01-15", "2024-02"),
        ],
    ),
    person(
        "inv-0002",
        "bo marsh",
        "bo.marsh@harbourvane.com",
        [post("head of procurement", VANE, VANE_SITE, "2021")],
    ),
    person(
        "inv-0003",
        "cy fennimore",
        "cy@ternloom.com",
        [
            post("chief operating officer", "tern & loom", "ternloom.com", "2026-09"),
            post("operations manager", VANE, VANE_SITE, "2018-06", "2026-08"),
        ],
    ),
    person(
        "inv-0004",
        "dag ostler",
        "dag.ostler@harbourvane.com",
        [post("vp engineering", VANE, VANE_SITE, None)],
    ),
)
COMPANIES = (
    {
        "id": "firm-harbour vane",
        "name": VANE,
        "display_name": "Harbour Vane",
        "size": "201-500",
        "employee_count": 311,
        "founded": 1987,
        "industry": "shipbuilding",
        "website": VANE_SITE,
        "location": {"name": "lisbon, portugal", "country": "portugal", "locality": "lisbon"},
        "ticker": None,
        "type": "private",
    },
)


_Records = Sequence[Mapping[str, Any]]


def enriched(people: _Records, asked: Mapping[str, Any], *, another: bool) -> Any:
    """Who is meant by e-mail, or by name and a company of theirs; or the first who is not."""
    for one in people:
        firms = [post["company"] for post in one["experience"]]
        places = {one["job_company_name"], one["job_company_website"]}
        places |= {firm[name] for firm in firms for name in ("name", "website")}
        named = one["full_name"] == str(asked.get("name", "")).lower()
        is_asked = one["work_email"] == asked.get("email") or (
            named and str(asked.get("company", "")).lower() in places
        )
        if is_asked != another:
            return one
    return None


def company(companies: _Records, asked: Mapping[str, Any]) -> Any:
    """The company that is meant by website or name."""
    for one in companies:
        if asked.get("website") == one["website"] or str(asked.get("name")).lower() == one["name"]:
            return one
    return None


def searched(people: _Records, asked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those to whom all terms of a query apply, as they are stored."""
    terms = [item for one in asked["query"]["bool"]["must"] for item in one["term"].items()]
    return [one for one in people if all(one[name] == value for name, value in terms)]


def shown(
    record: Mapping[str, Any], fields: Sequence[str], titlecase: bool, *, hides: bool
) -> dict[str, Any]:
    """A record as it is answered: the fields that were asked for, all where none is named."""
    found = {name: value for name, value in record.items() if name in fields or fields == [""]}
    if hides:
        found |= {name: True for name in ("work_email", "location_name") if name in found}
    return _titled(found) if titlecase else found


def _titled(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: one if name in {"id", "website", "work_email"} else _titled(one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_titled(one) for one in value]
    return value.title() if isinstance(value, str) and not value[:1].isdigit() else value
