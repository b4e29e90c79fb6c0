"""What the column of seniority and the reporting lines tell of a level beside the title."""

from dataclasses import replace
from functools import lru_cache

from bg_assets.domain.groups.lines import Line
from bg_assets.domain.titles import seniority
from bg_assets.domain.titles.verdict import TitleVerdict

# How sure a level is that the title does not tell. The columns are people's own choice or a
# vendor's reading, of which no labelled list is known: put below the titles' own words (0.96).
BY_SENIORITY = 0.85
# Of filled senior posts of British public bodies without a word of rank in the title, 40 of 41 at
# the top of their body are of the highest grades; whoever others report to manages them. Of those
# called director, inspector or the like of nothing who alone stand at the top and lead five or more
# (`Director` of a museum, `HM Chief Inspector`), 26 of 26 have the highest grade of the body.
BY_TOP = 0.9
BY_REPORTS = 0.85
# A column two steps of rank away counts as a department of another function does.
CONTRADICTS = 0.75
AGREES, SUREST = 1.03, 0.98
# Of those called chief or director general, 291 of 328 have the two highest grades where at most
# two managers stand above them, and 11 of 62 below; of directors 814 of 1,401 and, from four on,
# 10 of 83.
FAR_BELOW = 0.6
LEADS = 3  # so many report to nobody who is staff
_AT_THE_TOP = 5
_KEPT = 1 << 14  # verdicts that many share, in companies all over
_DEPTH = {"owner": 3, "c_level": 3, "vp": 4, "head": 4, "director": 4}
_RANK = {
    "owner": 5, "c_level": 5, "vp": 4, "head": 4, "director": 4, "manager": 3, "senior": 2,
    "staff": 1, "assistant": 1, "intern": 0,
}  # fmt: skip


def heard(
    verdict: TitleVerdict, said: str | None, place: Line, *, head: bool = False
) -> TitleVerdict:
    """The verdict on a title with the column of seniority and the reporting lines heard.

    They give a level where the title has none, and decide between several that it could mean; what
    contradicts it changes nothing but how sure it is. Each adds its reason. head: nobody else
    stands at the top of the company.
    """
    if head and _is_head(verdict, place):
        return _head(verdict)
    if said:
        verdict = _with_seniority(verdict, said)
    if place.reports or place.steps:
        verdict = _with_line(verdict, place.reports, place.steps)
    return verdict


def _is_head(verdict: TitleVerdict, place: Line) -> bool:
    known = verdict.function is not None or verdict.function_alternatives
    return not known and verdict.level in ("director", "head") and place.reports >= _AT_THE_TOP


def _head(verdict: TitleVerdict) -> TitleVerdict:
    level = verdict.level
    assert level is not None
    return replace(
        verdict,
        function="executive",
        level="c_level",
        level_alternatives=(level,),
        confidence=BY_TOP,
        reasons=(
            *(one for one in verdict.reasons if not one.endswith("no function in the title")),
            f"general management at level c_level rather than {level}: nobody else stands at the "
            "top of the company",
        ),
    )


@lru_cache(maxsize=_KEPT)
def _with_seniority(verdict: TitleVerdict, said: str) -> TitleVerdict:
    levels = seniority.levels(said)
    if not levels:
        return verdict
    own, first = verdict.level, levels[0]
    if own is None:
        return _leveled(verdict, levels, BY_SENIORITY, "the seniority column says so")
    possible = (own, *verdict.level_alternatives)
    both = next((level for level in levels if level in possible), None)
    if both is not None and both != own:
        others = tuple(level for level in possible if level != both)
        reason = f"level {both} rather than {own}: the seniority column says so"
        changed = replace(verdict, level=both, level_alternatives=others)
        return _told(changed, 1.0, reason)
    if both is not None or any(_RANK[level] == _RANK[own] for level in levels):
        return _told(verdict, AGREES, "the seniority column agrees")
    if all(abs(_RANK[level] - _RANK[own]) >= 2 for level in levels):
        reason = f"the seniority column says {first}: contradiction"
        return _told(verdict, CONTRADICTS, reason)
    return verdict


@lru_cache(maxsize=_KEPT)
def _with_line(verdict: TitleVerdict, reports: int, steps: int | None) -> TitleVerdict:
    level = verdict.level
    if level is None and reports >= 2:
        top = steps == 0 and reports >= _AT_THE_TOP
        if top and verdict.function is None:
            verdict = replace(verdict, function="executive", function_alternatives=())
        if top:
            return _leveled(verdict, ("c_level",), BY_TOP, "all of the company reports to them")
        return _leveled(verdict, ("manager",), BY_REPORTS, f"{reports} people report to them")
    if level in ("senior", "staff", "assistant") and reports >= LEADS:
        others = tuple(dict.fromkeys((*verdict.level_alternatives, "manager")))
        reason = f"level could be manager: {reports} people report to them"
        return _told(replace(verdict, level_alternatives=others), CONTRADICTS, reason)
    if steps is not None and level is not None and steps >= _DEPTH.get(level, 99):
        reason = f"{steps} managers stand above, many for the level {level}"
        return _told(verdict, FAR_BELOW, reason)
    return verdict


def _leveled(
    verdict: TitleVerdict, levels: tuple[str, ...], share: float, why: str
) -> TitleVerdict:
    sure = verdict.confidence * share if verdict.function and verdict.confidence else share
    reasons = tuple(one for one in verdict.reasons if not one.endswith("no level in the title"))
    return replace(
        verdict,
        level=levels[0],
        level_alternatives=levels[1:],
        confidence=round(sure, 3),
        reasons=(*reasons, f"level {levels[0]}: {why}"),
    )


def _told(verdict: TitleVerdict, factor: float, reason: str) -> TitleVerdict:
    sure = verdict.confidence * factor
    if factor > 1:
        sure = max(verdict.confidence, min(SUREST, sure))
    return replace(verdict, confidence=round(sure, 3), reasons=(*verdict.reasons, reason))
