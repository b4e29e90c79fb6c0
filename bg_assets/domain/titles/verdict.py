"""From a job title to function, level and whether the person still has it, each with a reason.

Whole words only, the longest phrase first; what the phrases mean stands in lexicon.csv.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bg_assets.domain.titles import calibration, languages, lexicon, likeness, tail
from bg_assets.domain.titles.function import Basis, Finding
from bg_assets.domain.titles.weighing import CACHED, Reading, read
from bg_assets.domain.vocabulary import in_words

# To be raised when these modules read some title in another way than before.
RULES = 6
# A board or a secretariat as a department tells nothing about the function of who sits there.
_NO_UNIT = frozenset(("executive", "administration", "-"))


@dataclass(frozen=True, slots=True)
class TitleVerdict:
    """What a title says.

    function, level: words of the vocabulary, None when unknown. confidence: 0 to 1, the share of
    verdicts reached in this way that are right (calibration.py); 0 when nothing is known. reasons:
    an abstention first, then the phrases that matched; never a name. left: the title itself says
    that the person no longer holds it. by_department: only the department tells the function, which
    is none of those that the title could mean.
    """

    function: str | None
    level: str | None
    confidence: float
    reasons: tuple[str, ...]
    function_alternatives: tuple[str, ...] = ()
    level_alternatives: tuple[str, ...] = ()
    left: bool = False
    by_department: bool = False

    def __hash__(self) -> int:
        # Of all it is the same, and takes thrice as long, for each person of each company.
        return hash((self.function, self.level, self.confidence, self.reasons))


@lru_cache(maxsize=CACHED)
def classify(
    title: str | None, department: str | None = None, spoken: tuple[str, ...] = ()
) -> TitleVerdict:
    """The verdict on a title; a department speaks for a function. Never raises.

    spoken: the languages of the company or file (languages.of_company), heard where a word means
    different things in several. An unknown field has a reason that starts with `no-evidence`,
    `garbage-only` or `non-english`.
    """
    return _classified(title, department, spoken)[0]


@lru_cache(maxsize=1)
def version() -> str:
    """What verdicts depend on beside title and department, as a short text.

    That is the lexicon, what was learned, the measured shares, and these rules; a verdict of
    another version may be another one today.
    """
    shares = {name: value for name, value in vars(calibration).items() if name.isupper()}
    known = f"{lexicon.digest()} {likeness.digest()} {languages.digest()} {shares}".encode()
    return f"{RULES}-{hashlib.sha256(known).hexdigest()[:12]}"


def hear_tail(on: bool) -> None:
    """Whether what was learned is heard beside the lexicon, for the whole process; it is at first.

    Verdicts and the version are others from then on.
    """
    if on != tail.in_use():
        tail.use(on)
        classify.cache_clear()
        version.cache_clear()


def bases(title: str | None, department: str | None = None) -> tuple[Basis | None, Basis | None]:
    """What the function rests on, and the level, None for a field that is not answered."""
    _, function, level = _classified(title, department, ())
    return function, level


def alone(reading: Reading) -> tuple[Finding | None, str]:
    """What the lexicon alone makes of a title's function, and by which kind of rule."""
    found, *_ = _function(reading, None)
    basis = _basis(calibration.FUNCTION, found, "")
    return found, basis.rule if basis else likeness.NOTHING


def _classified(
    title: str | None, department: str | None, spoken: tuple[str, ...]
) -> tuple[TitleVerdict, Basis | None, Basis | None]:
    reading = read(title or "", spoken)
    place = read(department, spoken) if department else None
    function, perhaps, heard, reasons = _function(reading, place)
    # What titles like a stacked one are about is any of its offices.
    told = heard or (reading.stacked and reading.function is not None)
    of_function = _basis(calibration.FUNCTION, function, heard)
    rule = of_function.rule if of_function else likeness.NOTHING
    likely = None if told and reading.level else likeness.of(reading, function, rule)
    if likely is not None and not heard:
        opinion = likeness.heard(reading, likely, function, of_function)
        function, of_function = opinion.finding, opinion.basis
        perhaps = opinion.perhaps or perhaps
        reasons = opinion.reasons if opinion.instead else [*reasons, *opinion.reasons]
    level, of_level = reading.level, _basis(calibration.LEVEL, reading.level, "")
    leading = likeness.level(reading, likely)
    if leading is not None:
        level, of_level = leading
    missing = [
        f"{reading.why_not}: no {name} in the title"
        for name, finding in (("function", function), ("level", level))
        if finding is None
    ]
    if level is not None:
        slip = ", misspelt" if level.rule == "misspelt" else ""
        of = "titles like it lead others" if level.rule == "like" else f"{level.phrase!r}{slip}"
        reasons.append(f"level {level.values[0]}: {of}")
        if level.values[1:]:
            reasons.append(f"level could be {' or '.join(level.values[1:])}")
    if reading.left:
        reasons.append("left: the title says that this is over")
    shares = [e.share for e in (of_function, of_level) if e is not None]
    verdict = TitleVerdict(
        function=function.values[0] if function else None,
        level=level.values[0] if level else None,
        confidence=round(math.prod(shares), 3) if shares else 0.0,
        reasons=(*missing, *reasons),
        function_alternatives=function.values[1:] if function else perhaps,
        level_alternatives=level.values[1:] if level else (),
        left=reading.left,
        by_department=function is not None
        and function.rule != "like"
        and not _told_by_title(reading, function),
    )
    return verdict, of_function, of_level


def _told_by_title(reading: Reading, function: Finding) -> bool:
    return reading.function is not None and function.values[0] in reading.function.values


def _basis(shares: Mapping[str, float], found: Finding | None, heard: str) -> Basis | None:
    """The share of right readings of this kind; agreement never lowers it, contradiction does."""
    if found is None:
        return None
    forked = found.values[1:] and found.rule not in ("weak", "department", "misspelt") and not heard
    rule = "fork" if forked else found.rule
    if heard == "agrees":
        return Basis(heard, max(calibration.AGREES, shares[rule]))
    if heard == "contradicts":
        return Basis(heard, min(calibration.CONTRADICTS, shares[rule]))
    return Basis(rule, shares[rule])


def _function(
    reading: Reading, place: Reading | None
) -> tuple[Finding | None, tuple[str, ...], str, list[str]]:
    """Title and department together: finding, possibilities if none, what was heard, reasons."""
    told = reading.function
    unit = place.function if place else None
    if told is not None and _runs_something(reading, told):
        told = Finding(("-", *told.values), told.rule, told.phrase)
    if told is None or told.values[0] == "-":
        perhaps = told.values[1:] if told else ()
        if unit is None or unit.values[0] in _NO_UNIT:
            return None, perhaps, "", []
        several = place is not None and (place.joined or len(unit.values) > 1)
        if several and (unit.rule == "weak" or reading.unknown):
            # `Deputy Director, Restructuring` there does something else than the first of them.
            return None, perhaps or unit.values, "", []
        # Of several things that a department is of, the first is the most likely.
        finding = Finding(unit.values, "fork" if several else "department", unit.phrase)
        reasons = [f"function {unit.values[0]}: the department says {unit.phrase!r}"]
        if unit.values[1:]:
            reasons.append(_could_be(unit.values[1:]))
        return finding, (), "", reasons
    heard, reason = "", ""
    # What an office's letters stand for is open: a CAO is for administration or for accounts.
    forked = bool(told.values[1:]) and told.rule == "title" and not reading.joined
    open_ = told.values[0] != "executive" or told.rule == "general" or forked
    if unit is not None and forked and (shared := _shared(told, unit)) is not None:
        reasons = [f"function {shared}: {told.phrase!r}", "the department agrees"]
        return Finding((shared,), told.rule, told.phrase), (), "agrees", reasons
    if unit is not None and open_ and unit.values[0] not in _NO_UNIT:
        told, heard, reason = _compared(told, unit, place is not None and place.joined)
    reasons = [f"function {told.values[0]}: {told.phrase!r}"]
    if reason:
        reasons.append(reason)
    if told.values[1:]:
        reasons.append(_could_be(told.values[1:]))
    return told, (), heard, reasons


def _runs_something(reading: Reading, told: Finding) -> bool:
    """Whether a general manager runs a part that no word is known of: `bedrijfsleider schoenen`."""
    manages = reading.level is not None and reading.level.values[0] == "manager"
    return told.rule == "general" and manages and reading.abroad and reading.unknown


def _shared(title: Finding, unit: Finding) -> str | None:
    return next((v for v in title.values if v in unit.values), None)


def _could_be(others: Sequence[str]) -> str:
    return f"function could be {' or '.join(in_words(f) for f in others)}"


def _compared(title: Finding, unit: Finding, joined: bool) -> tuple[Finding, str, str]:
    """A finding from the title beside one from the department, what was heard, and the reason.

    joined: the department is of several things, so that it can't contradict.
    """
    shared = _shared(title, unit)
    if unit.rule == "weak" and shared != title.values[0]:
        return title, "", ""
    if shared is not None:
        values = (shared, *(v for v in title.values if v != shared))
        return Finding(values, title.rule, title.phrase), "agrees", "the department agrees"
    several = len(unit.values) > 1 or joined
    if title.rule == "general" and unit.rule != "weak" and several:
        # `Director General` of Finance and Commercial: of one of them more likely than of all.
        found = Finding((*unit.values, title.values[0]), "fork", unit.phrase)
        return found, "", f"the department is more precise than {title.phrase!r}"
    if several:
        return title, "", ""
    if title.rule in ("weak", "general") and unit.rule != "weak":
        finding = Finding((unit.values[0], title.values[0]), "department", unit.phrase)
        return finding, "", f"the department is more precise than {title.phrase!r}"
    reason = f"the department says {in_words(unit.values[0])}: contradiction"
    return title, "contradicts", reason
