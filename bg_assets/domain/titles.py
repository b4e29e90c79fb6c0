"""From a job title to function, level and whether the person still has it, each with a reason.

Whole words only, the longest phrase first; what the phrases mean stands in lexicon.csv.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bg_assets.domain import calibration
from bg_assets.domain.cleaning import sections
from bg_assets.domain.lexicon import Lexicon, shipped
from bg_assets.domain.parsing import Hit, Parsed, parse, runs
from bg_assets.domain.vocabulary import LEVELS, in_words

_RANK: Final = {level: len(LEVELS) - at for at, level in enumerate(LEVELS)}
_STRONG: Final = frozenset(LEVELS[: LEVELS.index("senior")])
_CACHED: Final = 1 << 17
_ROMANCE: Final = frozenset(("fr", "es", "it", "pt"))


@dataclass(frozen=True, slots=True)
class TitleVerdict:
    """What a title says.

    function, level: words of the vocabulary, None when unknown. confidence: 0 to 1, the share of
    verdicts reached in this way that are right (calibration.py); 0 when nothing is known. reasons:
    an abstention first, then the phrases that matched; never a name. left: the title itself says
    that the person no longer holds it.
    """

    function: str | None
    level: str | None
    confidence: float
    reasons: tuple[str, ...]
    function_alternatives: tuple[str, ...] = ()
    level_alternatives: tuple[str, ...] = ()
    left: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One field as found: the values, best first, the kind of rule, and the phrase it rests on."""

    values: tuple[str, ...]
    rule: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as read, before the department is heard."""

    function: Finding | None
    level: Finding | None
    left: bool
    why_not: str  # no-evidence, garbage-only or non-english


@lru_cache(maxsize=_CACHED)
def classify(title: str | None, department: str | None = None) -> TitleVerdict:
    """The verdict on a title; a department is evidence for the function. Never raises.

    An unknown field has a reason that starts with `no-evidence`, `garbage-only` or `non-english`.
    """
    reading = read(title or "")
    unit = read(department or "").function
    told = reading.function
    perhaps = told.values[1:] if told is not None and told.values[0] == "-" else ()
    function, reasons, factor = _weighed(None if perhaps else told, unit)
    level = reading.level
    missing = [f"{reading.why_not}: no {name} in the title" for name, found in
               (("function", function), ("level", level)) if found is None]
    if level is not None:
        reasons.append(f"level {level.values[0]}: {level.phrase!r}")
        if level.values[1:]:
            reasons.append(f"level could be {' or '.join(level.values[1:])}")
    if reading.left:
        reasons.append("left: the title says that this is over")
    return TitleVerdict(
        function=function.values[0] if function else None,
        level=level.values[0] if level else None,
        confidence=_confidence(function, level, factor),
        reasons=(*missing, *reasons),
        function_alternatives=function.values[1:] if function else perhaps,
        level_alternatives=level.values[1:] if level else (),
        left=reading.left,
    )


@lru_cache(maxsize=_CACHED)
def read(text: str) -> Reading:
    """A text, a title or the name of a department, read with the shipped lexicon."""
    lexicon = shipped()
    cased = any(c.isupper() for c in text)
    parsed = [parse(section, lexicon, cased=cased) for section in sections(text)]
    left = False
    current = [p.hits for p in parsed]
    if any(p.gone for p in parsed):
        left = True
    elif not any(current) and any(p.past for p in parsed):
        left = True
        current = [p.past for p in parsed]
    plain = [hits for hits, p in zip(current, parsed, strict=True) if hits and not p.weak]
    weak = [hits for hits, p in zip(current, parsed, strict=True) if hits and p.weak]
    main, level = _main(plain, lexicon)
    function = _first(_function(hits) for hits in ([main] if main else []) + plain)
    if level is not None and level.rule == "promoted":
        level, function = Finding(level.values, "title", level.phrase), _lifted(level, function)
    if level is None:
        level = _in_bracket(_first(_level(hits) for hits in weak))
    if function is None:
        function = _in_bracket(_first(_function(hits) for hits in weak))
    return Reading(function, level, left, _why_not(parsed))


def _weighed(
    title: Finding | None, unit: Finding | None
) -> tuple[Finding | None, list[str], float]:
    """Title and department heard together: the finding, the reasons, the factor on confidence."""
    if unit is not None and (len(unit.values) > 1 or unit.values[0] in _NO_UNIT):
        unit = None if title is None or not set(title.values) & set(unit.values) else unit
    if title is None:
        if unit is None:
            return None, [], 1.0
        found = Finding(unit.values, "department", unit.phrase)
        said = f"function {unit.values[0]}: the department says {unit.phrase!r}"
        return found, [said], 1.0
    reasons = [f"function {title.values[0]}: {title.phrase!r}"]
    factor = 1.0
    if unit is not None and title.values[0] != "executive":
        title, factor, said = _compared(title, unit)
        reasons = [f"function {title.values[0]}: {title.phrase!r}", said]
    if title.values[1:]:
        others = " or ".join(in_words(f) for f in title.values[1:])
        reasons.append(f"function could be {others}")
    return title, reasons, factor


_NO_UNIT: Final = frozenset(("executive", "administration"))


def _compared(title: Finding, unit: Finding) -> tuple[Finding, float, str]:
    for value in title.values:
        if value in unit.values:
            others = () if len(title.values) == 1 else tuple(v for v in title.values if v != value)
            found = Finding((value, *others), title.rule, title.phrase)
            return found, 1.0 + calibration.AGREES, "the department agrees"
    if title.rule == "weak":
        found = Finding((unit.values[0], title.values[0]), "department", unit.phrase)
        return found, 1.0, f"the department is more precise than {title.phrase!r}"
    found = Finding((*title.values, unit.values[0]), title.rule, title.phrase)
    said = f"the department says {in_words(unit.values[0])}: contradiction"
    return found, calibration.CONTRADICTS, said


def _confidence(function: Finding | None, level: Finding | None, factor: float) -> float:
    """The product over the fields that are answered."""
    if function is None and level is None:
        return 0.0
    share = 1.0
    if function is not None:
        rule = "fork" if len(function.values) > 1 and function.rule in _FIRM else function.rule
        share = calibration.FUNCTION[rule]
        share = share * factor if factor <= 1 else 1 - (1 - share) * (2 - factor)
    if level is not None:
        share *= calibration.LEVEL["fork" if level.values[1:] else level.rule]
    return round(share, 3)


_FIRM: Final = frozenset(("title", "phrase", "word"))


def _main(plain: Sequence[list[Hit]], lexicon: Lexicon) -> tuple[list[Hit] | None, Finding | None]:
    """The section that tells the level, with it; a seat on a board only where nothing else does."""
    read_ = [(hits, _level(hits)) for hits in plain]
    levelled = [(hits, level) for hits, level in read_ if level is not None]
    if not levelled:
        return None, None
    working = [(h, lv) for h, lv in levelled if lv.phrase not in lexicon.boards]
    hits, level = (working or levelled)[0]
    higher = _promotion(hits, level, [h for other in plain for h in other if other is not hits])
    return hits, higher or level


def _promotion(hits: Sequence[Hit], level: Finding, others: Sequence[Hit]) -> Finding | None:
    """A higher title beside the first one: `CTO & Co-Founder` is an owner."""
    if level.values[0] not in _STRONG:
        return None
    rank = _RANK[level.values[0]]
    top = level.values[0] in ("owner", "c_level")
    first = next(h for h in hits if " ".join(h.phrase.words) == level.phrase or h.levels)
    best: Hit | None = None
    for hit in (*hits, *others):
        if hit.kind != "title" or not hit.levels or hit.levels[0] not in ("owner", "c_level"):
            continue
        apart = hit in others or hit.unit != first.unit
        if not (apart or (hit.run != first.run and not hit.linked and top)):
            continue
        if len(hit.levels) == 1 and _RANK[hit.levels[0]] > rank:
            best, rank = hit, _RANK[hit.levels[0]]
    if best is None:
        return None
    return Finding(best.levels, "promoted", " ".join(best.phrase.words))


def _lifted(level: Finding, function: Finding | None) -> Finding | None:
    (_, phrase), *_ = shipped().meanings.find(level.phrase.split()) or [(0, None)]
    if phrase is None or not phrase.functions:
        return function
    return Finding(phrase.functions, "title", level.phrase)


def _level(hits: Sequence[Hit]) -> Finding | None:
    """The level of a section: its first run with a title of rank, there the last one."""
    units: dict[int, list[Hit]] = {}
    for hit in hits:
        units.setdefault(hit.unit, []).append(hit)
    return _first(_level_of_unit(unit) for unit in units.values()) or _graded(hits)


def _level_of_unit(unit: Sequence[Hit]) -> Finding | None:
    grades = {h.phrase.value for h in unit if h.kind == "grade"}
    soft: Hit | None = None
    for run in runs(unit):
        ranked = [h for h in run if h.levels]
        interns = [h for h in ranked if h.levels[0] == "intern"]
        if interns and (ranked[-1] in interns or ranked[0] in interns):
            return _found(interns[0])
        strong = [h for h in ranked if h.levels[0] in _STRONG]
        if strong:
            last = strong[-1]
            after = [h for h in ranked if h.at == last.at + len(last.phrase.words)]
            if after and after[0].levels[0] == "assistant":
                return _found(after[0])
            return _found(last)
        if ranked and soft is None:
            soft = ranked[-1]
    if soft is None:
        return None
    if "chief" in grades:
        officer = soft.phrase.words[-1] == "officer"
        return Finding(("c_level",) if officer else ("head", "director"), "word", "chief")
    if soft.levels[0] == "staff" and grades & {"senior", "lead"}:
        return Finding(("senior",), "word", sorted(grades & {"senior", "lead"})[-1])
    return _found(soft)


def _graded(hits: Sequence[Hit]) -> Finding | None:
    """A level from senior, lead or junior alone, where no word of rank stands."""
    for hit in hits:
        if hit.kind == "grade":
            levels = {
                "senior": ("senior",),
                "lead": ("manager", "senior"),
                "junior": ("staff",),
                "chief": ("head", "director"),
            }[hit.phrase.value]
            return Finding(levels, "grade", " ".join(hit.phrase.words))
    return None


def _found(hit: Hit) -> Finding:
    rule = "title" if hit.kind == "title" or len(hit.phrase.words) > 1 else "word"
    return Finding(hit.levels, rule, " ".join(hit.phrase.words))


def _function(hits: Sequence[Hit]) -> Finding | None:
    """The function of a section, from the part with a level where it is joined of several.

    `Sales & Marketing Manager` is a marketing manager; sales stays an alternative.
    """
    parts: dict[int, list[Hit]] = {}
    for hit in hits:
        parts.setdefault(hit.unit, []).append(hit)
    told = [(f, any(h.levels for h in part)) for part in parts.values() if (f := _told(part))]
    if not told:
        return None
    firm = [t for t in told if t[0].rule != "weak"] or told
    best = next((f for f, levelled in firm if levelled), firm[0][0])
    joined = [f.values[0] for f, _ in told if f.rule != "weak" and f.values[0] not in best.values]
    if best.values[0] in ("executive", "-"):
        return best
    return Finding(tuple(dict.fromkeys((*best.values, *joined))), best.rule, best.phrase)


def _told(hits: Sequence[Hit]) -> Finding | None:
    """The function of one part: its first run with a firm one, there the strongest, the last.

    In French, Spanish, Italian and Portuguese the first of a run: their heads come first.
    """
    for least in (2.0, 1.0):
        for run in runs(hits):
            told = [(h, _strength(h)) for h in run]
            told = [(h, s) for h, s in told if s >= least]
            if not told:
                continue
            most = max(s for _, s in told)
            best = [h for h, s in told if s == most]
            romance = any(h.phrase.language in _ROMANCE for h in run)
            return _function_finding(best[0] if romance else best[-1])
    return None


def _strength(hit: Hit) -> float:
    """3 a whole title, 2 a function, 1.5 a general manager (any function is told first), 1 weak."""
    if not hit.phrase.functions:
        return 0.0
    if hit.kind == "weak":
        return 1.0
    if hit.kind != "title":
        return 2.0
    residual = hit.phrase.functions[0] == "executive" and (
        "director" in hit.levels or "manager" in hit.levels
    )
    return 1.5 if residual else 3.0


def _function_finding(hit: Hit) -> Finding:
    rule = hit.kind
    if rule in ("function", "acronym"):
        rule = "phrase" if len(hit.phrase.words) > 1 else "word"
    return Finding(hit.phrase.functions, rule, " ".join(hit.phrase.words))


def _in_bracket(found: Finding | None) -> Finding | None:
    return found and Finding(found.values, "bracket", found.phrase)


def _first(found: Iterable[Finding | None]) -> Finding | None:
    return next((f for f in found if f is not None), None)


def _why_not(parsed: Sequence[Parsed]) -> str:
    if any(p.foreign for p in parsed):
        return "non-english"
    if any(p.unknown or p.hits or p.past or p.gone for p in parsed):
        return "no-evidence"
    return "garbage-only"
