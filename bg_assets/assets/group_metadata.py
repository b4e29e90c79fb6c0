"""What a partition of buyer_groups shows in the UI: figures, gaps, differences, the members.

It ends in Dagster's event log, which can't forget a person: ids and titles, never names.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import dagster as dg

from bg_assets.domain.roles import ROLE_LABELS
from bg_assets.storage.groups import Cause, Outcome
from bg_assets.storage.shown import ShownGroup


def describe(
    companies: Sequence[str],
    shown: Mapping[str, Sequence[ShownGroup]],
    outcomes: Sequence[Outcome],
    causes: Mapping[str, Cause],
    done: set[str],
    failed: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """The metadata by company, from the groups as they stand after the refresh."""
    by_company = {one.held.company_id: one for one in outcomes}
    described = {}
    for company in companies:
        outcome = by_company.get(company)
        if company in failed:
            because = f"failed: {failed[company]}"
        elif company not in done or outcome is None:
            because = "left alone: another run is refreshing it, or has done so"
        elif outcome.gone:
            because = outcome.gone
        else:
            because = _because(causes.get(company))
        cause = causes.get(company)
        described[company] = {
            "because": because,
            **({"lag_seconds": round(cause.lag_seconds, 3)} if cause and cause.lag_seconds else {}),
            **_groups(shown.get(company, ())),
        }
    return described


def _because(cause: Cause | None) -> str:
    if cause is None:
        return "asked for by hand"
    return ", ".join(
        f"{number} x {kind}" if number > 1 else kind for kind, number in sorted(cause.kinds.items())
    )


def _groups(groups: Sequence[ShownGroup]) -> dict[str, Any]:
    """The figures of one group; with several, sums and means, and each under ``products``."""
    if not groups:
        return {"members": 0, "dagster/row_count": 0}
    confidences = [group.confidence for group in groups if group.confidence is not None]
    cohesions = [group.cohesion for group in groups if group.cohesion is not None]
    members = sum(len(group.members) for group in groups)
    figures: dict[str, Any] = {
        "members": members,
        "dagster/row_count": members,
        "completeness": round(fmean(group.completeness for group in groups), 4),
        "gaps": [{"product": group.product, **gap} for group in groups for gap in group.gaps],
        "diff": {group.product: group.diff for group in groups},
        "refresh_id": groups[0].refresh_id,
        "as_of": groups[0].as_of.isoformat(),
        "template_hash": ", ".join(group.template_hash for group in groups),
        "group": dg.MetadataValue.md("\n\n".join(_table(group) for group in groups)),
    }
    if confidences:
        figures["confidence"] = round(fmean(confidences), 4)
    if cohesions:
        figures["cohesion"] = round(fmean(cohesions), 2)
    else:
        figures["cohesion_reason"] = groups[0].cohesion_reason or "no group was measurable"
    if len(groups) > 1:
        figures["products"] = {
            group.product: {
                "members": len(group.members),
                "completeness": group.completeness,
                "confidence": group.confidence,
                "cohesion": group.cohesion,
                "cohesion_reason": group.cohesion_reason,
            }
            for group in groups
        }
    return figures


def _table(group: ShownGroup) -> str:
    lines = [
        f"**{group.product}**",
        "",
        "| person | title | role | confidence | reasons |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {_cell(one.person_id)} | {_cell(one.title or 'unknown')} | {ROLE_LABELS[one.role]} "
        f"| {one.confidence:.2f} | {_cell('; '.join(one.reasons))} |"
        for one in group.members
    ]
    lines += [
        f"| | | gap: {ROLE_LABELS[gap['role']]} | | {_cell(gap['reason'])} |" for gap in group.gaps
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Text that stays inside its cell, whatever somebody wrote in a title."""
    cleaned = " ".join(text.split())
    return "".join("\\" + letter if letter in "\\|`*_[]<>#!" else letter for letter in cleaned)
