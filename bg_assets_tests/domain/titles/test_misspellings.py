"""A word of rank with one letter wrong is understood, and trusted less."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.titles import misspellings
from bg_assets.domain.titles.verdict import bases, classify

MEANT: list[tuple[str, str]] = [
    ("Geschäftsfüherer", "Geschäftsführer"),
    ("Managing Dircector", "Managing Director"),
    ("Boad Member", "Board Member"),
    ("Vice Presidnet Sales", "Vice President Sales"),
    ("Depury Director", "Deputy Director"),
    ("Directeru financier", "Directeur financier"),
    ("Reponsable de almacén", "Responsable de almacén"),
    ("Direttorre vendite", "Direttore vendite"),
    ("Bedrijfsleier", "Bedrijfsleider"),
    ("Driector de compras", "Director de compras"),
]


@pytest.mark.parametrize(("written", "meant"), MEANT)
def test_a_slip_of_the_pen_changes_no_answer_and_lowers_the_confidence(
    written: str, meant: str
) -> None:
    said, clean = classify(written), classify(meant)
    assert (said.function, said.level) == (clean.function, clean.level), said.reasons
    assert said.confidence < clean.confidence
    basis = bases(written)[1]
    assert basis is not None
    assert basis.rule == "misspelt"
    assert any(one.endswith(", misspelt") for one in said.reasons)


@pytest.mark.parametrize(
    "title",
    [
        "Resident Engineer",
        "Active Directory Specialist",
        "Charwoman",
        "Chainman",
        "sborový dirigent",
        "fundidor en alto horno",
        "fonditore di metalli preziosi",
        "Headr of",
        "Ceoo",
        "Chif",
        "Manger",
    ],
)
def test_another_word_and_a_short_one_are_no_slip(title: str) -> None:
    basis = bases(title)[1]
    assert basis is None or basis.rule != "misspelt"


def test_where_another_rank_stands_nothing_is_put_right() -> None:
    assert classify("Analyst to the Dircector").level == "staff"
    basis = bases("Web Analyst at Presidnet House")[1]
    assert basis is None or basis.rule != "misspelt"


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=0, max_size=14))
def test_what_is_meant_is_one_slip_away_and_begins_alike(word: str) -> None:
    for meant in misspellings.meant_by(word):
        assert meant[0] == word[0]
        assert abs(len(meant) - len(word)) <= 1
        assert meant != word


def test_every_slip_in_a_word_of_rank_is_found() -> None:
    word = "geschaftsfuhrer"
    for at in range(1, len(word)):
        assert word in misspellings.meant_by(word[:at] + word[at + 1 :]) or at == 0
        assert word in misspellings.meant_by(word[:at] + "z" + word[at:])
        assert word in misspellings.meant_by(word[:at] + "z" + word[at + 1 :])
