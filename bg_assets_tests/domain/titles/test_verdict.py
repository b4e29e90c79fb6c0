"""Titles: what is read, what is left open, what is never said."""

import hashlib
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.titles import calibration, lexicon, verdict
from bg_assets.domain.titles.lexicon import shipped
from bg_assets.domain.titles.verdict import classify
from bg_assets.domain.vocabulary import FUNCTIONS, LEVELS

READ: list[tuple[str, str | None, str | None]] = [
    ("CFO", "finance", "c_level"),
    ("Chief Product & Technology Officer", "product", "c_level"),
    ("Vice President, Sales", "sales", "vp"),
    ("V.P. of Bus. Dev.", "sales", "vp"),
    ("Sr. Dir., Mktg", "marketing", "director"),
    ("Head of Sales & Marketing", "sales", "head"),
    ("Sales & Marketing Manager", "marketing", "manager"),
    ("Founder & CTO", "executive", "owner"),
    ("CTO / VP Engineering", "engineering", "c_level"),
    ("Director, (Sales)", "sales", "director"),
    ("Sales Engineer", "sales", "staff"),
    ("People Operations Manager", "hr", "manager"),
    ("Security Operations Manager", "security", "manager"),
    ("Chief of Staff", "executive", "director"),
    ("Director, Office of the General Counsel", "legal", "director"),
    ("Personal Assistant to the CEO", "administration", "assistant"),
    ("Assistentin des CFO", "administration", "assistant"),
    ("VP Sales | We're hiring 🚀 | ex-Salesforce", "sales", "vp"),
    ("Head of Marketing @ Acme (We're hiring!)", "marketing", "head"),
    ("it manager, PMP", "it", "manager"),
    ("Staff Engineer", "engineering", "senior"),
    ("Managing Director, Sales", "sales", "c_level"),
    ("Leiterin Finanzen und Controlling", "finance", "head"),
    ("Vertriebsleiter:in (m/w/d)", "sales", "head"),
    ("Geschaeftsfuehrer", "executive", "c_level"),
    ("Directrice des Ressources Humaines", "hr", "director"),
    ("Responsable comptabilité fournisseurs", "finance", "manager"),
    ("Hoofd Inkoop", "procurement", "manager"),
    ("Director Financiero", "finance", "director"),
    ("Responsabile Acquisti", "procurement", "manager"),
    ("Diretor Comercial", "sales", "director"),
    ("Chief Financial and Operating Officer", "finance", "c_level"),
    ("Chief People & Culture Officer", "hr", "c_level"),
    ("Office of the CFO", "finance", None),
    ("Senior Analyst, Office of the CFO", "finance", "senior"),
    ("Founder's Associate", "executive", "staff"),
    ("CFO Advisor", "finance", "staff"),
    ("Referent des Vorstands", None, "staff"),
    ("Mitglied der Geschäftsleitung", "executive", "c_level"),
    ("Analyst for the VP of Sales", "sales", "staff"),
    ("Executive Director (Finance)", "finance", "director"),
    ("Finance and Commercial Director", "finance", "director"),
    ("General Manager, Procurement", "procurement", "director"),
    ("Director, Deputy Head of Audit", "finance", "director"),
    ("Adjointe au directeur financier", "finance", "manager"),
    ("Expresidente", "executive", "c_level"),
    ("Regionalverkaufsleiterin (m/w/d)", "sales", "head"),
    ("Kreditorenbuchhalterin", "finance", "staff"),
    ("Recruiterin", "hr", "staff"),
    ("Zentraleinkäuferin", "procurement", "staff"),
    ("Chefredakteur", "communications", "head"),
    ("Regioverkoopleider", "sales", "manager"),
    ("Driftstekniker", "operations", "staff"),
    ("Redovisningsansvarig", "finance", "manager"),
    ("Kierownik Działu Zakupów", "procurement", "manager"),
    ("Chargé·e de communication", "communications", "staff"),
    ("Directeur.rice des achats", "procurement", "director"),
]

NEVER_INSIDE_A_WORD: list[tuple[str, str | None, str | None]] = [
    ("Director", None, "director"),
    ("Head of Coordination", None, "head"),
    ("Cooperation Manager", None, "manager"),
    ("Ceosan", None, None),
    ("Itinerary", None, None),
]

ABSTAINED = [
    ("🚀🚀🚀", "garbage-only"),
    ("www.acme.com", "garbage-only"),
    ("#opentowork", "garbage-only"),
    ("EMEA", "garbage-only"),
    ("", "garbage-only"),
    ("Acme Corp", "no-evidence"),
    ("Ms. Priya Rao, MBA", "no-evidence"),
    ("営業部長", "non-english"),
    ("Директор по продажам", "non-english"),
    ("Értékesítési vezető", "non-english"),
]

LEFT = [
    ("Former CFO", True),
    ("ex-CFO", True),
    ("CFO (retired)", True),
    ("Vacant", True),
    ("Ehemaliger Vertriebsleiter", True),
    ("Seeking new opportunities", True),
    ("ex-Contoso, CFO", False),
    ("Former CFO, now Advisor", False),
    ("CFO | ex-Salesforce", False),
    ("Acting CFO", False),
    ("Interim CFO", False),
]


@pytest.mark.parametrize(("title", "function", "level"), READ + NEVER_INSIDE_A_WORD)
def test_a_title_is_read(title: str, function: str | None, level: str | None) -> None:
    verdict = classify(title)
    assert (verdict.function, verdict.level) == (function, level), verdict.reasons


@pytest.mark.parametrize(("title", "reason"), ABSTAINED)
def test_an_abstention_says_why(title: str, reason: str) -> None:
    verdict = classify(title)
    assert verdict.function is None
    assert verdict.level is None
    assert verdict.confidence == 0
    assert verdict.reasons[0].startswith(reason)


@pytest.mark.parametrize(("title", "left"), LEFT)
def test_only_who_has_gone_has_left(title: str, left: bool) -> None:
    assert classify(title).left is left


def test_real_forks_stay_open_and_lower_the_confidence() -> None:
    growth, sales = classify("Head of Growth"), classify("Head of Sales")
    assert growth.function_alternatives == ("marketing",)
    assert growth.confidence < sales.confidence
    assert classify("CCO").function_alternatives[:2] == ("sales", "legal")


def test_an_executive_assistant_may_serve_any_function() -> None:
    verdict = classify("Senior Executive Assistant")
    assert (verdict.function, verdict.level) == (None, "assistant")
    assert verdict.function_alternatives == ("administration",)


def test_the_department_speaks_for_a_function_and_overrides_nothing() -> None:
    alone = classify("HR Director")
    agrees = classify("HR Director", "Human Resources")
    contradicts = classify("HR Director", "Finance")
    assert contradicts.function == "hr"
    assert any("contradiction" in reason for reason in contradicts.reasons)
    assert contradicts.confidence < alone.confidence <= agrees.confidence
    assert classify("Director", "Finance").function == "finance"
    several = classify("Director", "Finance & Marketing")
    assert (several.function, several.function_alternatives) == ("finance", ("marketing",))
    assert several.by_department
    assert several.confidence < classify("Director", "Finance").confidence
    general = classify("Director General", "Finance and Commercial Group")
    assert general.function == "finance"
    assert "executive" in general.function_alternatives
    assert classify("Head of Growth", "Marketing").function == "marketing"


def test_a_general_manager_is_of_the_function_of_the_department() -> None:
    assert classify("Executive Director", "Finance").function == "finance"
    assert classify("Managing Director", "Board").function == "executive"
    assert classify("Chief Executive", "Finance").function == "executive"


def test_a_vague_department_does_not_choose_between_two_functions() -> None:
    assert classify("Estates & Finance Director", "Corporate Services").function == "finance"


def test_a_title_of_ten_thousand_characters_is_read_by_its_beginning() -> None:
    assert classify("Finance Director " + "x " * 5_000).function == "finance"


def test_reasons_quote_phrases_of_the_lexicon_and_no_names() -> None:
    reasons = " ".join(classify("Priya Rao, Finance Director").reasons).casefold()
    assert "finance director" in reasons
    assert "priya" not in reasons
    assert "rao" not in reasons


@given(st.text(max_size=300), st.none() | st.text(max_size=60))
def test_no_text_makes_it_fail(title: str, department: str | None) -> None:
    verdict = classify(title, department)
    assert verdict.function is None or verdict.function in FUNCTIONS
    assert verdict.level is None or verdict.level in LEVELS
    assert 0 <= verdict.confidence <= 1
    assert classify(title, department) == verdict


@given(st.sampled_from(READ), st.sampled_from([", EMEA", " 🚀", "  ", ", MBA", " | Acme Corp"]))
def test_noise_around_a_title_changes_nothing(
    case: tuple[str, str | None, str | None], noise: str
) -> None:
    title, function, level = case
    verdict = classify(title + noise)
    assert (verdict.function, verdict.level) == (function, level)


@given(
    st.sampled_from(["cto", "coo", "ceo", "it", "hr", "vp", "pr", "cfo"]),
    st.text("abcdefgh", min_size=2, max_size=6),
)
def test_a_phrase_is_never_found_inside_a_word(phrase: str, letters: str) -> None:
    glued = f"x{letters}{phrase}{letters}x"
    assert not shipped().meanings.knows(glued)
    assert classify(glued).level is None


@pytest.mark.parametrize(
    ("module", "name", "other"),
    [
        (lexicon, "digest", lambda: "another"),
        (verdict, "RULES", 0),
        (calibration, "CONTRADICTS", 0.5),
        (calibration, "FUNCTION", {**calibration.FUNCTION, "title": 0.5}),
        (calibration, "LEVEL", {**calibration.LEVEL, "title": 0.5}),
    ],
)
def test_the_version_follows_all_that_titles_are_read_by(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, other: object
) -> None:
    now = verdict.version()
    monkeypatch.setattr(module, name, other)
    assert verdict.version.__wrapped__() != now


def test_the_version_is_of_the_lexicon_that_was_read() -> None:
    path = Path(lexicon.__file__).with_name("lexicon.csv")
    assert lexicon.digest() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert lexicon.load(path).size == lexicon.shipped().size
