"""Dagster is told who wrote to people and companies: imports, applied events, and everybody else.

Each is a materialization of the external asset: that is what Dagster calls it where somebody else
has written a table, and of an observation its UI takes no notice there. An import is told at once;
what came by events and by direct writes is added up and told once a minute at most. While nobody
writes it costs two probes of an index a tick. No data version goes with it, so that a partition
whose company nobody touched doesn't pass for outdated.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg
import sqlalchemy as sa

from bg_assets.domain.causes import cleaned, number, writer_in_words
from bg_assets.storage import chores, database, writes
from bg_assets.storage.writes import Written

EVERY_SECONDS = 60.0
FORGET_SECONDS = 3600.0
ASSETS = ("people", "companies")
_IMPORTS_AT_ONCE, _ROUNDS_AT_ONCE = 20, 10_000
_CHORE, _FORGET = "writes by others", "forget writes"
# Their changes are no writing of the tables, or are told by what made them.
_OWN = ("import", "webhook", "manual", "template", "schedule")
_MOST_WRITERS = 10


def tell(instance: dg.DagsterInstance, engine: sa.Engine) -> None:
    """Tell what was written since the last time. Raises DatabaseUnreachable."""
    with database.connect(engine) as conn:
        done = writes.untold(conn, ["import"], _IMPORTS_AT_ONCE)
        for one in done:
            _report(instance, conn, one.asset or "people", one.ended_at, _of_import(one))
        if done:
            writes.told(conn, done)
        due = chores.begin(conn, _CHORE, EVERY_SECONDS)
    if due:
        with database.connect(engine) as conn:
            _tell_minute(instance, conn)


def begin(instance: dg.DagsterInstance, engine: sa.Engine) -> None:
    """Tell how the tables stand where Dagster knows nothing of them: it is new, or has lost it."""
    for asset in ASSETS:
        if instance.get_latest_materialization_event(dg.AssetKey(asset)) is not None:
            continue
        with database.connect(engine) as conn:
            if writes.size(conn, asset).rows:
                told = {"because": "as it stands: nothing was told to Dagster before"}
                _report(instance, conn, asset, writes.last_change(conn), told)


def _tell_minute(instance: dg.DagsterInstance, conn: sa.Connection) -> None:
    rounds = writes.untold(conn, ["webhook"], _ROUNDS_AT_ONCE)
    if rounds:
        _report(instance, conn, "people", rounds[-1].ended_at, _of_events(rounds))
        writes.told(conn, rounds)
    state, found = writes.direct(conn, chores.recall(conn, _CHORE), _OWN, time.time())
    for one in found:
        _report(instance, conn, one.asset, one.last_at, _of_direct(one.changes))
    chores.remember(conn, _CHORE, state)
    if chores.begin(conn, _FORGET, FORGET_SECONDS):
        writes.forget(conn)


def _report(
    instance: dg.DagsterInstance,
    conn: sa.Connection,
    asset: str,
    last_at: datetime | None,
    told: Mapping[str, Any],
) -> None:
    size = writes.size(conn, asset)
    metadata: dict[str, Any] = {**told, "dagster/row_count": size.rows}
    if not size.counted:
        metadata["row_count_is"] = "PostgreSQL's estimate"
    if last_at is not None:
        metadata["last_written"] = dg.MetadataValue.timestamp(last_at.timestamp())
    instance.report_runless_asset_event(dg.AssetMaterialization(asset, metadata=metadata))


def _of_import(one: Written) -> dict[str, Any]:
    counts = one.counts
    name = f"import {cleaned(one.names[0])}" if one.names else "import"
    left = f", {counts['left']:,} left" if counts["left"] else ""
    rejected = f", {counts['rejected']:,} rejected" if counts["rejected"] else ""
    return {
        "because": f"{name}: {counts['inserted']:,} new, {counts['updated']:,} changed, "
        f"{counts['unchanged']:,} as before{left}{rejected}",
        "new": counts["inserted"],
        "changed": counts["updated"],
        "left": counts["left"],
        "rejected": counts["rejected"],
    }


def _of_events(rounds: Sequence[Written]) -> dict[str, Any]:
    by_source: Counter[str] = Counter()
    for one in rounds:
        by_source.update(one.counts)
    lines = [
        f"webhook {cleaned(source)}: {number(count, 'event', 'events')}"
        for source, count in by_source.most_common()
    ]
    return {"because": _listed(lines), "events": by_source.total()}


def _of_direct(changes: Mapping[str, int]) -> dict[str, Any]:
    lines = [
        f"{writer_in_words(writer)}: {number(count, 'change', 'changes')}"
        for writer, count in Counter(changes).most_common()
    ]
    return {"because": _listed(lines), "changes": sum(changes.values())}


def _listed(lines: Sequence[str]) -> str:
    more = len(lines) - _MOST_WRITERS
    return "; ".join(lines[:_MOST_WRITERS]) + (f"; and {more} more" if more > 0 else "")
