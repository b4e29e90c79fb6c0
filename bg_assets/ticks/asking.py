"""What the tick of enrichment does: which companies a run is to ask providers about now.

One run at a time: it waits for others most of its life, in a place that a refresh could have.
"""

from dataclasses import dataclass
from datetime import timedelta

import dagster as dg
import sqlalchemy as sa

from bg_assets import partitions
from bg_assets.assets.enriched_people import BATCH_TAG
from bg_assets.domain.products.places import BadTemplate
from bg_assets.enriching.ready import NO_LEVEL, NO_PROVIDER, templates_that_ask
from bg_assets.instance.statuses import NOT_OVER
from bg_assets.settings import Settings
from bg_assets.storage import chores, claims, database
from bg_assets.storage.enrichment import due

BATCH_SIZE = 50
# Companies from before that one tick lets be due: 20 ms.
PORTION = 2000
# Between the batch and its run nothing is wrong yet.
TOO_EARLY = timedelta(seconds=60)
_SPREAD = "spread enrichment"


@dataclass(frozen=True, slots=True)
class Found:
    """The batches to ask for runs for, and what was looked at where there are none."""

    batches: tuple[due.Batch, ...]
    said: str = ""


def look(instance: dg.DagsterInstance, engine: sa.Engine, config: Settings) -> Found:
    """Let go what runs left that are over, and take the next companies where none is at work.

    A batch whose run never came to be is asked for again: its key is the same, so that it can't
    double. Raises DatabaseUnreachable.
    """
    if not config.providers:
        return Found((), NO_PROVIDER)
    try:
        products = [template.name for template in templates_that_ask(engine, config)]
    except BadTemplate as err:
        return Found((), "; ".join(err.lines))
    if not products:
        return Found((), NO_LEVEL)
    with database.connect(engine) as conn:
        _spread(conn, products)
        under_way, now = due.under_way(conn), claims.database_now(conn)
    again: list[due.Batch] = []
    at_work = 0
    for batch in under_way:
        records = instance.get_run_records(dg.RunsFilter(tags={BATCH_TAG: batch.batch_id}), limit=1)
        run = records[0].dagster_run if records else None
        if run is not None and run.status not in NOT_OVER:
            with database.connect(engine) as conn:
                due.release(conn, batch.batch_id, f"run {run.run_id} ended as {run.status.value}")
            continue
        at_work += 1
        never = run is None or run.status is dg.DagsterRunStatus.NOT_STARTED
        if never and now - batch.taken_at > TOO_EARLY:
            again.append(batch)
    if at_work:
        return Found(tuple(again), f"{at_work} run at work, or waiting for its turn")
    with database.connect(engine) as conn:
        taken, after = due.take(conn, BATCH_SIZE), due.next_due(conn)
    if taken is None:
        return Found((), "nothing is due" + (f" before {after:%Y-%m-%d %H:%M %Z}" if after else ""))
    instance.add_dynamic_partitions(partitions.companies.name or "", list(taken.companies))
    return Found((taken,))


def _spread(conn: sa.Connection, products: list[str]) -> None:
    """Go on through the companies that had groups before these products asked providers."""
    state = chores.recall(conn, _SPREAD)
    if state is None or state["products"] != sorted(products):
        state = {"products": sorted(products), "after": "", "done": False}
    if state["done"]:
        return
    after, number = due.spread(conn, products, state["after"], PORTION)
    chores.remember(conn, _SPREAD, {**state, "after": after, "done": number < PORTION})
