"""Confidence: do right and wrong members separate, and is what is said what comes true?

Measured on half of the British public bodies, which the weights of certainty.py have not seen.
`--fit` prints the weights that the other half gives.
"""

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

import bench
from bench import right_roles
from bench.right_roles import Body, Placed
from bg_assets.domain.groups import certainty as rules
from bg_assets.domain.groups.certainty import Evidence, certainty
from bg_assets.domain.groups.group import weigh
from bg_assets.domain.products.template import Template
from bg_assets.products.files import load_templates
from bg_assets.sample import world
from bg_assets_tests.organograms import AFTER, BEFORE
from bg_assets_tests.reporting_lines import rank_correlation

PRODUCTS = ("finance_system", "hr_system", "security_platform")
FITTED, JUDGED = 0, 1
_PUBLIC = "Government administration"
_LEAST_SENIOR, _CHAIN = 20, 20
_RIDGE = 2.0  # a weight that little speaks for is drawn towards none


@dataclass(frozen=True, slots=True)
class Judged:
    """Figures of a set of members: how many, the share that is right, and how well it is told.

    auc: how often a right one has more confidence than a wrong one, a half where alike. error: the
    expected calibration error in ten bins.
    """

    members: int
    said: float
    right: float
    auc: float
    error: float


def main(arguments: Sequence[str]) -> None:
    """Print the figures, or with --fit the weights."""
    parser = argparse.ArgumentParser(prog="python -m bench confidence", description=__doc__)
    parser.add_argument("--fit", action="store_true")
    fit = parser.parse_args(arguments).fit
    bench.shared_data()
    if fit:
        fitted = [
            one
            for industry in (None, _PUBLIC)
            for one in members((BEFORE, AFTER), FITTED, industry=industry)
        ]
        _say(f"{len(fitted)} members of the bodies that the weights are fitted on, which are")
        _say("once of no known sector, once public")
        for name, value in weights(fitted).items():
            _say(f"  {name:<8} {value:6.2f}, in use {_in_use(name):.2f}")
        return
    found = members((BEFORE, AFTER), JUDGED)
    _say("members of groups of public bodies that the weights have not seen, at two dates;")
    _say("right: of the profession of the role's function, or the head who decides")
    _table("all", found)
    for product in PRODUCTS:
        _table(product, [one for one in found if one.product == product])
    for role in ("decision_maker", "champion", "stakeholder", "blocker"):
        _table(role, [one for one in found if one.role == role])
    for product in PRODUCTS:
        makers = [o for o in found if (o.product, o.role) == (product, "decision_maker")]
        _table(f"  of {product}", makers)
    _table("titles alone", found, lambda evidence: evidence.title)
    _curve(found)
    known = members((BEFORE, AFTER), JUDGED, industry=_PUBLIC)
    _table("known to be public", known)
    for role in ("decision_maker", "champion", "stakeholder", "blocker"):
        _table(f"  {role}", [one for one in known if one.role == role])
    _table("without reporting lines", members((BEFORE, AFTER), JUDGED, lines=False))
    _influence()


def members(
    dates: Iterable[str], half: int, *, lines: bool = True, industry: str | None = None
) -> list[Placed]:
    """All members of whom it is known whether they are right, of the bodies of a half.

    industry: of the bodies, where it is known that they are public.
    """
    templates = load_templates(products=list(PRODUCTS))
    return [
        one
        for date in dates
        for body in right_roles.bodies(date, (half,), lines=lines, industry=industry)
        for template in templates.values()
        for one in right_roles.placed(body, template)
        if one.right is not None
    ]


def judged(found: Sequence[Placed], figure: Callable[[Evidence], float] = certainty) -> Judged:
    """How well a figure tells right from wrong. ``found`` holds some of both."""
    told = [(figure(one.evidence), bool(one.right)) for one in found]
    return Judged(
        len(told), fmean(said for said, _ in told), fmean(right for _, right in told),
        area(told), calibration_error(told),
    )  # fmt: skip


def area(told: Sequence[tuple[float, bool]]) -> float:
    """The area under the ROC curve; a half where all are right, or none."""
    ordered = sorted(told)
    right = sum(one for _, one in ordered)
    pairs = right * (len(ordered) - right)
    if not pairs:
        return 0.5
    by_figure: defaultdict[float, list[bool]] = defaultdict(list)
    for figure, one in ordered:
        by_figure[figure].append(one)
    below, won = 0, 0.0
    for alike in by_figure.values():
        wrong = len(alike) - sum(alike)
        won += sum(alike) * (below + wrong / 2)
        below += wrong
    return won / pairs


def calibration_error(told: Iterable[tuple[float, bool]]) -> float:
    """The mean distance between what is said and what comes true, in ten bins."""
    bins = _bins(told)
    off = (abs(sum(s for s, _ in one) - sum(r for _, r in one)) for one in bins.values())
    return sum(off) / sum(map(len, bins.values()))


def _bins(told: Iterable[tuple[float, bool]]) -> dict[int, list[tuple[float, bool]]]:
    bins: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for said, right in told:
        bins[min(9, int(said * 10))].append((said, right))
    return bins


def _curve(found: Sequence[Placed]) -> None:
    told = [(certainty(one.evidence), bool(one.right)) for one in found]
    for at, one in sorted(_bins(told).items()):
        _say(
            f"    {at / 10:.1f} to {at / 10 + 0.1:.1f}: said {fmean(s for s, _ in one):.3f}, "
            f"right {fmean(r for _, r in one):.3f}, {len(one)}"
        )


def weights(fitted: Sequence[Placed]) -> dict[str, float]:
    """The weights of certainty.py that fit best, the title's odds being taken as they are."""
    names = [*rules.parts(Evidence(0.5, ""))]
    rows, offsets = [], []
    for one in fitted:
        parts = rules.parts(one.evidence)
        rows.append([1.0] + [parts[name] / _in_use(name) for name in names])
        title = min(rules.MOST_TITLE, max(rules.LEAST_TITLE, one.evidence.title))
        offsets.append(math.log(title / (1 - title)))
    x, offset = np.array(rows), np.array(offsets)
    y = np.array([float(bool(one.right)) for one in fitted])
    ridge = np.eye(len(names) + 1) * _RIDGE
    ridge[0, 0] = 0.0
    found = np.zeros(len(names) + 1)
    for _ in range(50):
        p = 1 / (1 + np.exp(-(x @ found + offset)))
        slope = x.T @ (x * (p * (1 - p))[:, None]) + ridge
        found += np.linalg.solve(slope, x.T @ (y - p) - ridge @ found)
    return dict(zip(("base", *names), (float(value) for value in found), strict=True))


def _in_use(name: str) -> float:
    return float(getattr(rules, name.upper()))


def _influence() -> None:
    """How the order by influence agrees with that by steps below the top and by grade."""
    template = load_templates(products=["finance_system"])["finance_system"]
    _say("influence, senior posts of bodies with twenty or more: rank correlation, median")
    for lines in (True, False):
        found = [
            _agreement(body, shown, template)
            for body, shown in zip(
                right_roles.bodies(BEFORE), right_roles.bodies(BEFORE, lines=lines), strict=True
            )
            if sum(post.grade > 0 for post in body.posts.values()) >= _LEAST_SENIOR
        ]
        steps, grades = (median(one[at] or 0.0 for one in found) for at in (0, 1))
        _say(
            f"  {'with' if lines else 'without'} reporting lines: with nearness to the top "
            f"{steps:.2f}, with the grade {grades:.2f} ({len(found)} bodies)"
        )


def _agreement(body: Body, shown: Body, template: Template) -> tuple[float | None, float | None]:
    """Of influence with nearness to the top, and with the grade. shown: what the rules see."""
    managers = {i: post.person.manager_id for i, post in body.posts.items()}
    staff = [post.person for post in shown.posts.values()]
    choices = weigh(shown.company, staff, template, world.TODAY).choices
    senior = [i for i, post in body.posts.items() if post.grade and i in choices]
    say = [choices[i].influence for i in senior]
    return (
        rank_correlation(say, [-float(_steps(managers, i)) for i in senior]),
        rank_correlation(say, [body.posts[i].grade for i in senior]),
    )


def _steps(managers: Mapping[str, str | None], person_id: str) -> int:
    above, steps = managers.get(person_id), 0
    while above is not None and above in managers and steps < _CHAIN:
        above, steps = managers[above], steps + 1
    return steps


def _table(
    what: str, found: Sequence[Placed], figure: Callable[[Evidence], float] = certainty
) -> None:
    if found:
        one = judged(found, figure)
        _say(
            f"  {what:<24} {one.members:>5}: said {one.said:.3f}, right {one.right:.3f}, "
            f"AUC {one.auc:.3f}, calibration error {one.error:.3f}"
        )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
