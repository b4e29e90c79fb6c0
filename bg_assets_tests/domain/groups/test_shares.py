"""What is left of a fit to whoever has a part of a function, or is hardly of it."""

import pytest

from bg_assets.domain.groups.remit import Remit, does_its_work
from bg_assets.domain.groups.shares import NOT_OF_IT, called, is_named, matters, share


@pytest.mark.parametrize(
    ("role", "function", "sector", "counts"),
    [
        ("decision_maker", "finance", None, True),
        ("champion", "executive", None, True),
        ("champion", "operations", "public", False),
        ("stakeholder", "finance", "public", True),
        ("stakeholder", "finance", None, False),
        ("stakeholder", "security", "hospital", True),
        ("stakeholder", "finance", "hospital", False),
        ("stakeholder", "sales", "public", False),
        ("blocker", "security", "university", True),
        ("blocker", "security", "bank", False),
        ("blocker", "finance", "public", False),
        ("introducer", "hr", "public", False),
        ("decision_maker", None, "public", False),
    ],
)
def test_how_much_of_a_function_somebody_has_counts_where_it_tells(
    role: str, function: str | None, sector: str | None, counts: bool
) -> None:
    assert matters(role, function, sector) is counts  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("role", "extent", "rank", "title", "left"),
    [
        ("champion", "part", 4.0, "Manager", 1.0),
        ("champion", "unknown", 4.0, "Grants Manager", NOT_OF_IT),
        ("champion", "unknown", 4.0, "Accounts Manager", 1.0),
        ("champion", "unknown", 5.2, "Deputy Director, Accounting Standards", NOT_OF_IT),
        ("stakeholder", "unknown", 2.0, "Tax Specialist", NOT_OF_IT),
        ("stakeholder", "unit", 2.0, "Finance Officer", 1.0),
    ],
)
def test_beside_who_decides_only_those_who_are_hardly_of_it_lose(
    role: str, extent: Remit, rank: float, title: str, left: float
) -> None:
    assert share(role, "finance", extent, "public", rank, title) == left
    assert share(role, "finance", extent, None, rank, title) == 1.0
    assert is_named("finance", extent, left, "public") is (left == 1.0)
    assert not is_named("finance", extent, left, None)


def test_security_that_guards_is_looked_up_as_that_of_information() -> None:
    assert called("security", "public") == "information_security"
    assert called("security", "bank") == called("security", None) == "security"
    assert called("finance", "public") == "finance"


@pytest.mark.parametrize(
    ("title", "function", "does"),
    [
        ("Management Accountant", "finance", True),
        ("Leiterin Buchhaltung", "finance", True),
        ("Accountable Officer", "finance", False),
        ("Learning and Development Manager", "hr", True),
        ("Learning & Development Manager", "hr", True),
        ("Learning Manager", "hr", False),
        ("Network Engineer", "it", True),
        ("Networking Organiser", "it", False),
        (None, "it", False),
        ("Chief Executive", "executive", False),
    ],
)
def test_everyday_work_is_told_by_whole_words(title: str | None, function: str, does: bool) -> None:
    assert does_its_work(title, function) is does
