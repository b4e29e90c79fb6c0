"""Who heads a function decides on its system; a word of it in the title is not enough."""

from dataclasses import replace

import pytest

from bg_assets.domain.groups.group import BuyerGroup, Company, StaffMember, decide
from bg_assets.domain.titles.verdict import classify
from bg_assets.domain.values.departments import apart
from bg_assets.products.files import load_templates
from bg_assets_tests.domain.groups.people import TODAY, person

TEMPLATES = load_templates()
TREASURY = Company("t", 1157, 1157, "GB", name="HM Treasury")
BODY = Company("b", 2400, 2400, "GB", "Government Administration")
BAKERY = Company("k", 300, 300, "DE", "Food Production")


def group(company: Company, product: str, *people: StaffMember) -> BuyerGroup:
    return decide(company, people, TEMPLATES[product], TODAY)


def roles(company: Company, product: str, *people: StaffMember) -> dict[str, str]:
    return {m.person_id: m.role for m in group(company, product, *people).members}


TOP = person(0, "Permanent Secretary")


@pytest.mark.parametrize(
    ("product", "head", "department", "topics"),
    [
        ("finance_system", "Group Director, Finance and Commercial", "Corporate Centre",
         ["Director Financial Stability", "Director Business and International Tax",
          "Director of Financial Services Policy"]),
        ("finance_system", "Director General, Financial & Commercial", "Director General's Office",
         ["Director of Forensic Finance", "Head of Organised and Financial Crime Unit"]),
        ("finance_system", "Director", "Finance and Commercial Group",
         ["Director of Fiscal Policy", "Head of Asset Management", "Director Investment"]),
        ("hr_system", "Director of Human Resources", "Corporate Services",
         ["Working Age Benefits Director", "Regional Apprenticeship Director",
          "Director Service Personnel Policy"]),
        ("security_platform", "Chief Information Officer", "Corporate Services",
         ["National Security Adviser", "Director Defence & International Security",
          "Head of Security Group", "Director, Major Network Upgrades"]),
    ],
)  # fmt: skip
def test_the_head_of_a_function_decides_and_no_one_who_makes_policy_of_it(
    product: str, head: str, department: str, topics: list[str]
) -> None:
    heads = person(1, head, department, manager="p00000")
    others = [person(2 + at, title, manager="p00000") for at, title in enumerate(topics)]
    found = roles(BODY, product, TOP, heads, *others)
    assert found["p00001"] == "decision_maker"
    makers = {i for i, role in found.items() if role == "decision_maker"}
    assert makers <= {"p00000", "p00001"}


@pytest.mark.parametrize(
    ("product", "title"),
    [
        ("finance_system", "Director Business and International Tax"),
        ("finance_system", "Deputy Director, Fiscal Policy"),
        ("finance_system", "Head of Financial Policy"),
        ("hr_system", "Working Age Benefits Director"),
        ("hr_system", "Head of Pensions Policy"),
        ("security_platform", "National Security Adviser"),
        ("security_platform", "Director of Border Security"),
        ("security_platform", "Infrastructure & Utilities Manager"),
    ],
)
def test_policy_is_no_champion_in_a_public_body(product: str, title: str) -> None:
    assert roles(BODY, product, TOP, person(1, title)).get("p00001") != "champion"


@pytest.mark.parametrize(
    "title", ["Head of Internal Audit", "Lead Auditor", "Director of Audit", "Leiter Revision"]
)
def test_audit_is_no_champion_of_a_finance_system(title: str) -> None:
    found = roles(BAKERY, "finance_system", person(0, "CEO"), person(1, "CFO"), person(2, title))
    assert found.get("p00002") not in {"champion", "decision_maker"}


@pytest.mark.parametrize(
    "title",
    [
        "Chair of the Supervisory Board",
        "Président du conseil de surveillance",
        "Voorzitter Raad van Commissarissen",
        "Przewodniczący Rady Nadzorczej",
    ],
)
def test_who_chairs_a_supervisory_board_stands_not_above_who_runs_the_company(title: str) -> None:
    found = roles(BAKERY, "finance_system", person(0, title), person(1, "Geschäftsführer"))
    assert found == {"p00001": "decision_maker"}


@pytest.mark.parametrize("title", ["Head of Nursing", "Clinical Director", "Medical Director"])
def test_a_clinician_has_no_part_in_a_finance_system(title: str) -> None:
    found = roles(BAKERY, "finance_system", person(0, "CEO"), person(1, "CFO"), person(2, title))
    assert "p00002" not in found


def test_a_department_that_repeats_the_companys_name_is_none() -> None:
    name = "Legal Services Authority"
    company = replace(BODY, name=name)

    def read(number: int, title: str, department: str) -> StaffMember:
        verdict = classify(title, apart(department, name))
        return replace(person(number, title, department), verdict=verdict)

    alone = person(1, "Director of Finance")
    repeated = read(1, "Director of Finance", name)
    assert repeated.verdict == alone.verdict
    assert person(1, "Director of Finance", name).verdict.confidence < alone.verdict.confidence
    members = group(company, "finance_system", repeated).members
    assert [(m.person_id, m.role) for m in members] == [("p00001", "decision_maker")]
    assert "the department is of something else" not in " ".join(members[0].reasons)


def test_in_a_bank_what_it_sells_is_no_finance_of_its_own() -> None:
    bank = Company("b", 900, 900, "DE", "Banking")
    sells = person(1, "Head of Structured Finance")
    keeps = person(2, "Head of Finance")
    makers = [i for i, r in roles(bank, "finance_system", sells, keeps).items()
              if r == "decision_maker"]  # fmt: skip
    assert makers == ["p00002"]
    other = replace(bank, industry="Retail")
    assert "p00001" in roles(other, "finance_system", sells)


def test_who_runs_a_part_of_the_company_is_behind_who_runs_the_whole() -> None:
    part = person(1, "Chief Executive of Shared Services")
    whole = person(2, "Chief Executive")
    found = roles(replace(BODY, employee_min=40, employee_max=40), "finance_system", part, whole)
    assert found["p00002"] == "decision_maker"
    assert found.get("p00001") != "decision_maker"


def test_the_director_of_a_museum_is_its_head() -> None:
    museum = Company("m", 40, 40, "GB", "Government Administration", name="Museum of Toys")
    top = person(0, "Director")
    others = [person(at, "Curator", manager="p00000") for at in range(1, 7)]
    assert roles(museum, "finance_system", top, *others)["p00000"] == "decision_maker"
    assert "p00000" not in roles(museum, "finance_system", top, *others[:3])


@pytest.mark.parametrize(
    ("product", "title", "department"),
    [
        ("finance_system", "Grants Manager", "Wales"),
        ("finance_system", "Collections Manager", "Science"),
        ("finance_system", "Tax Specialist", None),
        ("finance_system", "Portfolio Manager", "Delivery"),
        ("hr_system", "Learning Manager", "Galleries"),
        ("hr_system", "Training Manager", "Teaching"),
        ("hr_system", "Placement Manager", "Secure Accommodation"),
        ("security_platform", "Security Manager", "Commercial Directorate"),
        ("security_platform", "Security Officer", None),
        ("security_platform", "Head of Visitor Services and Security", "Operations"),
        ("security_platform", "Head of Security of Electricity Supply", None),
        ("security_platform", "Web Manager", "Communications"),
    ],
)
def test_in_a_public_body_who_is_hardly_of_a_function_neither_wants_its_system_nor_speaks_for_it(
    product: str, title: str, department: str | None
) -> None:
    found = roles(BODY, product, TOP, person(1, title, department))
    assert found.get("p00001") not in {"champion", "stakeholder", "decision_maker"}


@pytest.mark.parametrize(
    ("product", "title", "department"),
    [
        ("finance_system", "Senior Finance Manager", "Wales"),
        ("finance_system", "Accounts Manager", None),
        ("finance_system", "Team Leader", "Finance"),
        ("hr_system", "HR Learning Manager", None),
        ("hr_system", "Learning & Development Manager", "Corporate Services"),
        ("hr_system", "Manager", "Human Resources"),
        ("security_platform", "Information Security Manager", "Commercial Directorate"),
        ("security_platform", "Network Manager", "Corporate Services"),
        ("security_platform", "IT Manager", "Communications"),
    ],
)
def test_in_a_public_body_who_is_called_by_the_function_or_its_work_may_want_its_system(
    product: str, title: str, department: str | None
) -> None:
    assert roles(BODY, product, TOP, person(1, title, department))["p00001"] == "champion"


@pytest.mark.parametrize(
    "title", ["Head of Visitor Security", "Security Manager", "Director of High Security"]
)
def test_who_guards_buildings_ratifies_no_purchase(title: str) -> None:
    assert "p00001" not in roles(BODY, "hr_system", TOP, person(1, title))
    told = roles(BODY, "hr_system", TOP, person(1, "Head of Information Security"))
    assert told["p00001"] == "blocker"
    shop = Company("s", 2400, 2400, "GB", "Retail")
    assert roles(shop, "hr_system", person(0, "CEO"), person(1, title))["p00001"] == "blocker"


def test_in_business_the_everyday_words_of_a_function_are_enough() -> None:
    shop = Company("s", 2400, 2400, "GB", "Retail")
    for product, title in (
        ("finance_system", "Credit Manager"),
        ("hr_system", "Training Manager"),
        ("security_platform", "Security Manager"),
    ):
        assert roles(shop, product, person(0, "CEO"), person(1, title))["p00001"] == "champion"


@pytest.mark.parametrize(
    ("head", "deputy"),
    [
        ("Inspector General & Agency Chief Executive", "Deputy Chief Executive"),
        ("Chief Executive", "Deputy Chief Executive"),
        ("Managing Director", "Deputy Managing Director"),
    ],
)
def test_who_stands_in_for_the_head_decides_after_them(head: str, deputy: str) -> None:
    found = roles(BODY, "finance_system",
                  person(0, head, "Strategy, Planning and Governance"),
                  person(1, deputy, "Corporate Services", manager="p00000"))  # fmt: skip
    assert found["p00000"] == "decision_maker"
    assert found.get("p00001") != "decision_maker"


@pytest.mark.parametrize("deputy", ["Deputy Finance Director", "Deputy Director of Finance"])
def test_beside_the_head_of_finance_the_chief_executive_decides_and_not_the_deputy(
    deputy: str,
) -> None:
    found = roles(
        BODY,
        "finance_system",
        person(0, "Chief Executive Officer"),
        person(1, "Finance Director", "Finance", manager="p00000"),
        person(2, deputy, "Finance", manager="p00001"),
        person(3, "Senior Manager", "Finance", manager="p00002"),
    )
    makers = {i for i, role in found.items() if role == "decision_maker"}
    assert makers == {"p00000", "p00001"}
    assert found["p00002"] in {"champion", "stakeholder"}


def test_where_nobody_else_is_known_a_deputy_decides() -> None:
    found = roles(BODY, "finance_system", person(0, "Deputy Finance Director"))
    assert found["p00000"] == "decision_maker"


@pytest.mark.parametrize("title", ["Director, Finance", "Director Finance & Board Secretary"])
def test_in_a_small_british_body_the_director_of_finance_decides(title: str) -> None:
    small = replace(BODY, employee_min=93, employee_max=93)
    found = roles(small, "finance_system", person(0, "Chief Executive"),
                  person(1, title, manager="p00000"), person(2, "Finance Officer"))  # fmt: skip
    assert found["p00001"] == "decision_maker"
    assert found["p00000"] == "stakeholder"


@pytest.mark.parametrize(
    "title",
    [
        "Head of Professions and Skills Development",
        "Director of Development Plans, Policy and Quality",
        "Head of Development Consents",
    ],
)
def test_in_a_public_body_development_of_plans_and_skills_is_no_engineering(title: str) -> None:
    assert "p00001" not in roles(BODY, "security_platform", TOP, person(1, title))
    engineer = roles(BODY, "security_platform", TOP, person(1, "Head of Software Development"))
    assert engineer["p00001"] == "stakeholder"


@pytest.mark.parametrize("product", ["finance_system", "hr_system", "security_platform"])
@pytest.mark.parametrize("title", ["Typist", "Switchboard Assistant", "Data Entry Clerk"])
def test_who_sits_by_no_door_introduces_nobody(product: str, title: str) -> None:
    assert "p00001" not in roles(BODY, product, TOP, person(1, title))
    helps = roles(BODY, product, TOP, person(1, "Executive Assistant"))
    assert helps["p00001"] == "introducer"


@pytest.mark.parametrize(
    "title", ["Head of Internal Audit", "Chief Investment Officer", "Tax Director"]
)
def test_of_finance_who_accounts_for_pay_is_heard_about_an_hr_system(title: str) -> None:
    people = (person(0, "CEO"), person(1, "HR Director"), person(2, title))
    assert "p00002" not in roles(BAKERY, "hr_system", *people)
    accounts = (*people[:2], person(2, "Finance Director"))
    assert roles(BAKERY, "hr_system", *accounts)["p00002"] == "stakeholder"


@pytest.mark.parametrize(
    "title",
    [
        "Infrastructure & Utilities Manager",
        "Buildings and Infrastructure Manager",
        "Facilities Infrastructure Manager",
    ],
)
def test_the_infrastructure_of_a_venue_is_none_of_systems(title: str) -> None:
    venue = Company("v", 300, 300, "GB", "Events")
    found = roles(venue, "security_platform", person(0, "Chief Executive"), person(1, title))
    assert found.get("p00001") not in {"champion", "decision_maker"}
    systems = person(1, "Infrastructure Manager")
    assert roles(venue, "security_platform", TOP, systems)["p00001"] == "champion"


@pytest.mark.parametrize("product", sorted(TEMPLATES))
@pytest.mark.parametrize(
    "title",
    ["Head of Organised and Financial Crime Unit", "Head of Legal Policy", "Director of Crime"],
)
def test_in_a_public_body_what_is_governed_ratifies_nothing(product: str, title: str) -> None:
    assert roles(BODY, product, TOP, person(1, title)).get("p00001") != "blocker"
    told = roles(BODY, product, TOP, person(1, "Head of Legal"))
    assert told["p00001"] == "blocker"
