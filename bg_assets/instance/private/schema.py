"""Dagster's storage in PostgreSQL: one engine for its parts, tables that are known to be there."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster_postgres import DagsterPostgresStorage


def share_engine(storage: DagsterPostgresStorage, engine: sa.Engine) -> None:
    """Let the run, event and schedule storages take their connections from one engine."""
    for part in (storage._run_storage, storage._event_log_storage, storage._schedule_storage):
        part._engine = engine


# What old databases lack and Dagster asks the catalog about on every read and event.
_SCHEMA_QUESTIONS = {
    "_run_storage": (
        "has_run_stats_index_cols",
        "has_bulk_actions_selector_cols",
        "has_backfill_id_column",
        "has_bulk_action_job_name_column",
        "has_backfill_tags_table",
    ),
    "_event_log_storage": (
        "has_table",
        "has_asset_key_col",
        "_has_asset_key_col_on_connection",
    ),
    "_schedule_storage": (
        "has_instigators_table",
        "_has_instigators_table",
        "_has_asset_daemon_asset_evaluations_table",
        "has_secondary_index_table",
    ),
}


def trust_schema(storage: DagsterPostgresStorage) -> None:
    """Answer Dagster's questions about its own schema with yes, for one that is up to date.

    A run asks the catalog 18 times, 4 to 8 ms each.
    """
    for part, questions in _SCHEMA_QUESTIONS.items():
        for question in questions:
            setattr(getattr(storage, part), question, lambda *_: True)


def write_batches_as_arrays(storage: DagsterPostgresStorage) -> None:
    """Let events of a batch be one INSERT of a list for each column, which stays the same.

    Dagster's has a parameter for each value, is made anew each time, an eighth of the time that
    events take, and PostgreSQL reads its thousands of values one by one.
    """
    events = storage._event_log_storage

    def prepared(batch: Sequence[dg.EventLogEntry]) -> sa.Insert:
        rows = [events._event_to_row(one) for one in batch]
        columns = {name: SqlEventLogStorageTable.c[name] for name in rows[0]}
        lists = (
            sa.bindparam(None, [row[name] for row in rows], sa.ARRAY(column.type))
            for name, column in columns.items()
        )
        told = sa.func.unnest(*lists).table_valued(*columns, with_ordinality="place")
        told = told.render_derived()
        chosen = sa.select(*(told.c[name] for name in columns)).order_by(told.c.place)
        return SqlEventLogStorageTable.insert().from_select(list(columns), chosen)

    replaced: Any = events
    replaced.prepare_insert_event_batch = prepared


def complete_tables(storage: DagsterPostgresStorage) -> None:
    """Bring Dagster's tables and their data up to date; what is done already is left out."""
    parts = (storage._run_storage, storage._schedule_storage)
    for part in (*parts, storage._event_log_storage):
        part.upgrade()
    for part in parts:
        part.migrate()
        part.optimize()
    storage._event_log_storage.reindex_events()
    storage._event_log_storage.reindex_assets()
