"""The function of a section of a title: which of its parts and phrases tells it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bg_assets.domain.titles.hits import Hit, runs

# What somebody does stands before what it is done for: `specjalista ds. zakupów IT`.
_HEAD_FIRST = frozenset(("fr", "es", "it", "pt", "pl", "cs"))
# Who works in the office of whom runs all is of the executive; who does a thing for him is not.
_OFFICES = frozenset(("office", "offices", ""))


@dataclass(frozen=True, slots=True)
class Finding:
    """One field as found: the values, best first, the kind of rule, and the phrase it rests on."""

    values: tuple[str, ...]
    rule: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Basis:
    """Why a field was answered and how sure that is: the kind of rule, its share of right ones."""

    rule: str
    share: float


def function_of(hits: Sequence[Hit]) -> Finding | None:
    """The function of a section, from the part with a level where it is joined of several.

    `Sales & Marketing Manager` is a marketing manager; sales stays an alternative.
    """
    parts: dict[int, list[Hit]] = {}
    for hit in hits:
        parts.setdefault(hit.unit, []).append(hit)
    told = [(f, any(h.levels for h in part)) for part in parts.values() if (f := _told(part))]
    if not told:
        return None
    firm = [t for t in told if t[0].rule not in ("weak", "general")]
    firm = firm or [t for t in told if t[0].rule != "weak"] or told
    best = next((f for f, levelled in firm if levelled), firm[0][0])
    if len(best.values) > 1 and best.rule != "title":
        # `Finance & Commercial Director`: what can be one thing only is told first.
        best = next((f for f, _ in firm if len(f.values) == 1), best)
    joined = [
        value
        for f, _ in told
        if f.rule not in ("weak", "general")
        for value in (f.values if f is not best and len(best.values) == 1 else f.values[:1])
        if value not in best.values
    ]
    if best.values[0] in ("executive", "-"):
        return best
    return Finding(tuple(dict.fromkeys((*best.values, *joined))), best.rule, best.phrase)


def _told(hits: Sequence[Hit]) -> Finding | None:
    """The function of one part: its first run with a firm one, there the strongest, the last.

    Where heads come first, as in French and Polish, the first of a run.
    """
    for least in (2.0, 1.0, 0.5):
        for run in runs(hits):
            told = [(h, _strength(h)) for h in run]
            told = [(h, s) for h, s in told if s >= least]
            if not told:
                continue
            most = max(s for _, s in told)
            best = [h for h, s in told if s == most]
            first = any(h.phrase.language in _HEAD_FIRST for h in run)
            return function_told_by(best[0] if first else best[-1])
    return None


def _strength(hit: Hit) -> float:
    """How firmly a phrase tells the function.

    3 a whole title, 2 a function, 1.5 a general manager (a function beside it is told first), 1 a
    weak function, 0.5 a weak kind of work such as clerk or engineer.
    """
    if not hit.phrase.functions or _is_of_others(hit):
        return 0.0
    if hit.kind == "weak":
        return 0.5 if hit.levels else 1.0
    if hit.kind != "title":
        return 2.0
    return 1.5 if _general(hit) else 3.0


def _is_of_others(hit: Hit) -> bool:
    """Whether it names who runs all, for whom something is done: `President's Club Coordinator`."""
    return hit.owned and hit.phrase.functions[0] == "executive" and hit.next_word not in _OFFICES


def _general(hit: Hit) -> bool:
    """A general manager, whose function is what stands beside."""
    levels = hit.phrase.levels
    told = hit.kind == "title" and hit.phrase.functions[0] == "executive"
    return told and ("director" in levels or "manager" in levels)


def function_told_by(hit: Hit) -> Finding:
    """The function that one phrase tells."""
    rule = "general" if _general(hit) else hit.kind
    if rule in ("function", "acronym"):
        rule = "phrase" if len(hit.phrase.words) > 1 else "word"
    return Finding(hit.phrase.functions, rule, " ".join(hit.phrase.words))


def found(hit: Hit) -> Finding:
    """The level that one phrase tells."""
    rule = "title" if hit.kind == "title" or len(hit.phrase.words) > 1 else "word"
    return Finding(hit.levels, rule, " ".join(hit.phrase.words))
