"""Who has a function and no word of rank in the title: counts as staff, and is not called so."""

import pytest

from bg_assets.domain.groups.group import Company, decide
from bg_assets.domain.groups.why import explain
from bg_assets_tests.domain.groups.people import FINANCE, TODAY, person, read_as, staff

SMALL = Company("c", 30, 40, country="US")


@pytest.mark.parametrize("title", ["Finance", "Buchhaltung", "Comptabilité", "Accounts Payable"])
def test_a_function_without_a_rank_is_chosen_as_staff_is(title: str) -> None:
    people = [*staff("CEO"), person(7, title)]
    assert people[1].verdict.level is None
    group = decide(SMALL, people, FINANCE, TODAY)
    (member,) = [m for m in group.members if m.person_id == "p00007"]
    assert member.role == "champion"
    assert "finance at level unknown, taken for staff" in " ".join(member.reasons)


def test_who_is_called_staff_has_the_place_before_who_is_taken_for_it() -> None:
    people = [*staff("CEO", "CFO"), person(3, "Finance"), person(4, "Accountant")]
    group = decide(Company("c", 11, 20), people, FINANCE, TODAY)
    roles = {m.person_id: m.role for m in group.members}
    assert roles["p00004"] == "champion"
    assert roles.get("p00003") != "champion"


def test_neither_a_function_that_only_the_department_tells_makes_staff_nor_none_at_all() -> None:
    by_department = person(7, "Xyzzy", "Finance")
    unknown = read_as(person(8, "Finance"), function=None)
    assert by_department.verdict.by_department
    group = decide(SMALL, [*staff("CEO"), by_department, unknown], FINANCE, TODAY)
    assert {m.person_id for m in group.members} == {"p00000"}


def test_why_says_that_no_rank_was_read() -> None:
    people = [*staff("CEO", "CFO"), person(7, "Logistics")]
    answer = explain(Company("c", 200, 300), people, FINANCE, TODAY, (), "p00007")
    assert not answer.member
    assert "level unknown, taken for staff" in answer.because
