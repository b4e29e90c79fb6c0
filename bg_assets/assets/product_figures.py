"""The figures of a company's groups product by product, for who opens no JSON."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from bg_assets.storage.reports.shown import ShownGroup

_HEAD = (
    "| product | members | completeness | confidence | cohesion | gaps |",
    "|---|---|---|---|---|---|",
)


def described(groups: Sequence[ShownGroup]) -> dict[str, Any]:
    """Some figures under names of their own, which Dagster plots; and all in the table
    ``products``."""
    found: dict[str, Any] = {}
    for group in groups:
        found[f"{group.product}: members"] = len(group.members)
        found[f"{group.product}: completeness"] = group.completeness
        if group.confidence is not None:
            found[f"{group.product}: confidence"] = group.confidence
    lines = [*_HEAD, *(_line(group) for group in groups)]
    return found | {"products": dg.MetadataValue.md("\n".join(lines))}


def _line(group: ShownGroup) -> str:
    figures = (
        group.product,
        str(len(group.members)),
        f"{group.completeness:.0%}",
        "unknown" if group.confidence is None else f"{group.confidence:.0%}",
        # Why it is not measurable stands under cohesion_reason.
        "not measurable" if group.cohesion is None else f"{group.cohesion:.1f} of 10",
        str(len(group.gaps)),
    )
    return f"| {' | '.join(figures)} |"
