"""A word counts in its own language: told by the title, else by the country, else by the file."""

import pytest

from bg_assets.domain.titles import languages, verdict
from bg_assets.domain.titles.lexicon import shipped
from bg_assets.domain.titles.verdict import classify
from bg_assets.domain.vocabulary import FUNCTIONS

NOT_OF_THIS_LANGUAGE: list[tuple[str, str | None, str | None]] = [
    # Danish leder, French RAF and SI, Italian dei and ai, German am, Swedish på, French CAO.
    ("Laborantin Leder", "research", "staff"),
    ("Fachverkäufer Leder und Textilien", "sales", "staff"),
    ("Commandant RAF College", None, "director"),
    ("addetto ai forni", None, "staff"),
    ("Richter am Amtsgericht", None, "staff"),
    ("Ansvarig på kontor", None, "manager"),
    ("operatore alle presse", None, "staff"),
    ("comerciante al por mayor de flores", None, None),
    ("coupeur CAO textile", None, None),
    ("opérateur CAO", None, "staff"),
    ("chauffør til transport af dyr", None, "staff"),
    ("technik odmrazovacích zařízení", None, "staff"),
    ("Chef de gare", None, "manager"),
]
ITS_OWN: list[tuple[str, str | None, str | None]] = [
    ("Leder af salg", "sales", "manager"),
    ("Responsable SI", "it", "manager"),
    ("Directeur SI et fondateur", "executive", "owner"),
    # In Polish and Czech, as in French, what somebody does stands before what it is done for.
    ("specjalista ds. zakupów IT", "procurement", "staff"),
    ("inżynier przedsprzedaży technologii informatycznych", "sales", "staff"),
    ("vedoucí nákupu IT", "procurement", "head"),
    ("Executive Chef", "operations", "staff"),
    ("PA to the CEO", "administration", "assistant"),
    ("CAO", "executive", "c_level"),
    ("Mayor", "executive", "c_level"),
    ("Head of AI", "data", "head"),
    ("DEI Manager", "hr", "manager"),
]


@pytest.mark.parametrize(("title", "function", "level"), NOT_OF_THIS_LANGUAGE)
def test_a_word_of_another_language_does_not_count(
    title: str, function: str | None, level: str | None
) -> None:
    said = classify(title)
    assert said.level == level, said.reasons
    assert function is None or said.function == function, said.reasons
    silent = {"raf", "si", "dei", "ai", "am", "pa", "cao", "presse", "mayor", "dyr", "gare"}
    quoted = {one.split("'")[1] for one in said.reasons if one.count("'") > 1}
    assert quoted.isdisjoint(silent), said.reasons


@pytest.mark.parametrize(("title", "function", "level"), ITS_OWN)
def test_in_its_own_language_it_does(title: str, function: str | None, level: str | None) -> None:
    said = classify(title)
    assert (said.function, said.level) == (function, level), said.reasons


GOODS_AND_STAFF: list[tuple[str, str | None, str | None]] = [
    ("Gérant de portefeuille", "finance", "staff"),
    ("Gérante de fonds", "finance", "staff"),
    ("gestore di fondi", "finance", "staff"),
    ("Gérant de société", "executive", "owner"),
    ("Personale di guardia", None, None),
    ("Responsabile del personale", "hr", "manager"),
    ("transportista de productos químicos", None, "staff"),
    ("operador de produtos lácteos", None, "staff"),
    ("Director de productos", "product", "director"),
    ("Gestora de produtos", "product", "manager"),
    ("Head of Library Collections", None, "head"),
    ("Leiterin Ausbildung", "hr", "head"),
    ("Kaufmann in Ausbildung", None, "intern"),
    ("generální ředitel", "executive", "c_level"),
    ("finanční ředitelka", "finance", "director"),
    ("vedoucí nákupu", "procurement", "head"),
    ("Qualitätsingenieur", "engineering", "staff"),
    ("Vertriebsingenieur", "sales", "staff"),
]


@pytest.mark.parametrize(("title", "function", "level"), GOODS_AND_STAFF)
def test_a_word_for_goods_staff_or_a_fund_is_not_taken_for_an_office(
    title: str, function: str | None, level: str | None
) -> None:
    said = classify(title)
    assert said.level == level, said.reasons
    if function is None:
        assert said.function not in ("product", "hr", "finance"), said.reasons
    else:
        assert said.function == function, said.reasons


def test_what_the_title_does_not_tell_the_country_does() -> None:
    danish, german = languages.spoken_in("Denmark"), languages.spoken_in("DE")
    assert classify("Leder", None, danish).level == "manager"
    assert classify("Leder", None, german).level is None
    assert classify("Chef", None, languages.spoken_in("Sverige")).function is None
    assert classify("Chef", None, languages.spoken_in("GB")).function == "operations"
    # Its own words are heard first.
    assert classify("Fachverkäufer Leder und Textilien", None, danish).level == "staff"


def test_in_a_country_of_several_languages_the_title_chooses_between_them() -> None:
    swiss = languages.spoken_in("Switzerland")
    assert len(swiss) > 1
    told = languages.of("Leiter der Buchhaltung", swiss)
    assert told is not None
    assert told.language == "de"
    told = languages.of("Responsable de la comptabilité", swiss)
    assert told is not None
    assert told.language == "fr"


def test_a_file_speaks_the_language_of_most_of_its_titles() -> None:
    danish = ["Regnskabschef", "Lagermedarbejder på nattevagt", "Indkøber", "CFO", None]
    danish += ["Sælger af landbrugsmaskiner", "Udviklingschef", "Økonomimedarbejder"]
    assert languages.of_many(danish) == ("da",)
    assert languages.of_many(danish[:2]) == ()
    assert languages.of_many([]) == ()
    assert languages.of_company("Norge", danish) == ("no",)
    assert languages.of_company("Atlantis", danish) == ("da",)


def test_who_speaks_what_is_of_the_languages_that_are_known() -> None:
    for language in {one for spoken in languages._SPOKEN.values() for one in spoken}:
        assert language in languages.LANGUAGES
    assert languages.spoken_in(None) == languages.spoken_in("Japan") == ()


def test_of_the_meanings_of_a_phrase_one_is_said_for_each_language() -> None:
    assert {"leder", "si", "chef"} <= shipped().meanings.ambiguous
    for word in sorted(shipped().meanings.ambiguous):
        said = classify(f"{word} xyzzy")
        assert said.function is None or said.function in FUNCTIONS


def test_the_version_follows_what_tells_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    now = verdict.version()
    monkeypatch.setattr(languages, "digest", lambda: "another")
    assert verdict.version.__wrapped__() != now
