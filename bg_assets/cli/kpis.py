"""`kpis`: how the system and its groups do, against the targets."""

from typing import Any

import click
from rich.table import Table

from bg_assets import terminal
from bg_assets.cli import session
from bg_assets.cli.lengths import Length
from bg_assets.domain.kpis import catalogue
from bg_assets.domain.kpis.catalogue import Judged
from bg_assets.domain.kpis.targets import MISSED, UNKNOWN, UNTARGETED, BadTarget
from bg_assets.storage import database
from bg_assets.storage.measures import kpis as measures

_STATES = {UNKNOWN: "nothing to measure", UNTARGETED: "no target"}


@click.command()
@click.option(
    "--since",
    "seconds",
    type=Length(),
    default="1h",
    show_default=True,
    help="The time over which streams are measured, like 15m, 6h or 3d.",
)
@click.option("--json", "as_json", is_flag=True)
def kpis(seconds: float, as_json: bool) -> None:
    """Print the KPIs as they are now: value, target, and whether it is met.

    Latency, refreshes and webhooks are those of the last hour, or of --since (of webhooks three
    days at most); queue and groups are as they stand. Dagster's asset buyer_group_kpis has the
    same, every five minutes, with their course. BG_KPI_TARGETS sets other targets; docs/kpis.md
    says what each means, and what to do.

    Ends with exit code 1 where a target is missed.
    """
    with session.opened() as engine, database.connect(engine) as conn:
        config = session.settings_in_force(conn, "BG_KPI_TARGETS", "BG_REFRESH_INTERVAL")
        try:
            targets = catalogue.targets_by(config.kpi_targets)
        except BadTarget as err:
            session.fail(f"BG_KPI_TARGETS: {err}", session.USAGE)
        found = catalogue.judge(measures.measure(conn, config.refresh_interval, seconds), targets)
    if as_json:
        terminal.print_json({"seconds": seconds, "kpis": [_document(one) for one in found]})
    else:
        terminal.results.print(_table(found))
    raise SystemExit(session.FAILED if any(one.state == MISSED for one in found) else 0)


def _document(one: Judged) -> dict[str, Any]:
    return {
        "name": one.kpi.name,
        "product": one.product,
        "value": one.value,
        "unit": one.kpi.unit,
        "of": one.of,
        "target": None
        if one.target is None
        else {"least": one.target.least, "most": one.target.most},
        "state": one.state,
        "severity": one.kpi.severity,
    }


def _table(found: list[Judged]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("KPI", "value", "target", "state"):
        table.add_column(heading, overflow="fold")
    for one in found:
        table.add_row(
            one.key,
            one.shown,
            one.target.in_words if one.target else "",
            _STATES.get(one.state, one.state),
        )
    return table
