"""Letters that stand for several offices: open by themselves, closed by the department."""

import pytest

from bg_assets.domain.titles.verdict import classify

CLOSED = [
    ("CPO", "Procurement", "procurement"),
    ("CPO", "People", "hr"),
    ("CPO", "Product", "product"),
    ("CRO", "Risk", "compliance"),
    ("CRO", "Sales", "sales"),
    ("CSO", "Security", "security"),
    ("CSO", "Strategy", "executive"),
    ("CSO", "Science", "research"),
    ("CSO", "Sustainability", "operations"),
    ("CAO", "Accounting", "finance"),
    ("CAO", "Administration", "administration"),
    ("CLO", "Legal", "legal"),
    ("CLO", "Learning and Development", "hr"),
    ("CLO", "Logistics", "operations"),
    ("CDO", "Marketing", "marketing"),
    ("CDO", "IT", "it"),
    ("CCO", "Compliance", "compliance"),
    ("CCO", "Communications", "communications"),
    ("CMO", "Clinical Services", "operations"),
    ("CMO", "Marketing", "marketing"),
    ("Commercial Director", "Procurement", "procurement"),
    ("Commercial", "Sales", "sales"),
    ("Secretary/Treasurer", "Finance", "finance"),
]


@pytest.mark.parametrize("title", sorted({title for title, _, _ in CLOSED}))
def test_what_letters_stand_for_is_open_and_said_with_less_confidence(title: str) -> None:
    verdict = classify(title)
    assert verdict.function_alternatives
    assert verdict.confidence < classify("CFO").confidence
    assert any("could be" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(("title", "department", "function"), CLOSED)
def test_the_department_closes_a_fork(title: str, department: str, function: str) -> None:
    alone, verdict = classify(title), classify(title, department)
    assert verdict.function == function
    assert verdict.confidence > alone.confidence
    assert "the department agrees" in verdict.reasons


def test_the_office_of_secretary_and_treasurer_is_no_assistants() -> None:
    for title in ("Secretary/Treasurer", "Secretary & Treasurer", "Secretary-Treasurer"):
        assert classify(title).level == "director", title


def test_what_is_joined_in_a_title_is_no_fork() -> None:
    verdict = classify("Sales & Marketing Director", "Marketing")
    assert verdict.function == "marketing"
    assert verdict.function_alternatives == ("sales",)
