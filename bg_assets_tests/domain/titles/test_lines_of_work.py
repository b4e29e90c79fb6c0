"""Lines of work that are the same in every language: who sells insurance sells, R&D is research."""

import pytest

from bg_assets.domain.titles.verdict import classify

SELLERS = [
    "insurance adviser",
    "insurance agent",
    "asesora de seguros",
    "agent général d'assurances",
    "consulente assicurativo",
    "adviseur verzekeringen",
    "Versicherungsvertreterin",
    "corretora de seguros",
    "agent ubezpieczeniowy",
    "försäkringsrådgivare",
    "forsikringsagent",
    "pojišťovací poradce",
]
OTHERS_OF_INSURANCE = ["insurance analyst", "insurance accountant", "actuaire assurances"]
RESEARCH = [
    "Head of R&D",
    "R&D Manager",
    "Forschungs- und Entwicklungsleiterin",
    "Leiter F&E",
    "directeur recherche et développement",
    "director de I+D",
    "responsabile ricerca e sviluppo",
    "forsknings- og utviklingssjef",
    "dyrektor badań i rozwoju",
    "diretor de investigação e desenvolvimento",
    "vedoucí výzkumu a vývoje",
]
FINANCE = [
    "credit risk analyst",
    "Financial Risk Manager",
    "Kreditrisikomanagerin",
    "analyste risque de crédit",
    "analista de riesgos financieros",
    "responsabile rischio di credito",
    "analityk ryzyka kredytowego",
]


@pytest.mark.parametrize("title", FINANCE)
def test_the_risk_of_credit_and_money_is_of_finance(title: str) -> None:
    assert classify(title).function == "finance"


@pytest.mark.parametrize(
    "title", ["Chief Risk Officer", "Risk Manager", "Operational Risk Officer"]
)
def test_any_other_risk_is_of_compliance(title: str) -> None:
    assert classify(title).function == "compliance"


@pytest.mark.parametrize("title", SELLERS)
def test_who_advises_on_insurance_sells_it(title: str) -> None:
    assert classify(title).function == "sales"


@pytest.mark.parametrize("title", OTHERS_OF_INSURANCE)
def test_who_reckons_for_an_insurer_sells_nothing(title: str) -> None:
    assert classify(title).function == "finance"


@pytest.mark.parametrize("title", RESEARCH)
def test_who_leads_research_and_development_is_of_research(title: str) -> None:
    assert classify(title).function == "research"


def test_who_develops_alone_is_of_engineering() -> None:
    assert classify("Entwicklungsleiter").function == "engineering"
    assert classify("ingénieur R&D").function == "engineering"
