"""How the phrases found in a title are weighed against one another: which tells what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bg_assets.domain.titles import languages, misspellings
from bg_assets.domain.titles.cleaning import Section, sections
from bg_assets.domain.titles.function import Finding, function_of, function_told_by
from bg_assets.domain.titles.lexicon import SILENT, Lexicon, Phrase, shipped
from bg_assets.domain.titles.parsing import Hit, Parsed, parse, runs
from bg_assets.domain.vocabulary import LEVELS

CACHED = 1 << 17
_RANK = {level: len(LEVELS) - at for at, level in enumerate(LEVELS)}
_STRONG = frozenset(LEVELS[: LEVELS.index("senior")])
_MEMBER = frozenset(
    ("member", "mitglied", "membre", "miembro", "membro", "lid", "medlem", "czlonek")
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as read, before the department is heard."""

    function: Finding | None
    level: Finding | None
    left: bool
    joined: bool  # several things are named, joined by a sign
    why_not: str  # no-evidence, garbage-only or non-english
    words: tuple[str, ...]  # folded, without those that say nothing of what somebody does
    abroad: bool  # it has words of another language than English
    firmly: frozenset[str]  # functions that whole titles or phrases tell, of several that do
    served: frozenset[str]  # the functions of whom somebody assists
    unknown: bool  # it has words of which the lexicon knows nothing


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
    left = False
    current = [_own(p.hits) for p in parsed]
    if any(p.gone for p in parsed):
        left = True
    elif not any(current) and any(p.past for p in parsed):
        left = True
        current = [p.past for p in parsed]
    plain = [hits for hits, p in zip(current, parsed, strict=True) if hits and not p.weak]
    weak = [hits for hits, p in zip(current, parsed, strict=True) if hits and p.weak]
    main, level = _main(plain, lexicon)
    function = _first(function_of(hits) for hits in ([main] if main else []) + plain)
    higher = _promotion(main, level, plain) if main and level else None
    if higher is not None:
        level = _found(higher)
        function = function_told_by(higher) if higher.phrase.functions else function
    if level is None:
        level = _in_bracket(_first(_level(hits) for hits in weak))
    if misspelt is not None:
        level, function = _as_misspelt(level, misspelt), _as_misspelt(function, misspelt)
    if function is None or function.rule in ("weak", "general"):
        within = [f for hits in weak if (f := function_of(hits)) is not None]
        firm = [f for f in within if f.rule not in ("weak", "general")]
        bracket = _first(firm if function else within)
        function = _in_bracket(bracket) or function
    return Reading(
        function=function,
        level=level,
        left=left,
        joined=any(p.joined for p in parsed),
        why_not=_why_not(parsed),
        words=_words(parts, parsed, lexicon),
        abroad=any(p.abroad or p.foreign for p in parsed),
        firmly=_firmly(current),
        served=_served(parsed),
        unknown=any(p.unknown for p in parsed),
    )


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
        if not (h.levels and h.levels[0] in _STRONG)
        or not (h.linked or (h.run == first.run and h.phrase.language != "en"))
    ]


def _main(plain: Sequence[list[Hit]], lexicon: Lexicon) -> tuple[list[Hit] | None, Finding | None]:
    """The section that tells the level, with it; a seat on a board only where nothing else does."""
    read_ = [(hits, _level(hits)) for hits in plain]
    levelled = [(hits, level) for hits, level in read_ if level is not None]
    if not levelled:
        return None, None
    working = [(h, lv) for h, lv in levelled if lv.phrase not in lexicon.boards]
    return (working or levelled)[0]


def _promotion(main: Sequence[Hit], level: Finding, plain: Sequence[list[Hit]]) -> Hit | None:
    """A higher title beside the one of the main section: `CTO & Co-Founder` is an owner.

    After a joining sign or in another section any owner or chief officer counts; after a comma
    only one beside another chief officer, since `Assistant, CEO` is none.
    """
    if level.values[0] not in _STRONG:
        return None
    rank = _RANK[level.values[0]]
    first = next(h for h in main if h.levels or h.kind == "grade")
    best: Hit | None = None
    for hits in plain:
        for hit in hits:
            if hit.kind != "title" or len(hit.levels) != 1 or _RANK[hit.levels[0]] <= rank:
                continue
            if hit.levels[0] not in ("owner", "c_level"):
                continue
            beside = level.values[0] in ("owner", "c_level") and not hit.linked
            apart = hits is not main or hit.unit != first.unit
            if apart or (beside and hit.run != first.run):
                best, rank = hit, _RANK[hit.levels[0]]
    return best


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
        if strong and not (soft is not None and run[0].linked and _serves(soft)):
            last = strong[-1]
            helper = _helper(last, ranked)
            return _found(helper or last)
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


def _helper(holder: Hit, run: Sequence[Hit]) -> Hit | None:
    """Who works for the holder of the title before: `VP Assistant`, `CFO Advisor`."""
    after = next((h for h in run if h.at == holder.at + len(holder.phrase.words)), None)
    if after is None:
        return None
    officer = holder.levels[0] == "c_level" and holder.kind == "title"
    return after if after.levels[0] == "assistant" or officer else None


def _serves(soft: Hit) -> bool:
    """Whether a strong title after of or for is somebody else's: not after `member of`."""
    return soft.phrase.words[0] not in _MEMBER


def _graded(hits: Sequence[Hit]) -> Finding | None:
    """A level from senior, lead or junior alone, where no word of rank stands."""
    for hit in hits:
        if hit.kind == "grade":
            levels = {
                "senior": ("senior",),
                "lead": ("senior", "manager"),
                "junior": ("staff",),
                "chief": ("head", "director"),
            }[hit.phrase.value]
            return Finding(levels, "grade", " ".join(hit.phrase.words))
    return None


def _found(hit: Hit) -> Finding:
    rule = "title" if hit.kind == "title" or len(hit.phrase.words) > 1 else "word"
    return Finding(hit.levels, rule, " ".join(hit.phrase.words))


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
