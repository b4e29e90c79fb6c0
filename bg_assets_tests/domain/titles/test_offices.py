"""Stacked titles: the highest office is the person's, unless it is somebody else's or a topic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.titles import authority
from bg_assets.domain.titles.verdict import classify

STACKED: list[tuple[str, str | None, str]] = [
    ("Web Developer & CTO", "engineering", "c_level"),
    ("Accountant / CFO", "finance", "c_level"),
    ("Consultant + CEO", "executive", "c_level"),
    ("Director of R&D, Co-Founder", "executive", "owner"),
    ("Software Engineer, Co-Founder", "executive", "owner"),
    ("Product Designer | Founder", "executive", "owner"),
    ("Executive Vice President, CEO", "executive", "c_level"),
    ("SVP, CFO & Treasurer", "finance", "c_level"),
    ("Vice President and General Counsel", "legal", "c_level"),
    ("Materials Manager, Director Strategic Purchasing", "procurement", "director"),
    ("IT Manager & HR Director", "hr", "director"),
    ("Regional Manager, Director of Operations", "operations", "director"),
    ("Chief of Staff & VP Operations", "operations", "vp"),
    ("Vice President Branch Manager", "operations", "vp"),
    ("General Manager and Vice President", "executive", "vp"),
    ("Teacher & Head of Department", None, "manager"),
    ("Associate Professor & Department Chair", None, "manager"),
    ("Software Engineer / Team Lead", "engineering", "manager"),
    ("Assistant General Manager, Director of Sales", "sales", "director"),
    ("Operations Manager & Controller", "finance", "manager"),
    ("Coach | Speaker | Author | CEO", "executive", "c_level"),
    ("PA / Office Manager", "administration", "manager"),
    ("EA to CEO, Office Manager", "administration", "manager"),
    ("PA to Managing Director - HR Manager", "hr", "manager"),
    ("Personal Assistant to the CFO, Payroll Manager", "finance", "manager"),
    ("Student & Founder", "executive", "owner"),
    ("Entwickler und Geschäftsführer", "engineering", "c_level"),
    ("Buchhalterin & Personalleiterin", "hr", "head"),
    ("Développeur et Directeur Technique", "engineering", "director"),
    ("Ontwikkelaar en CTO", "engineering", "c_level"),
    ("Directeur en eigenaar", "executive", "owner"),
    ("Ingeniero y Director General", "executive", "c_level"),
    ("Responsabile Acquisti e Direttore Logistica", "operations", "director"),
    ("Consultor e Diretor Geral", "executive", "c_level"),
    ("Konsult och VD", "executive", "c_level"),
    ("Udvikler og CTO", "engineering", "c_level"),
    ("Programista i współzałożyciel", "executive", "owner"),
    ("Director si fondator", "executive", "owner"),
    ("Cofondator și director general", "executive", "owner"),
    ("Director comercial și acționar", "executive", "owner"),
]

ONE_OFFICE: list[tuple[str, str | None, str | None]] = [
    ("Head of Sales & Marketing", "sales", "head"),
    ("Director of Finance, HR and IT", "finance", "director"),
    ("Assistant to CEO & Founder", "administration", "assistant"),
    ("Executive Assistant, CEO", None, "assistant"),
    ("Deputy Director, Head of Operations", "operations", "manager"),
    ("Administrative Assistant, VP of Sales", "administration", "assistant"),
    ("Assistant, CFO & COO", "finance", "assistant"),
    ("Secretary, Board of Directors", "administration", "assistant"),
    ("PA to CEO, CFO", "administration", "assistant"),
    ("EA to CEO & HR Manager", None, "assistant"),
    ("Assistant to the Director, Research", "administration", "assistant"),
    ("Asistente de dirección y gerencia", None, "assistant"),
    ("Chief of Staff, CEO", "executive", "director"),
    ("VP, CEO Office", "executive", "vp"),
    ("Analyst, VP Office", "administration", "staff"),
    ("Manager, CFO Advisory", "finance", "manager"),
    ("Manager, CIO & CTO Practice", "it", "manager"),
    ("Manager, Partner Marketing", "marketing", "manager"),
    ("Director, Founder Program", "operations", "director"),
    ("Manager, Owner Relations", None, "manager"),
    ("Senior Analyst, Office of the CFO and COO", "finance", "senior"),
    ("Analyst for the CEO & CFO", "executive", "staff"),
    ("Manager, Director's Office", "administration", "manager"),
    ("Executive Assistant, Common Infrastructure and CIO Delivery Board", None, "assistant"),
    ("PA in the Secretariat and Economist Group", "administration", "assistant"),
    ("Software Engineer, Trainee", "engineering", "intern"),
    ("Intern, Product Manager", "product", "intern"),
    ("Büro des CEO", "executive", None),
]

SEATS: list[tuple[str, str | None, str]] = [
    ("CFO & Board Member", "finance", "c_level"),
    ("Chairman & CFO", "finance", "c_level"),
    ("Vice Chair, General Counsel", "legal", "c_level"),
    ("President, CEO, Chairman", "executive", "c_level"),
    ("Finance Director and Trustee", "finance", "director"),
    ("Head of IT | Non-Executive Director", "it", "head"),
    ("School Governor | Finance Director", "finance", "director"),
    ("Director and Trustee", None, "director"),
    ("Deputy Chairman & Managing Director", "executive", "c_level"),
    ("Chairman of the Board and CFO", "finance", "c_level"),
    ("Member of the Managing Board - COO", "executive", "c_level"),
    ("CFO und Mitglied des Vorstands", "finance", "c_level"),
    ("Aufsichtsrat und Geschäftsführer", "executive", "c_level"),
    ("Consejero y Director Financiero", "finance", "director"),
    ("Commissaris en CFO", "finance", "c_level"),
    ("Styrelseledamot och CFO", "finance", "c_level"),
]

ONLY_A_SEAT = [
    "Board Member",
    "Speaker, Author, Board Member",
    "Board Member | Investor | Advisor",
    "Chair | NED",
    "Chair, Audit Committee",
    "Aufsichtsratsmitglied",
    "Członek rady nadzorczej",
]

IN_NAME = [
    ("Senior Project Manager", "senior"),
    ("Senior Product Manager", "senior"),
    ("Senior Account Manager", "senior"),
    ("Senior, Product Manager", "senior"),
    ("Principal Product Manager", "senior"),
    ("Lead Programme Manager", "senior"),
    ("Senior Projektleiter", "senior"),
    ("Chef de projet senior", "senior"),
    ("Projectleider senior", "senior"),
    ("Junior Key Account Manager", "staff"),
    ("Junior Product Manager", "staff"),
    ("Junior Projektmanager", "staff"),
    ("Assistant Category Manager", "staff"),
    ("Assistant Project Manager", "staff"),
    ("Manager, Accounts Payable", "manager"),
    ("Senior Sales Manager", "manager"),
    ("Senior Manager, Product", "manager"),
    ("Assistant Store Manager", "manager"),
    ("Senior Consultant, Project Manager", "manager"),
    ("Air Traffic Controller", "staff"),
    ("Train Controller", "staff"),
    ("Student Records Manager", "manager"),
    ("Student Services Director", "director"),
    ("Director Student Affairs", "director"),
    ("Apprentice Programme Manager", "manager"),
    ("Internship Coordinator", "staff"),
    ("Leiterin Ausbildung", "head"),
    ("Student Nurse", "intern"),
    ("Trainee Brand Manager", "intern"),
    ("Management Trainee", "intern"),
    ("Auszubildender", "intern"),
]

OWNS_NOTHING = [
    "Functional Owner",
    "Process Owner",
    "Business Process Owner",
    "Product Owner",
    "Data Owner",
    "Technical Owner",
    "Backlog Owner",
]

# The first is below the second.
BELOW = [
    ("Assistant Treasurer", "Treasurer"),
    ("Associate Provost", "Provost"),
    ("Vice Provost", "Provost"),
    ("Assistant General Counsel", "General Counsel"),
    ("Associate Dean", "Dean"),
    ("Assistant Financial Controller", "Financial Controller"),
    ("Assistant Attorney General", "Attorney General"),
    ("Assistant Chief Financial Officer", "Chief Financial Officer"),
    ("Assistant Head of Finance", "Head of Finance"),
]

# Each of a function and a level of its own, highest first.
LADDER = [
    ("CFO", "finance", "c_level"),
    ("Vice President of Sales", "sales", "vp"),
    ("HR Director", "hr", "director"),
    ("Marketing Manager", "marketing", "manager"),
    ("Software Engineer", "engineering", "staff"),
]


@pytest.mark.parametrize(("title", "function", "level"), STACKED + SEATS)
def test_the_highest_office_tells_level_and_function(
    title: str, function: str | None, level: str
) -> None:
    verdict = classify(title)
    assert (verdict.function, verdict.level) == (function, level), verdict.reasons
    assert not authority.on_board_only(title, verdict.level)


@pytest.mark.parametrize(("title", "function", "level"), ONE_OFFICE)
def test_whom_somebody_serves_and_what_is_called_like_a_rank_is_no_office(
    title: str, function: str | None, level: str | None
) -> None:
    verdict = classify(title)
    assert (verdict.function, verdict.level) == (function, level), verdict.reasons


@pytest.mark.parametrize("title", ONLY_A_SEAT)
def test_who_only_sits_on_a_board_holds_no_office(title: str) -> None:
    assert authority.on_board_only(title, classify(title).level)


@pytest.mark.parametrize(("title", "level"), IN_NAME)
def test_a_manager_in_name_is_as_senior_as_the_words_around(title: str, level: str) -> None:
    verdict = classify(title)
    assert verdict.level == level, verdict.reasons


def test_a_senior_manager_in_name_may_be_a_manager_to_others_and_ranks_above_the_plain_one() -> (
    None
):
    senior, plain = classify("Senior Product Manager"), classify("Product Manager")
    assert senior.level_alternatives == ("manager",)
    assert senior.confidence < plain.confidence
    above, below = "Senior Product Manager", "Product Manager"
    assert authority.rank(above, senior.level) > authority.rank(below, plain.level)


@pytest.mark.parametrize("title", OWNS_NOTHING)
def test_who_owns_a_thing_within_a_company_does_not_own_the_company(title: str) -> None:
    verdict = classify(title)
    assert verdict.level != "owner"
    assert verdict.function != "executive"


@pytest.mark.parametrize(("lower", "higher"), BELOW)
def test_an_assistant_of_an_office_stands_below_it(lower: str, higher: str) -> None:
    ranks = [authority.rank(title, classify(title).level) for title in (lower, higher)]
    assert ranks[0] < ranks[1]
    assert classify(lower).level in ("director", "manager", "senior")


def test_an_employee_is_of_no_function_but_what_is_for_employees_is_of_hr() -> None:
    assert classify("Employee").function is None
    assert classify("Ramp Service Employee").function != "hr"
    assert classify("Employee Relations Manager").function == "hr"
    assert classify("Employee Counselor").function == "hr"


@pytest.mark.parametrize(
    "title",
    [
        "Bestuurder vrachtwagen",
        "Bestuurder van een heftruck",
        "bestuurder autobus",
        "Bestuurder graafmachine, Almere",
    ],
)
def test_who_steers_a_vehicle_runs_no_company(title: str) -> None:
    said = classify(title)
    assert (said.function in (None, "operations"), said.level) == (True, "staff"), said.reasons


@pytest.mark.parametrize("title", ["Bestuurder", "Bestuurder zorginstelling", "Bestuurder, Metro"])
def test_who_steers_a_company_does(title: str) -> None:
    said = classify(title)
    assert (said.function, said.level) == ("executive", "c_level"), said.reasons


@pytest.mark.parametrize(
    "title", ["bedrijfsleider kledingfabricage", "Bedrijfsleidster assurantiekantoor"]
)
def test_who_runs_a_part_that_no_word_is_known_of_is_not_of_the_whole(title: str) -> None:
    said = classify(title)
    assert said.function != "executive", said.reasons
    assert said.level == "manager"
    assert classify("Bedrijfsleider").function == "executive"
    assert classify("bedrijfsleider kledingfabricage", "Finance").function == "finance"


def test_a_controller_of_traffic_is_not_of_finance() -> None:
    assert classify("Air Traffic Controller").function == "operations"
    assert classify("Movements Controller").function == "operations"
    assert classify("Financial Controller").function == "finance"


@given(
    st.lists(st.sampled_from(LADDER), min_size=2, max_size=3, unique=True),
    st.sampled_from([" & ", " and ", " / ", " | ", " + ", ", ", " - "]),
)
def test_offices_in_any_order_and_joined_by_any_sign_give_the_highest(
    offices: list[tuple[str, str, str]], joint: str
) -> None:
    _, function, level = min(offices, key=LADDER.index)
    title = joint.join(name for name, _, _ in offices)
    verdict = classify(title)
    assert (verdict.function, verdict.level) == (function, level), title
