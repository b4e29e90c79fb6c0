"""Words made of others: German, Dutch and Nordic compounds, feminines, plurals, a prefix ex-.

A compound is what its last part is: `Krankenhausgeschäftsführer` runs something, whatever that is.
"""

from bg_assets.domain.titles.lexicon import Lexicon

_SHORTEST_START = 3
# What joins the parts of a compound, the longest first.
_JOINTS = ("en", "s")
# Of words shorter than this the beginning does not tell what the rest is about.
_TELLING_START = 5
_ROMANCE = frozenset(("es", "fr", "it", "pt"))
# Ends of a plural and what stands there in the singular: directores, segretarie, secretarios.
_PLURALS = (
    ("ores", "or"),
    ("tori", "tore"),
    ("trici", "trice"),
    ("arie", "aria"),
    ("ari", "ario"),
    ("enti", "ente"),
    ("anti", "ante"),
    ("s", ""),
)
# What the first part means where it only says that there is a part of a company.
_UNIT = ("bereich",)


def derived(word: str, lexicon: Lexicon, *, leads: bool) -> tuple[str, ...]:
    """The words that an unknown one is made of; empty where it is made of none that are known.

    leads: the title, or what is joined to it, begins with the word; a plural further on is of
    others (`comunidades de propietarios`).
    """
    parts = compound(word, lexicon)
    if parts:
        return parts
    if word.endswith("in") and len(word) > 6:
        man = word[:-2]
        parts = (man,) if lexicon.meanings.knows(man) else compound(man, lexicon)
        if parts:
            return parts
    if word.startswith("ex") and word[2:] in lexicon.people:
        return ("ex", word[2:])
    return _of_an_office(word, lexicon) or (_singular(word, lexicon) if leads else ())


def compound(word: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The meaning of a compound word when both its parts are known and nothing is left over."""
    if word[-3:] not in lexicon.last_letters:
        return ()
    for cut in range(3, len(word) - 2):
        rest = word[cut:]
        end = lexicon.ends.get(rest) or ((rest,) if rest in lexicon.heads else None)
        if end is None:
            continue
        start = word[:cut]
        for stem in (start, start.removesuffix("s"), start.removesuffix("en")):
            meaning = lexicon.starts.get(stem)
            if meaning is not None:
                return (*meaning, *end)
    return ()


def _of_an_office(word: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The first part of a compound as it stands, or its meaning, and what the last part means.

    Only the ends that the lexicon lists may follow what it does not know, and the longest that fits
    decides: a `Begleiter` is no Leiter.
    """
    if word[-3:] not in lexicon.last_letters:
        return ()
    for cut in range(len(word) - 3):
        meaning = lexicon.open_ends.get(word[cut:])
        if meaning is None:
            continue
        if not meaning or cut < _SHORTEST_START:
            return ()
        return (*_start(word[:cut], lexicon), *meaning)
    return ()


def _start(start: str, lexicon: Lexicon) -> tuple[str, ...]:
    stems = (start, *(start.removesuffix(joint) for joint in _JOINTS if start.endswith(joint)))
    for stem in stems:
        if len(stem) > _SHORTEST_START and lexicon.meanings.knows_alone(stem):
            return (stem,)
    # What stands nearest to the head says most: Großkundenvertriebs-.
    parts = [start[cut:] for cut in range(1, len(start) - _SHORTEST_START)]
    parts += [start[:cut] for cut in range(len(start) - 1, _TELLING_START - 1, -1)]
    meanings = [lexicon.starts[part] for part in parts if part in lexicon.starts]
    return next((m for m in meanings if m != _UNIT), (start,))


def _singular(word: str, lexicon: Lexicon) -> tuple[str, ...]:
    for end, instead in _PLURALS:
        one = word.removesuffix(end) + instead
        if word.endswith(end) and lexicon.people.get(one) in _ROMANCE:
            return (one,)
    return ()
