"""Who decides and is heard where ranks and words are others: hospitals, universities, the state."""

import pytest

from bg_assets.domain.groups.group import Company, decide
from bg_assets.products.files import load_templates
from bg_assets_tests.domain.groups.people import TODAY, person

TEMPLATES = load_templates()
COMPANIES = {
    "hospital": Company("h", 3000, 3000, "GB", "Hospital & Health Care"),
    "university": Company("u", 3000, 3000, "GB", "Higher Education"),
    "public": Company("p", 3000, 3000, "GB", "Government Administration"),
    "bank": Company("b", 3000, 3000, "GB", "Banking"),
    "none": Company("n", 3000, 3000, "GB", "Food Production"),
}


def roles(sector: str, product: str, *titles: str) -> list[str | None]:
    people = [person(at, title) for at, title in enumerate(titles)]
    members = decide(COMPANIES[sector], people, TEMPLATES[product], TODAY).members
    found = {member.person_id: member.role for member in members}
    return [found.get(one.person_id) for one in people]


@pytest.mark.parametrize(
    ("sector", "product", "title", "role"),
    [
        ("hospital", "hr_system", "Chief Nurse", "stakeholder"),
        ("hospital", "hr_system", "Director of Nursing", "stakeholder"),
        ("hospital", "hr_system", "Pflegedirektorin", "stakeholder"),
        ("hospital", "hr_system", "Medical Director", "stakeholder"),
        ("hospital", "hr_system", "Clinical Director of Surgery", "stakeholder"),
        ("hospital", "hr_system", "Medical Staffing Manager", "champion"),
        ("hospital", "hr_system", "Head of Medical Staffing", "champion"),
        ("hospital", "finance_system", "Verwaltungsdirektor", "decision_maker"),
        ("hospital", "finance_system", "Directeur administratif", "decision_maker"),
        ("hospital", "security_platform", "Chief Clinical Information Officer", "stakeholder"),
        ("hospital", "security_platform", "Head of Clinical Systems", "stakeholder"),
        ("hospital", "security_platform", "Head of Information Security", "decision_maker"),
        ("hospital", "security_platform", "Head of Information Governance", "blocker"),
        ("university", "finance_system", "Bursar", "decision_maker"),
        ("university", "finance_system", "Registrar and Secretary", "decision_maker"),
        ("university", "finance_system", "Kanzlerin der Universität", "decision_maker"),
        ("university", "finance_system", "Dean of Medicine", "stakeholder"),
        ("university", "hr_system", "Provost", "stakeholder"),
        ("university", "hr_system", "Dekan", "stakeholder"),
        ("university", "hr_system", "University Secretary", "decision_maker"),
        ("university", "sales_tool", "Director of Student Recruitment", "decision_maker"),
        ("university", "sales_tool", "Vice President for Enrollment Management", "decision_maker"),
        ("university", "sales_tool", "Admissions Manager", "champion"),
        ("university", "security_platform", "Chief Information Officer", "decision_maker"),
        ("public", "finance_system", "Commercial Manager", "blocker"),
        ("public", "hr_system", "Head of Commercial", "blocker"),
    ],
)
def test_the_ranks_of_a_sector_have_a_role_there(
    sector: str, product: str, title: str, role: str
) -> None:
    assert roles(sector, product, title) == [role]


@pytest.mark.parametrize(
    ("sector", "product", "title"),
    [
        ("hospital", "finance_system", "Director of Patient Finance"),
        ("hospital", "finance_system", "Head of Clinical Finance Research"),
        ("hospital", "hr_system", "Director of Medical Education"),
        ("hospital", "security_platform", "Chief Clinical Information Officer"),
        ("hospital", "security_platform", "Director of Patient Security"),
        ("hospital", "sales_tool", "Director of Patient Access and Revenue Cycle"),
        ("university", "finance_system", "Dean, School of Finance"),
        ("university", "finance_system", "Director of Student Finance"),
        ("university", "finance_system", "Pro-Vice-Chancellor (Research)"),
        ("university", "finance_system", "Academic Registrar"),
        ("university", "hr_system", "Head of Student Recruitment"),
        ("university", "hr_system", "Director of Graduate Careers"),
        ("university", "security_platform", "Head of Department of Computer Science"),
        ("university", "sales_tool", "Head of School of Sales and Marketing"),
        ("public", "finance_system", "Evidence Resources Programme Director"),
        ("public", "finance_system", "Director of Water Resources"),
        ("public", "hr_system", "Director, Learning and Skills"),
        ("public", "sales_tool", "Commercial Manager"),
        ("public", "sales_tool", "Director of Partnerships"),
        ("public", "sales_tool", "Licensing Manager"),
        ("public", "security_platform", "Director of Economic Development"),
        ("public", "security_platform", "Transport Security Manager"),
        ("bank", "security_platform", "Head of Securities"),
        ("bank", "security_platform", "Head of Financial Crime"),
        ("none", "security_platform", "Quality Assurance Manager"),
    ],
)
def test_what_is_treated_taught_or_governed_neither_decides_nor_argues_for_it(
    sector: str, product: str, title: str
) -> None:
    (role,) = roles(sector, product, title)
    assert role not in {"decision_maker", "champion"}


@pytest.mark.parametrize(
    ("product", "title", "role"),
    [
        ("hr_system", "Chief Nurse", "stakeholder"),
        ("hr_system", "Dekan", "stakeholder"),
        ("finance_system", "Verwaltungsdirektor", "decision_maker"),
        ("finance_system", "Commercial Manager", "blocker"),
        ("sales_tool", "Director of Student Recruitment", "decision_maker"),
    ],
)
def test_elsewhere_such_a_title_is_no_reason(product: str, title: str, role: str) -> None:
    assert roles("none", product, title) != [role]


def test_of_two_called_security_who_guards_buildings_does_not_decide() -> None:
    titles = ("Head of Security", "Head of Information Security")
    for sector in ("hospital", "university", "public"):
        guard, secures = roles(sector, "security_platform", *titles)
        assert secures == "decision_maker"
        assert guard != "decision_maker"
    assert roles("none", "security_platform", "Head of Security") == ["decision_maker"]


def test_a_seller_of_a_company_with_partners_still_decides() -> None:
    assert roles("none", "sales_tool", "Commercial Director") == ["decision_maker"]
    assert roles("none", "sales_tool", "VP Sales and Partnerships") == ["decision_maker"]
