"""template_experiments: what two versions of a template differ in, while experiments run."""

from typing import Any

import dagster as dg

from bg_assets.domain.experiments.report import DIFFERS, Report, from_document, report, table
from bg_assets.resources import Database
from bg_assets.storage import experiment_groups, experiments
from bg_assets.storage.database import connect
from bg_assets.storage.experiments import Experiment

# For so long what a stop left is told of, so that nobody takes the last look for the present.
LAST_REPORT_HOURS = 24.0
NOTHING_RUNS = (
    "no experiment runs: `bg-assets experiment start PRODUCT --against FILE` starts one, and "
    "`bg-assets experiment show` tells what former ones said"
)
_HOW = (
    "Figures of both groups of a company are compared with each other; pins and exclusions between "
    "the companies that are shown a and those that are shown b. A difference counts where its "
    "p-value, corrected for the number of comparisons of this look (Holm), is below 5 %. Who looks "
    "again and again until something differs will find something: decide before how long to wait."
)


@dg.asset(
    deps=["buyer_groups"],
    group_name="buyer_groups",
    kinds={"postgres", "python"},
    owners=["team:sales-operations"],
    code_version="1",
    metadata={"dagster/relation_identifier": "bg.experiment_groups"},
)
def template_experiments(database: Database) -> dg.MaterializeResult[None]:
    """How the groups by two versions of a template differ, and whether the data can tell.

    Each company is shown the group by one version; the other is computed by the same refresh, of
    the same people. Started and stopped by `bg-assets experiment`.
    """
    with connect(database.engine) as conn:
        told = experiments.running_or_stopped_since(conn, LAST_REPORT_HOURS)
        found = [
            (one, report(experiment_groups.sums(conn, one)) if one.runs else _last(one))
            for one in told
        ]
    return dg.MaterializeResult(metadata=describe(found))


def _last(one: Experiment) -> Report | None:
    """What was known when it was stopped."""
    return from_document(one.result) if one.result else None


def describe(found: list[tuple[Experiment, Report | None]]) -> dict[str, Any]:
    """The metadata: a table for each experiment, and numbers that Dagster draws over time."""
    running = sum(one.runs for one, _ in found)
    metadata: dict[str, Any] = {} if running else {"because": NOTHING_RUNS}
    metadata["experiments"] = running
    for one, said in found:
        if said is None:
            metadata[one.product] = dg.MetadataValue.md(_since(one))
            continue
        metadata[f"{one.product}: conclusion"] = said.conclusion
        metadata[one.product] = dg.MetadataValue.md(_markdown(one, said))
        metadata[f"{one.product}: companies with both groups"] = said.both
        metadata[f"{one.product}: figures that differ"] = sum(
            each.verdict == DIFFERS for each in said.comparisons
        )
        for each in said.comparisons:
            if each.difference is not None:
                metadata[f"{one.product}: {each.label}, b - a"] = round(each.difference, 4)
    return metadata


def _markdown(one: Experiment, said: Report) -> str:
    head, *rows = table(said)
    lines = [
        f"**{one.product}**: {said.conclusion}",
        "",
        _since(one),
        *(["", _MOVING] if one.runs and one.arranged_at is None else []),
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        _HOW,
    ]
    return "\n".join(lines)


def _since(one: Experiment) -> str:
    """When it ran, of what, and what its end left in force; not by whom, which may be a name."""
    versions = f"a is {one.a_hash} and b {one.b_hash}"
    began = f"{one.started_at:%Y-%m-%d %H:%M %Z}"
    if one.stopped_at is None:
        return f"Since {began}, {versions}; {one.share} of a hundred companies are shown b."
    kept = f"version {one.kept} is kept" if one.kept else "the file of the product rules again"
    return f"**Stopped** {one.stopped_at:%Y-%m-%d %H:%M %Z}: {kept}. From {began} on, {versions}."


_MOVING = "Companies are still being looked through for those that are to be shown another."
