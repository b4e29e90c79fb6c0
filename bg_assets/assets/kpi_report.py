"""What buyer_group_kpis shows in the UI: a table, figures that Dagster plots, and the checks."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from bg_assets.domain.kpis.catalogue import KPIS, Judged
from bg_assets.domain.kpis.targets import MET, MISSED, UNKNOWN, UNTARGETED

ASSET = dg.AssetKey("buyer_group_kpis")
# For KPIs that have a target only where somebody has set one.
OTHERS = "kpis_with_targets_of_your_own"
STATES = {
    MET: "met",
    MISSED: "**missed**",
    UNKNOWN: "nothing to measure",
    UNTARGETED: "no target",
}
_SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}
_TARGETED = tuple(kpi for kpi in KPIS.values() if kpi.target is not None)

SPECS = [
    *(
        dg.AssetCheckSpec(
            kpi.name,
            asset=ASSET,
            description=f"{kpi.label} ({kpi.unit}): {kpi.meaning} "
            f"The target is {kpi.target.in_words if kpi.target else 'none'}, unless "
            "BG_KPI_TARGETS says otherwise.",
        )
        for kpi in _TARGETED
    ),
    dg.AssetCheckSpec(
        OTHERS,
        asset=ASSET,
        description="KPIs for which BG_KPI_TARGETS sets a target though they come with none.",
    ),
]


def table(values: Sequence[Judged]) -> str:
    """All KPIs as a Markdown table."""
    lines = ["| KPI | value | target | state | what it means |", "|---|---|---|---|---|"]
    explained: set[str] = set()
    for one in values:
        meaning = "" if one.kpi.name in explained else one.kpi.meaning
        explained.add(one.kpi.name)
        target = one.target.in_words if one.target else ""
        lines.append(f"| {label(one)} | {one.shown} | {target} | {STATES[one.state]} | {meaning} |")
    return "\n".join(lines)


def label(one: Judged) -> str:
    """What is measured, and of which product."""
    return f"{one.kpi.label} ({one.product})" if one.product else one.kpi.label


def figures(values: Sequence[Judged]) -> dict[str, Any]:
    """The numbers, each a plot in the UI; what was not measured has none."""
    return {one.key: round(one.value, 4) for one in values if one.value is not None}


def checks(values: Sequence[Judged]) -> list[dg.AssetCheckResult]:
    """One result for each KPI with a target, and one for the others: missed ones fail."""
    results = [
        _result(kpi.name, [one for one in values if one.kpi is kpi], _SEVERITIES[kpi.severity])
        for kpi in _TARGETED
    ]
    others = [one for one in values if one.kpi.target is None and one.target is not None]
    return [*results, _result(OTHERS, others, dg.AssetCheckSeverity.WARN)]


def _result(
    name: str, values: Sequence[Judged], severity: dg.AssetCheckSeverity
) -> dg.AssetCheckResult:
    described = "; ".join(
        f"{label(one)}: {one.shown}, {STATES[one.state].strip('*')}"
        + (f" ({one.target.in_words})" if one.target else "")
        for one in values
    )
    return dg.AssetCheckResult(
        passed=all(one.state != MISSED for one in values),
        asset_key=ASSET,
        check_name=name,
        severity=severity,
        description=described or "no target is set",
        metadata=figures(values),
    )
