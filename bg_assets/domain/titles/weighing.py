"""How the phrases found in a title are weighed against one another: which tells what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bg_assets.domain.titles import languages, misspellings
from bg_assets.domain.titles.cleaning import Section, sections
from bg_assets.domain.titles.function import Finding, function_of, function_told_by
from bg_assets.domain.titles.hits import Hit, Parsed
from bg_assets.domain.titles.lexicon import SILENT, Lexicon, shipped
from bg_assets.domain.titles.offices import STRONG, Held, held, telling
from bg_assets.domain.titles.parsing import parse
from bg_assets.domain.titles.phrases import Phrase

CACHED = 1 << 17


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as read, before the department is heard. spoken: as it was read with."""

    text: str
    spoken: tuple[str, ...]
    function: Finding | None
    level: Finding | None
    left: bool
    joined: bool  # several things are named, joined by a sign
    why_not: str  # no-evidence, garbage-only or non-english
    words: tuple[str, ...]  # folded, without those that say nothing of what somebody does
    abroad: bool  # it has words of another language than English
    firmly: frozenset[str]  # functions that whole titles or phrases tell, of several that do
    served: frozenset[str]  # the functions of whom somebody assists
    stacked: bool  # it names several offices, of which one tells the function
    unknown: bool  # what tells anything has words of which the lexicon knows nothing


@lru_cache(maxsize=CACHED)
def read(text: str, spoken: tuple[str, ...] = ()) -> Reading:
    """A text, a title or the name of a department, read with the shipped lexicon.

    spoken: the languages of the company or file, for words that mean several things.
    """
    lexicon = shipped()
    parts = sections(text)
    told = languages.in_doubt(text, parts, spoken, lexicon.meanings.ambiguous)
    parsed = [parse(section, lexicon, told) for section in parts]
    parsed, misspelt = misspellings.mended(parts, parsed, told)
    current = [_own(p.hits) for p in parsed]
    left = _left(parsed, current)
    if not any(current) and any(p.past for p in parsed):
        current = [p.past for p in parsed]
    plain = [hits for hits, p in zip(current, parsed, strict=True) if hits and not p.weak]
    weak = [hits for hits, p in zip(current, parsed, strict=True) if hits and p.weak]
    office = held(plain, lexicon)
    level = office.finding if office else None
    function = _function(plain, office, lexicon)
    if level is None:
        below = (held([hits], lexicon) for hits in weak)
        level = _in_bracket(_first(o.finding if o else None for o in below))
    if misspelt is not None:
        level, function = _as_misspelt(level, misspelt), _as_misspelt(function, misspelt)
    if function is None or function.rule in ("weak", "general"):
        within = [f for hits in weak if (f := function_of(hits)) is not None]
        firm = [f for f in within if f.rule not in ("weak", "general")]
        bracket = _first(firm if function else within)
        function = _in_bracket(bracket) or function
    return Reading(
        text=text,
        spoken=spoken,
        function=function,
        level=level,
        left=left,
        joined=any(p.joined for p in parsed),
        why_not=_why_not(parsed),
        words=_words(parts, parsed, lexicon),
        abroad=any(p.abroad or p.foreign for p in parsed),
        firmly=_firmly(current),
        served=_served(parsed),
        stacked=office is not None and len(office.part) < len(plain[office.section]),
        unknown=any(p.unknown for p in [one for one in parsed if one.hits or one.past] or parsed),
    )


def _left(parsed: Sequence[Parsed], current: Sequence[list[Hit]]) -> bool:
    """Whether the title says that the person left, or that nobody holds it."""
    if any(p.gone and not p.weak for p in parsed):
        return True
    here = sum(bool(hits) for hits, p in zip(current, parsed, strict=True) if not p.weak)
    if any(p.gone for p in parsed):
        # Of `CFO | Colonel (retired)` a bracket doesn't tell which of them is over.
        return here < 2
    return not any(current) and any(p.past or p.retired for p in parsed)


def _function(plain: Sequence[list[Hit]], office: Held | None, lexicon: Lexicon) -> Finding | None:
    """The function of the office held; where its own part tells none, of its section or another."""
    if office is None:
        return _first(function_of(hits) for hits in plain)
    told = function_of(telling(office.part, office.finding, lexicon))
    if told is not None and told.rule != "general":
        return told
    whole = len(office.part) == len(plain[office.section])
    if whole and (told is not None or len(plain) == 1):
        return told
    beside = [telling(hits, office.finding, lexicon) for hits in plain]
    return _first(function_of(hits) for hits in (beside[office.section], *beside))


def _words(parts: Sequence[Section], parsed: Sequence[Parsed], lexicon: Lexicon) -> tuple[str, ...]:
    """The words that may tell what somebody does: of the sections that say anything, if any do."""
    telling = [part for part, p in zip(parts, parsed, strict=True) if p.hits or p.past] or parts
    words: list[str] = []
    for part in telling:
        silent = _silent(part.tokens, lexicon)
        words += [w for at, w in enumerate(part.tokens) if at not in silent and w != "and"]
    return tuple(words)


def _silent(tokens: Sequence[str], lexicon: Lexicon) -> set[int]:
    if lexicon.silent.isdisjoint(tokens):
        return set()
    found = [(at, p) for at, p in lexicon.meanings.find(tokens) if p.kind in SILENT]
    return {place for at, p in found for place in range(at, at + len(p.words))}


def _firmly(hits_by_section: Sequence[Sequence[Hit]]) -> frozenset[str]:
    told = [h for hits in hits_by_section for h in hits if h.phrase.functions]
    if len(told) < 2:
        # Nearly all titles: nothing stands beside what they tell.
        return frozenset()
    firm = [f for f in map(function_told_by, told) if f.rule in ("title", "phrase")]
    return frozenset(value for f in firm for value in f.values)


def _served(parsed: Sequence[Parsed]) -> frozenset[str]:
    others: list[Hit] = []
    for p in parsed:
        own = _own(p.hits)
        if len(own) < len(p.hits):
            others += [hit for hit in p.hits if hit not in own]
    return frozenset(value for hit in others for value in hit.phrase.functions)


def _own(hits: list[Hit]) -> list[Hit]:
    """Without the titles of whom an assistant serves: `Assistentin des CFO`, `Ass. Direktion`."""
    first = next((h for h in hits if h.levels), None)
    if first is None or first.levels[0] != "assistant":
        return hits
    return [
        h
        for h in hits
        if not (h.levels and h.levels[0] in STRONG)
        or not (h.linked or (h.run == first.run and h.phrase.language != "en"))
    ]


def _in_bracket(found: Finding | None) -> Finding | None:
    return found and Finding(found.values, "bracket", found.phrase)


def _as_misspelt(found: Finding | None, phrase: Phrase) -> Finding | None:
    """A finding that rests on a misspelt phrase, as such."""
    if found is None or found.phrase != " ".join(phrase.words):
        return found
    return Finding(found.values, "misspelt", found.phrase)


def _first(found: Iterable[Finding | None]) -> Finding | None:
    return next((f for f in found if f is not None), None)


def _why_not(parsed: Sequence[Parsed]) -> str:
    if any(p.foreign or (p.abroad and p.unknown) for p in parsed):
        return "non-english"
    if any(p.unknown or p.hits or p.past or p.gone for p in parsed):
        return "no-evidence"
    return "garbage-only"
