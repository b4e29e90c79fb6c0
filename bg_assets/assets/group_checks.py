"""What has to hold of every group, and what the checks show: how all groups fare together.

Each group is judged by itself; an evaluation is of all that were judged, whatever the last run
wrote, and names the companies that fail in its metadata.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from bg_assets.domain.products import sizes
from bg_assets.domain.products.template import Template
from bg_assets.storage.reports.checks import Checked
from bg_assets.storage.verdicts import Tally, Verdict

ASSET = dg.AssetKey("buyer_groups")
# What is aimed at; a mean below it is a warning.
CONFIDENCE, COHESION, COMPLETENESS = 0.8, 7.0, 0.8
MOST_LISTED = 50

_Fails = Callable[[Checked, Mapping[str, Template]], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A check: what it says, whether a group fails it, and whose mean it judges, if any.

    With a mean it passes where the mean over the groups reaches ``least``; without one where no
    group fails. severity: an error is a group that must not be, a warning one that could be better.
    """

    description: str
    severity: dg.AssetCheckSeverity
    fails: _Fails
    figure: str | None = None
    least: float = 0.0


def _outside_band(group: Checked, templates: Mapping[str, Template]) -> bool:
    template = templates.get(group.product)
    if template is None:
        return False
    employees = sizes.staff_size(group.employee_min, group.employee_max)
    target = sizes.target(employees, template.deal_dollars)
    least = sum(min(rule.required, target.of(rule.role)) for rule in template.roles)
    return not least <= group.members <= target.total + group.pinned


def _below(figure: str, least: float) -> _Fails:
    def fails(group: Checked, _: Mapping[str, Template]) -> bool:
        value = getattr(group, figure)
        return value is not None and value < least

    return fails


_ERROR, _WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
RULES: Mapping[str, Rule] = {
    "one_role_per_person": Rule(
        "Nobody has two roles in one group.", _ERROR, lambda group, _: group.people < group.members
    ),
    "no_leavers": Rule(
        "Every member is on the staff of the company.", _ERROR, lambda group, _: group.leavers > 0
    ),
    "decision_maker_or_gap": Rule(
        "There is a decision maker, or the gap is named.",
        _ERROR,
        lambda group, _: not (group.decision_makers or group.names_gap),
    ),
    "size_within_target": Rule(
        "The group has the places that its template requires, and no more than a company of this "
        "size and a deal of this size ask for (pinned people come on top).",
        _WARN,
        _outside_band,
    ),
    "mean_confidence": Rule(
        f"The mean confidence of the groups is {CONFIDENCE:g} or more.",
        _WARN, _below("confidence", CONFIDENCE), "confidence", CONFIDENCE,
    ),
    "mean_cohesion": Rule(
        f"The mean cohesion of the groups in which it is measurable is {COHESION:g} or more.",
        _WARN, _below("cohesion", COHESION), "cohesion", COHESION,
    ),
    "completeness": Rule(
        f"Of the roles that are required, {COMPLETENESS:.0%} are filled in the mean.",
        _WARN, _below("completeness", COMPLETENESS), "completeness", COMPLETENESS,
    ),
}  # fmt: skip


def judge(groups: Sequence[Checked], templates: Mapping[str, Template]) -> list[Verdict]:
    """The verdict on each of these groups: the names of the rules that it fails, in their order."""
    return [
        Verdict(
            group.company_id,
            group.product,
            group.refresh_id,
            tuple(name for name, rule in RULES.items() if rule.fails(group, templates)),
            group.completeness,
            group.confidence,
            group.cohesion,
        )
        for group in groups
    ]


def evaluate(tally: Tally) -> list[dg.AssetCheckEvaluation]:
    """One evaluation for each rule over all groups; ids in the metadata, never names."""
    return [_evaluation(name, rule, tally) for name, rule in RULES.items()]


def _evaluation(name: str, rule: Rule, tally: Tally) -> dg.AssetCheckEvaluation:
    failing = tally.failing.get(name, 0)
    metadata: dict[str, Any] = {
        "groups": tally.groups,
        "waiting": tally.waiting,
        "failing": failing,
        "failing_companies": list(tally.companies.get(name, ())),
    }
    passed = failing == 0
    description = "1 company fails" if failing == 1 else f"{failing} companies fail"
    if rule.figure is not None:
        value, measured = tally.means[rule.figure]
        mean = None if value is None else round(value, 4)
        metadata |= {"mean": mean, "measured": measured, "least": rule.least}
        passed = mean is None or mean >= rule.least
        description = (
            f"mean {mean:g} of {measured} groups" if mean is not None else "nothing to measure"
        )
    return dg.AssetCheckEvaluation(
        asset_key=ASSET,
        check_name=name,
        passed=passed,
        severity=rule.severity,
        metadata=metadata,
        description=f"all groups ({_groups(tally)}): {description}",
    )


def _groups(tally: Tally) -> str:
    return f"{tally.groups}, {tally.waiting} to be judged" if tally.waiting else f"{tally.groups}"
