"""Who stands right before an office without a preposition serves whoever holds it."""

import pytest

from bg_assets.domain.titles.verdict import classify

SERVING = [
    *("Executive Assistant CEO", "PA CEO", "PA CEO & Chair", "PA Group CFO", "EA Founder"),
    *("PA Managing Director", "PA Finance Director", "Private Secretary CEO", "Secretary CEO"),
    *("Sekretariat CFO", "Sekretärin CEO", "Assistenz CFO", "Assistenz Geschäftsführung"),
    *("Chefsekretärin CEO", "Managementassistente CFO", "Directiesecretaresse CFO"),
    *("Secretariaat CFO", "Secretaresse CEO", "Asistente CFO", "Secretaria CEO"),
    *("Assistente CFO", "Segretaria CFO", "Asystent CFO", "Asystentka CEO", "Secrétaire DG"),
    *("Secretariat CFO", "Assistent CEO", "Sekreterare VD", "Sekretær CEO"),
    "CFO Assistant",
]
# title, function, level
OWN = [
    ("Secretary General", "executive", "c_level"),
    ("General Secretary & CEO", "executive", "c_level"),
    ("Company Secretary", "legal", "director"),
    ("Corporate Secretary, CFO", "finance", "c_level"),
    ("Secretary/Treasurer", "finance", "director"),
    ("Assistant CFO", "finance", "director"),
    ("Assistant Chief Executive", "executive", "director"),
    ("Assistant Director", None, "manager"),
    ("Executive Assistant Director", None, "director"),
    ("Executive Assistant Manager", None, "manager"),
    ("Assistant Vice President", None, "director"),
    ("Assistant General Counsel", "legal", "director"),
    ("Assistant Treasurer", "finance", "manager"),
    ("Staatssekretär", "administration", "manager"),
    ("secrétaire général", "executive", "director"),
    ("segretario generale", "executive", "director"),
    ("Executive Assistant CEO, Office Manager", "administration", "manager"),
]


@pytest.mark.parametrize("title", SERVING)
def test_whom_somebody_serves_needs_no_preposition(title: str) -> None:
    said = classify(title)
    assert said.level == "assistant", said.reasons
    assert "c_level" not in said.level_alternatives
    assert said.function in ("administration", "finance", None)


@pytest.mark.parametrize(("title", "function", "level"), OWN)
def test_secretaries_of_bodies_and_deputies_keep_their_offices(
    title: str, function: str | None, level: str
) -> None:
    said = classify(title)
    assert (said.function, said.level) == (function, level), said.reasons


@pytest.mark.parametrize(
    "title", ["Responsabile Acquisti e Logistica", "Direttore Acquisti e Logistica"]
)
def test_who_buys_and_stores_is_of_procurement_first(title: str) -> None:
    said = classify(title)
    assert (said.function, said.function_alternatives) == ("procurement", ("operations",))
