"""The shipped templates: whom each picks at companies from one person to a hundred thousand."""

from collections.abc import Iterator
from datetime import date
from functools import cache

import pytest

from bg_assets.domain.groups.group import BuyerGroup, Company, StaffMember, decide
from bg_assets.domain.products import sizes
from bg_assets.domain.titles.verdict import classify
from bg_assets.domain.vocabulary import ROLES
from bg_assets.products.files import load_templates
from bg_assets.sample import world as sample

TEMPLATES = load_templates()
PRODUCTS = ["finance_system", "hr_system", "sales_tool", "security_platform"]
TODAY = date(2026, 1, 1)
SEED = 16

# Employees, everybody's title, then whom each role must have.
MODEL = {
    "security_platform": [
        (4, ["Owner", "Software Engineer", "Accountant"], {"decision_maker": {"Owner"}}),
        (
            40,
            ["CEO", "CTO", "DevOps Engineer", "Office Manager", "Head of Sales", "Accountant"],
            {"decision_maker": {"CEO"}, "stakeholder": {"CTO"}},
        ),
        (
            180,
            ["CEO", "CTO", "IT Manager", "Network Engineer", "Finance Director", "General Counsel"],
            {"decision_maker": {"CTO", "CEO"}, "champion": {"IT Manager"}},
        ),
        (
            900,
            ["CEO", "CIO", "Head of Information Security", "Security Engineer", "IT Manager", "CFO",
             "General Counsel", "Procurement Manager", "Compliance Manager"],
            {"decision_maker": {"CIO", "Head of Information Security"},
             "champion": {"Security Engineer"}, "stakeholder": {"IT Manager"},
             "blocker": {"Procurement Manager"}},
        ),
        (
            30_000,
            ["CEO", "CIO", "CISO", "VP Information Security", "Security Operations Manager",
             "Security Architect", "VP Infrastructure", "CFO", "General Counsel",
             "Chief Procurement Officer", "Data Protection Officer", "Chief Risk Officer"],
            {"decision_maker": {"CISO"}, "champion": {"Security Operations Manager"}},
        ),
    ],
    "sales_tool": [
        (5, ["Founder & CEO", "Account Executive", "Developer"],
         {"decision_maker": {"Founder & CEO"}}),
        (
            80,
            ["CEO", "VP Sales", "Sales Operations Manager", "Account Executive", "Account Manager",
             "CFO", "Marketing Director", "IT Manager"],
            {"decision_maker": {"VP Sales"}, "champion": {"Sales Operations Manager"},
             "introducer": {"Account Executive"}},
        ),
        (
            2_000,
            ["CEO", "Chief Revenue Officer", "VP Sales", "VP Revenue Operations",
             "Sales Enablement Manager", "Account Executive", "Key Account Manager", "CIO", "CFO",
             "CMO", "VP Customer Success", "Procurement Manager"],
            {"decision_maker": {"Chief Revenue Officer", "VP Sales"},
             "champion": {"VP Revenue Operations"}, "blocker": {"Procurement Manager"},
             "introducer": {"Account Executive"}},
        ),
    ],
    "hr_system": [
        (8, ["Managing Director", "Office Manager", "Accountant", "Developer", "Developer"],
         {"decision_maker": {"Managing Director"}, "champion": {"Office Manager"}}),
        (
            70,
            ["CEO", "HR Manager", "Recruiter", "Finance Director", "IT Manager", "Office Manager"],
            {"decision_maker": {"CEO"}, "champion": {"HR Manager"}},
        ),
        (
            3_000,
            ["CEO", "CHRO", "VP People Operations", "HRIS Manager", "VP Talent Acquisition",
             "Recruiter", "CFO", "CIO", "General Counsel", "Procurement Director", "COO"],
            {"decision_maker": {"CHRO"}, "champion": {"HRIS Manager"},
             "stakeholder": {"CFO", "CIO"}},
        ),
    ],
    "finance_system": [
        (3, ["Owner", "Bookkeeper"], {"decision_maker": {"Owner"}, "champion": {"Bookkeeper"}}),
        (
            300,
            ["CEO", "CFO", "Financial Controller", "Head of IT", "Procurement Manager", "COO"],
            {"decision_maker": {"CFO"}, "champion": {"Financial Controller"},
             "blocker": {"Procurement Manager"}, "stakeholder": {"Head of IT"}},
        ),
    ],
}  # fmt: skip

# Who may decide, and who may want it, where the company has no such function of its own.
MAKERS = {
    "finance_system": {"finance", "executive"},
    "hr_system": {"hr", "executive", "finance", "operations"},
    "sales_tool": {"sales", "revenue_operations", "executive"},
    "security_platform": {"security", "it", "engineering", "executive"},
}
RATIFYING = {"procurement", "legal", "compliance", "security", "finance"}


def member(number: int | str, title: str | None, department: str | None = None) -> StaffMember:
    said = classify(title, department)
    return StaffMember(f"p{number}", title, department, None, None, said)


def titles_by_role(group: BuyerGroup, people: list[StaffMember]) -> dict[str, set[str | None]]:
    titles = {one.person_id: one.title for one in people}
    found: dict[str, set[str | None]] = {role: set() for role in ROLES}
    for one in group.members:
        found[one.role].add(titles[one.person_id])
    return found


@pytest.mark.parametrize(
    ("product", "employees", "titles", "expected"),
    [(product, *case) for product, cases in MODEL.items() for case in cases],
)
def test_a_model_company_has_the_people_whom_a_seller_would_name(
    product: str, employees: int, titles: list[str], expected: dict[str, set[str]]
) -> None:
    people = [member(at, title) for at, title in enumerate(titles)]
    group = decide(Company("c", employees, employees, "US"), people, TEMPLATES[product], TODAY)
    found = titles_by_role(group, people)
    missing = {role: wanted - found[role] for role, wanted in expected.items()}
    assert not any(missing.values()), found


@cache
def world() -> list[tuple[Company, list[StaffMember]]]:
    """Companies of every band, four of each, with their staff."""
    count: dict[int, int] = {}
    chosen = []
    for row in sample.generate_companies(400, SEED):
        band = next((most for most, _ in sizes.BANDS if row.employees <= most), 0)
        count[band] = count.get(band, 0) + 1
        if count[band] <= 4:
            people = [
                member(one.id, one.title, one.department)
                for one in sample.generate_people([row], SEED)
                if one.status == "active"
            ]
            company = Company(row.id, row.employees, row.employees, row.home, row.trade)
            chosen.append((company, people))
    assert len(count) == len(sizes.BANDS) + 1
    return chosen


def members(product: str) -> Iterator[tuple[Company, StaffMember, str]]:
    for company, people in world():
        known = {one.person_id: one for one in people}
        for one in decide(company, people, TEMPLATES[product], TODAY).members:
            yield company, known[one.person_id], one.role


@pytest.mark.parametrize("product", PRODUCTS)
def test_only_those_with_a_say_over_the_function_decide(product: str) -> None:
    makers = [(c, p) for c, p, role in members(product) if role == "decision_maker"]
    assert len(makers) >= 0.8 * len(world())
    for company, person in makers:
        verdict = person.verdict
        assert MAKERS[product] & {verdict.function, *verdict.function_alternatives}, person
        assert verdict.level in {"owner", "c_level", "vp", "head", "director", "manager"}, person
        if (company.employee_min or 0) <= 25:
            assert verdict.level in {"owner", "c_level", "vp", "head", "director"}, person


@pytest.mark.parametrize("product", PRODUCTS)
def test_blockers_come_from_the_functions_that_ratify(product: str) -> None:
    keepers = [person for _, person, role in members(product) if role == "blocker"]
    assert keepers
    for person in keepers:
        verdict = person.verdict
        assert RATIFYING & {verdict.function, *verdict.function_alternatives}, person


def test_security_is_no_blocker_of_its_own_platform() -> None:
    roles = {
        role for _, p, role in members("security_platform") if p.verdict.function == "security"
    }
    assert "decision_maker" in roles
    assert "blocker" not in roles


def test_whoever_leads_security_decides_on_security() -> None:
    seen = 0
    for company, people in world():
        tops = {
            person.person_id
            for person in people
            if person.verdict.function == "security"
            and person.verdict.level in {"c_level", "vp", "head", "director"}
            and person.verdict.confidence > 0.6
        }
        group = decide(company, people, TEMPLATES["security_platform"], TODAY)
        makers = {m.person_id for m in group.members if m.role == "decision_maker"}
        seen += bool(tops)
        assert not tops or tops & makers, company
    assert seen > 5


def test_who_only_uses_a_sales_tool_neither_buys_nor_champions_it() -> None:
    users = ("account executive", "account manager", "sales engineer")
    for _, person, role in members("sales_tool"):
        if any(user in (person.title or "").lower() for user in users):
            assert role in {"introducer", "stakeholder"}, person


@pytest.mark.parametrize("product", PRODUCTS)
def test_groups_are_about_as_large_as_their_company_asks_for(product: str) -> None:
    template = TEMPLATES[product]
    for company, people in world():
        group = decide(company, people, template, TODAY)
        target = sizes.target(company.employee_min, template.deal_size)
        assert len(group.members) <= target.total
        if (company.employee_min or 0) > 500:
            assert len(group.members) >= 0.6 * target.total, company
        roles = {m.role for m in group.members}
        named = {gap.role for gap in group.gaps}
        asked = {r.role for r in template.roles if min(r.required, target.of(r.role))}
        assert asked <= roles | named


def test_each_template_says_what_it_is_for_and_whom_it_needs() -> None:
    assert sorted(TEMPLATES) == PRODUCTS
    for template in TEMPLATES.values():
        assert template.title != template.name
        assert template.does.endswith(".")
        required = {rule.role for rule in template.roles if rule.required}
        assert required == {"decision_maker", "champion", "stakeholder", "blocker"}
        assert [rule.role for rule in template.roles] == [
            "decision_maker", "champion", "blocker", "stakeholder", "introducer",
        ]  # fmt: skip
