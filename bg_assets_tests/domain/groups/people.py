"""People as the rules see them, by their titles or by what they fit, and where they work."""

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import strategies as st

from bg_assets.domain.groups.fit import Fit
from bg_assets.domain.groups.group import Company, Override, StaffMember
from bg_assets.domain.groups.selection import Choice
from bg_assets.domain.titles.verdict import classify
from bg_assets.products.files import load_templates

FINANCE = load_templates()["finance_system"]
TODAY = date(2026, 1, 15)
MIDDLE = Company("c", 200, 300, country="US")
TITLES = (
    "CFO",
    "Finance Director",
    "Financial Controller",
    "Accounting Manager",
    "Accountant",
    "CEO",
    "COO",
    "CIO",
    "Head of IT",
    "IT Manager",
    "Procurement Manager",
    "General Counsel",
    "Chairman",
    "Sales Director",
    "Account Manager",
    "Executive Assistant",
    "Intern",
    "VP of Finance",
    "Former CFO",
    "Warehouse Operative",
    None,
    "🚀",
    "HR Director",
)


def person(
    number: int, title: str | None, department: str | None = None, *, manager: str | None = None
) -> StaffMember:
    said = classify(title, department)
    return StaffMember(f"p{number:05}", title, department, None, manager, said)


def read_as(one: StaffMember, **said: Any) -> StaffMember:
    """The same person, as if the title had said this."""
    return replace(one, verdict=replace(one.verdict, **said))


def staff(*titles: str | None) -> list[StaffMember]:
    return [person(at, title) for at, title in enumerate(titles)]


@st.composite
def companies(draw: st.DrawFn) -> tuple[Company, list[StaffMember], list[Override]]:
    titles = draw(st.lists(st.sampled_from(TITLES), max_size=40))
    people = [
        person(at, title, manager=draw(st.sampled_from([None, "p00000", "p00001"])))
        for at, title in enumerate(titles)
    ]
    size = draw(st.none() | st.integers(1, 60_000))
    chosen = draw(
        st.lists(st.sampled_from(["p00000", "p00003", "p00009", "nobody"]), max_size=3, unique=True)
    )
    overrides = [
        Override(
            i,
            draw(st.sampled_from(["pin", "exclude"])),
            draw(st.sampled_from([None, "champion", "blocker"])),
        )
        for i in chosen
    ]
    return Company("c", size, size), people, overrides


def fitting(
    person_id: str,
    *fits: tuple[str, float],
    function: str | None = "finance",
    confidence: float = 1.0,
    influence: float = 0.5,
    has_email: bool = False,
) -> Choice:
    found = tuple(Fit(role, score, function, "why") for role, score in fits)
    return Choice(person_id, function, confidence, has_email, influence, found)
