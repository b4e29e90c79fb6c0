"""How people and spreadsheets write what they don't know, and whether somebody is still there."""

import re

# As it is written instead of an empty cell, in small letters. NULL is no such word: it is a name.
_NOTHING = """
    n/a n.a. n.a #n/a n/d n.d. n.d - -- --- – — . ? unknown none (none) (blank) (unknown)
    #null! #div/0! #value! #ref! #name? #num! #spill! #calc! #getting_data
    unbekannt k.a. k.a inconnu desconocido sconosciuto onbekend
"""
_IN_WORDS = ("not available", "not specified", "not known", "keine angabe", "non renseigné")
_UNKNOWN = frozenset((*_NOTHING.split(), *_IN_WORDS))
_LONGEST = max(map(len, _UNKNOWN))
# As a spreadsheet shows a number of more digits than a cell has room for: 1.23457E+17.
_SHORTENED = re.compile(r"-?[0-9](?:[.,][0-9]+)?E\+[0-9]{2,3}", re.IGNORECASE)

_ACTIVE = """
    active yes y true t 1 current currently present employed on aktiv ja actif oui activo sí si
    attivo sì actief aktywny
"""
_LEFT = """
    left no n false f 0 former inactive gone ex past previous departed terminated resigned retired
    fired deactivated disabled off inaktiv ehemalig ehemals nein inactif ancien non inactivo
    inattivo inactief nieaktywny
"""
_STATES = {
    **dict.fromkeys(_ACTIVE.split(), "active"),
    **dict.fromkeys(_LEFT.split(), "left"),
    "on leave": "active",
    "no longer there": "left",
    "no longer with company": "left",
}


def is_unknown(text: str) -> bool:
    """Whether a trimmed text is a way to write that nothing is known."""
    return len(text) <= _LONGEST and text.casefold() in _UNKNOWN


def is_shortened(text: str) -> bool:
    """Whether a spreadsheet made a number of an id and left most of its digits out."""
    return "+" in text and _SHORTENED.fullmatch(text) is not None


def status(text: str) -> str | None:
    """``active`` or ``left``, as many systems say it; None where it is not understood."""
    return _STATES.get(" ".join(text.casefold().split()))


def words_of(state: str) -> tuple[str, ...]:
    """How others write that somebody is ``active`` or has ``left``, in small letters."""
    return tuple(word for word, meant in _STATES.items() if meant == state)
