"""From a job title to function, level and whether the person still has it, each with a reason.

Whole words only, the longest phrase first; what the phrases mean stands in lexicon.csv.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bg_assets.domain import calibration
from bg_assets.domain.reading import CACHED, Finding, read
from bg_assets.domain.vocabulary import in_words

# A board or a secretariat as a department tells nothing about the function of who sits there.
_NO_UNIT: Final = frozenset(("executive", "administration", "-"))
_FIRM: Final = frozenset(("title", "phrase", "word"))


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


@lru_cache(maxsize=CACHED)
def classify(title: str | None, department: str | None = None) -> TitleVerdict:
    """The verdict on a title; a department is evidence for the function. Never raises.

    An unknown field has a reason that starts with `no-evidence`, `garbage-only` or `non-english`.
    """
    reading = read(title or "")
    place = read(department or "")
    unit = place.function
    told = reading.function
    perhaps = told.values[1:] if told is not None and told.values[0] == "-" else ()
    if told is None and unit is not None and place.joined:
        # A department of several things does not tell which of them this person does.
        perhaps, unit = tuple(v for v in unit.values if v not in _NO_UNIT), None
    function, reasons, factor = _weighed(None if perhaps else told, unit)
    level = reading.level
    missing = [
        f"{reading.why_not}: no {name} in the title"
        for name, found in (("function", function), ("level", level))
        if found is None
    ]
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
