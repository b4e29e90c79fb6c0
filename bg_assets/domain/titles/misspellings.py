"""Words of rank with one letter too many, too few, another or two changed places: `Dircector`.

Looked for only in words that nothing is known of, and heard only where they give a long phrase.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from bg_assets.domain.titles.cleaning import Section
from bg_assets.domain.titles.hits import Parsed
from bg_assets.domain.titles.languages import Told
from bg_assets.domain.titles.lexicon import Lexicon, shipped
from bg_assets.domain.titles.parsing import parse
from bg_assets.domain.titles.phrases import Phrase
from bg_assets.domain.vocabulary import LEVELS

# Letters that a phrase has at least, signs between its words not counted.
LEAST_LETTERS = 8
_LEAST_WORD, _LEAST_MISSPELT = 5, 4
_PART = 3
_RANKS = frozenset(LEVELS[: LEVELS.index("manager") + 1])
# Words of other meanings that are one letter from a word of rank.
_OTHERS = frozenset(
    (
        "autonom", "autonome", "autonomes", "cabine", "chainman", "charwoman", "commissario",
        "directed", "directing",
        "direction", "directions", "directory", "dirigent", "empresarial", "firewoman",
        "fonditore", "fonditrice", "fundidor", "fundidora", "hostel", "hotes", "manage", "managed",
        "ondernemen", "opzichter", "zelfstandig",
    )
)  # fmt: skip


def mended(
    parts: Sequence[Section], parsed: Sequence[Parsed], told: Mapping[str, Told]
) -> tuple[list[Parsed], Phrase | None]:
    """The sections read with one misspelt word of rank put right, and the phrase that gives.

    As they were, and None, where there is none, or where another rank was found than by a part of
    that phrase.
    """
    lexicon = shipped()
    for at, (part, read) in enumerate(zip(parts, parsed, strict=True)):
        if not read.unknown or part.weak:
            continue
        found = _mended(part, read, lexicon, told)
        if found is not None:
            anew, phrase = found
            return [*parsed[:at], anew, *parsed[at + 1 :]], phrase
    return list(parsed), None


def _mended(
    part: Section, read: Parsed, lexicon: Lexicon, told: Mapping[str, Told]
) -> tuple[Parsed, Phrase] | None:
    for at, word in enumerate(part.tokens):
        for right in meant_by(word):
            tokens = (*part.tokens[:at], right, *part.tokens[at + 1 :])
            anew = parse(replace(part, tokens=tokens), lexicon, told)
            phrase = next((h.phrase for h in anew.hits if _is_rank(h.phrase, right)), None)
            others = {w for h in read.hits if h.levels for w in h.phrase.words}
            if phrase is not None and others <= {*phrase.words}:
                return anew, phrase
    return None


def _is_rank(phrase: Phrase, word: str) -> bool:
    """Whether the phrase is long, has the word, and tells a rank from manager on."""
    ranked = bool(phrase.levels) and phrase.levels[0] in _RANKS
    return ranked and word in phrase.words and sum(map(len, phrase.words)) >= LEAST_LETTERS


@lru_cache(maxsize=1 << 15)
def meant_by(word: str) -> tuple[str, ...]:
    """The words of rank that are one slip of the pen from this one; none if it is known itself.

    The first letter is never the wrong one: a resident is no president.
    """
    known, index = _index()
    if len(word) < _LEAST_MISSPELT or word in known or word in _OTHERS:
        return ()
    near = {*index.get((word[0], word[:_PART]), ()), *index.get((word[0], word[-_PART:]), ())}
    return tuple(sorted(one for one in near if _is_one_slip(word, one)))


def _is_one_slip(one: str, other: str) -> bool:
    """Whether a letter was added, left out or replaced, or two neighbours changed places."""
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    if len(longer) - len(shorter) > 1 or longer == shorter:
        return False
    at = 0
    while at < len(shorter) and longer[at] == shorter[at]:
        at += 1
    if len(longer) > len(shorter):
        return longer[at + 1 :] == shorter[at:]
    changed = longer[at + 1 : at + 2] + longer[at] == shorter[at : at + 2]
    return longer[at + 1 :] == shorter[at + 1 :] or (
        changed and longer[at + 2 :] == shorter[at + 2 :]
    )


@lru_cache(maxsize=1)
def _index() -> tuple[frozenset[str], dict[tuple[str, str], tuple[str, ...]]]:
    """All words of the lexicon; words of rank by first letter and either end.

    A single slip leaves one of the two ends as it is, but for one in the middle of a short word.
    """
    phrases = shipped().meanings.phrases()
    known = frozenset(word for phrase in phrases for word in phrase.words)
    ranked = {w for p in phrases for w in p.words if len(w) >= _LEAST_WORD and _is_rank(p, w)}
    index: dict[tuple[str, str], list[str]] = {}
    for word in sorted(ranked):
        for part in {word[:_PART], word[-_PART:]}:
            index.setdefault((word[0], part), []).append(word)
    return known, {key: tuple(words) for key, words in index.items()}
