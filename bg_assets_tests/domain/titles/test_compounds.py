"""Compounds are read by their head, whatever their first part is; feminines and plurals too."""

import pytest

from bg_assets.domain.titles.verdict import classify

# The first part of none of these is in the lexicon, or tells no function.
BY_THEIR_HEAD: list[tuple[str, str | None, tuple[str, ...]]] = [
    ("Unternehmensinhaber", "executive", ("owner",)),
    ("Apothekeninhaberin", "executive", ("owner",)),
    ("Krankenhausgeschäftsführer", "executive", ("c_level",)),
    ("Stadtwerkegeschäftsführerin", "executive", ("c_level",)),
    ("Alleinvorstand", "executive", ("c_level",)),
    ("Vorsitzender", "executive", ("owner",)),
    ("Vereinsvorsitzende", "executive", ("owner",)),
    ("Bestuurslid", "executive", ("owner",)),
    ("Segmentleiter", None, ("head",)),
    ("Segmentsleiterin (m/w/d)", None, ("head",)),
    ("Prüfungsleiter", "finance", ("head",)),
    ("Gruppenleitung", None, ("manager",)),
    ("Teamlead", None, ("manager",)),
    ("Verkaufsleiter", "sales", ("head",)),
    ("Sparkassendirektorin", None, ("director",)),
    ("Großkundenvertriebsleiter", "sales", ("head",)),
    ("Autoverkäufer", "sales", ("staff",)),
    ("Teppichverkäuferin", "sales", ("staff",)),
    ("Mobilitätsberater", None, ("staff",)),
    ("Schiffsmakler", "sales", ("staff",)),
    ("zorgdirecteur", None, ("director",)),
    ("museumdirectrice", None, ("director",)),
    ("keukenverkoper", "sales", ("staff",)),
    ("pensioenadviseur", None, ("staff",)),
    ("miljöansvarig", None, ("manager",)),
    ("fastighetsmäklare", "sales", ("staff",)),
    ("bilsäljare", "sales", ("staff",)),
    ("museumsdirektør", None, ("director",)),
    ("båtselger", "sales", ("staff",)),
    ("hotellsjef", "operations", ("head", "manager")),
]


@pytest.mark.parametrize(("title", "function", "levels"), BY_THEIR_HEAD)
def test_a_compound_is_what_its_last_part_is(
    title: str, function: str | None, levels: tuple[str, ...]
) -> None:
    said = classify(title)
    assert said.level in levels, said.reasons
    assert function is None or said.function == function, said.reasons


@pytest.mark.parametrize(
    "title",
    [
        "Reisebegleiter",
        "Halbleitertechniker",
        "Praxisanleiterin",
        "Wasserleitungsbauer",
        "reisbegeleider",
        "meubelbekleder",
        "sygeplejer",
    ],
)
def test_what_only_ends_like_an_office_is_none(title: str) -> None:
    assert classify(title).level in (None, "staff")


@pytest.mark.parametrize(
    "title",
    [
        "Segmentleiter:in",
        "Segmentleiter*in",
        "Segmentleiter/in",
        "Segmentleiter/-in",
        "Segmentleiter(in)",
        "SegmentleiterIn",
        "Segmentleiter_in",
        "Segmentleiter (m/w/d)",
        "Segmentleiter / Segmentleiterin",
        "Segmentleiterin (w/m/x)",
    ],
)
def test_both_genders_are_one_office(title: str) -> None:
    assert classify(title).level == "head"


@pytest.mark.parametrize(
    "title",
    [
        "Secretarios de dirección",
        "Asistentes de dirección",
        "Secretaria de dirección",
        "Assistantes de direction",
        "segretarie di direzione",
        "Assistentin der Geschäftsführung",
        "Vorstandsassistentin",
        "directieassistente",
        "direktørassistent",
        "VD-assistent",
        "Asystentka dyrektora",
        "asistentka ředitele",
        "Assistente do presidente",
        "secrétaire du directeur général",
    ],
)
def test_who_assists_an_office_does_not_hold_it(title: str) -> None:
    assert classify(title).level == "assistant", classify(title).reasons


def test_of_two_parts_the_one_beside_the_head_tells_the_function() -> None:
    assert classify("Auslandsvertriebsleiter").function == "sales"
    assert classify("Vertriebsregionsleiter").function == "sales"
