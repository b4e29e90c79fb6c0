"""What comes of labels of ESCO that were not learned, by language."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.tail_table import HARMLESS
from bench.title_calibration import reliability
from bg_assets.domain.titles import authority, beside, tail
from bg_assets.domain.titles.verdict import TitleVerdict, bases, classify
from bg_assets.domain.titles.weighing import read
from bg_assets.domain.vocabulary import LEVELS

_LEADING = frozenset(LEVELS[: LEVELS.index("manager") + 1])
_HEAD = (
    "language      n | tail: answered right | verdict: answered right (of those ESCO tells apart), "
    "none false | leading: seen, others false, in name"
)


@dataclass(frozen=True, slots=True)
class Label:
    """A label of ESCO. functions: those that its occupation may have; leads: None if unknown."""

    language: str
    title: str
    isco: str
    functions: tuple[str, ...]
    leads: bool | None


@dataclass(frozen=True, slots=True)
class _Read:
    label: Label
    verdict: TitleVerdict


def report(held_out: Sequence[Label], say: Callable[[str], object]) -> None:
    """What the tail and the whole verdict say, and whether it is as sure as it is right.

    Of those ESCO tells apart: without the answers that are of a function that ESCO's unit groups
    don't know, such as compliance and data. In name: others whose title says manager and who lead
    nobody by the rules of authority (account manager); they are not among the false ones.
    """
    say(_HEAD)
    by = defaultdict(list)
    for one in held_out:
        by[one.language].append(_Read(one, classify(one.title)))
    every = [one for some in by.values() for one in some]
    for language, cases in [*sorted(by.items()), ("all", every)]:
        say(
            f"{language:8} {len(cases):6} | {_of_tail(cases)} | {_of_functions(cases)} | "
            f"{_of_levels(cases)}"
        )
    told = [
        (basis.share, right)
        for one in every
        if one.label.functions and (basis := bases(one.label.title)[0]) is not None
        if (right := one.verdict.function in one.label.functions)
        or one.verdict.function not in beside.FINER
    ]
    say(f"calibration of function, of those ESCO tells apart: {len(told)}")
    reliability(told, say)
    leading = [
        (basis.share, one.label.leads)
        for one in every
        if one.label.leads is not None
        and (basis := bases(one.label.title)[1]) is not None
        and basis.rule == "like"
    ]
    say(f"calibration of who leads others by titles like it: {len(leading)}")
    reliability(leading, say)


def _of_tail(cases: Sequence[_Read]) -> str:
    business = [one.label for one in cases if one.label.functions]
    found = [(one, tail.likely(read(one.title).words)) for one in business]
    told = [(one, said.function) for one, said in found if said is not None and said.function]
    right = sum(function in one.functions for one, function in told)
    return f"{len(told) / len(business):.2f} {right / max(1, len(told)):.2f}"


def _of_functions(cases: Sequence[_Read]) -> str:
    business = [one for one in cases if one.label.functions]
    told = [one for one in business if one.verdict.function is not None]
    right = [one.verdict.function in one.label.functions for one in told]
    coarse = [
        good
        for one, good in zip(told, right, strict=True)
        if good or one.verdict.function not in beside.FINER
    ]
    none = [one.verdict for one in cases if not one.label.functions]
    false = sum(v.function not in {*HARMLESS, None} and v.confidence >= 0.8 for v in none)
    return (
        f"{len(told) / len(business):.2f} {sum(right) / max(1, len(right)):.2f} "
        f"({sum(coarse) / max(1, len(coarse)):.2f}), {false / max(1, len(none)):.2f}"
    )


def _of_levels(cases: Sequence[_Read]) -> str:
    leading = [one.verdict.level in _LEADING for one in cases if one.label.leads is True]
    others = [one for one in cases if one.label.leads is False]
    called = [one for one in others if one.verdict.level in _LEADING]
    in_name = sum("in_name" in authority.standing(one.label.title) for one in called)
    return (
        f"{sum(leading) / max(1, len(leading)):.2f}, "
        f"{(len(called) - in_name) / max(1, len(others)):.2f}, "
        f"{in_name / max(1, len(others)):.2f}"
    )
