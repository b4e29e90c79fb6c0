"""The last materializations come back after Dagster has lost them: told again from the tables.

Dagster's database may be new, wiped, or older than ours. That is seen by one event: the latest
that was there a minute ago is there still. Nothing is recomputed, but titles that another version
of the lexicon has read.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import sqlalchemy as sa

from bg_assets.assets import group_metadata, judging, partition_metadata, runs
from bg_assets.instance import report
from bg_assets.storage import chores, database, materialized, next_refreshes, staff
from bg_assets.storage.reports import partition, shown

EVERY_SECONDS = 60.0
# While there is something to tell again: a second's work for 500 companies and both assets.
SOON_SECONDS = 2.0
AT_ONCE = 500
BECAUSE = "told again from the tables, since Dagster had lost it"
_CHORE = "materializations"
_GROUPS, _PEOPLE = dg.AssetKey("buyer_groups"), dg.AssetKey("company_people")


def look_after(instance: dg.DagsterInstance, engine: sa.Engine) -> list[str]:
    """Find out whether Dagster has lost what it was told, and tell it a portion again if so.

    Returns what is worth telling, a line each.
    """
    with database.connect(engine) as conn:
        state = chores.recall(conn, _CHORE) or {}
        soon = state.get("after") is not None
        if not chores.begin(conn, _CHORE, SOON_SECONDS if soon else EVERY_SECONDS):
            return []
    lines: list[str] = []
    if not soon:
        latest = _latest(instance)
        if not _lost(instance, engine, state.get("seen"), latest):
            _remember(engine, {"seen": latest})
            return []
        state = {"seen": None, "after": "", "told": 0}
        judging.tell_anew(engine)
        lines.append("Dagster has lost its last materializations: they are told again")
    told = _tell_portion(instance, engine, state["after"])
    state["told"] += len(told)
    if len(told) == AT_ONCE:
        _remember(engine, {**state, "after": told[-1]})
        return lines
    # Of checks that are older than a materialization the UI says that they have not run since.
    judging.tell_anew(engine)
    _remember(engine, {"seen": _latest(instance)})
    who = "1 company" if state["told"] == 1 else f"{state['told']} companies"
    return [*lines, f"the last materializations of {who} are told again"]


def _latest(instance: dg.DagsterInstance) -> list[float] | None:
    """The latest event of buyer_groups: its id and its time; None where there is none."""
    records = instance.fetch_materializations(_GROUPS, limit=1).records
    return [records[0].storage_id, records[0].timestamp] if records else None


def _lost(
    instance: dg.DagsterInstance,
    engine: sa.Engine,
    seen: Sequence[float] | None,
    latest: Sequence[float] | None,
) -> bool:
    if seen is None:
        with database.connect(engine) as conn:
            return latest is None and materialized.any_long_ago(conn)
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(_GROUPS, storage_ids=[int(seen[0])]), limit=1
    ).records
    return [record.timestamp for record in records] != [seen[1]]


def _tell_portion(instance: dg.DagsterInstance, engine: sa.Engine, after: str) -> list[str]:
    """Tell of the next companies, in order of their ids; returns them, AT_ONCE at most."""
    with database.connect(engine) as conn:
        portion = materialized.companies(conn, after, AT_ONCE)
    left = list(portion)
    while left:
        with database.connect(engine) as conn:
            before = materialized.refreshes(conn, left)
            groups = shown.read_shown(conn, left, names=False)
            people = staff.read_staff(conn, left)
            coming = next_refreshes.read(conn, left)
            facts = partition.read_facts(conn, left)
            titles = partition.read_titles(conn, group_metadata.leavers(groups))
        names = {who: one.name for who, one in facts.items() if one.name}
        mark: dict[str, Any] = {"because": BECAUSE, "told_again": True}
        report.tell_again(
            instance, _PEOPLE,
            {
                company: {
                    **mark,
                    **partition_metadata.named(names, company),
                    **runs.describe(people.get(company, [])),
                }
                for company in left
            },
        )  # fmt: skip
        report.tell_again(
            instance, _GROUPS,
            {
                company: {
                    **mark,
                    **partition_metadata.named(names, company),
                    **group_metadata.figures(groups.get(company, []), titles),
                    **partition_metadata.links(facts, company),
                    **group_metadata.next_refresh(coming, company),
                }
                for company in left
            },
        )  # fmt: skip
        # What was refreshed meanwhile has been told by its run, and must not look older than it is.
        with database.connect(engine) as conn:
            now = materialized.refreshes(conn, left)
        left = [company for company in left if now.get(company) != before.get(company)]
    return portion


def _remember(engine: sa.Engine, state: dict[str, Any]) -> None:
    with database.connect(engine) as conn:
        chores.remember(conn, _CHORE, state)
