"""Letting go of messages to subscribers and of measured values, which others let go of too."""

from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage.retention.step import Step, taken

# Served by outbox_by_time; deliveries go along by deliveries_by_message.
_MESSAGES = sa.text("""
    delete from bg.outbox where id = any(array(
        select id from bg.outbox where created_at < :until
        order by created_at limit :most for update skip locked))
""")
_COUNT_MESSAGES = sa.text("select count(*) from bg.outbox where created_at < :until")
# Both served by kpi_values_by_time.
_KPIS = sa.text("""
    delete from bg.kpi_values where id = any(array(
        select id from bg.kpi_values where at < :until order by at limit :most
        for update skip locked))
""")
_COUNT_KPIS = sa.text("select count(*) from bg.kpi_values where at < :until")


def remove_messages(conn: sa.Connection, until: datetime, after: object) -> Step:
    """Let go of some messages from before then, with what became of them."""
    return taken(conn, _MESSAGES, until)


def count_messages(conn: sa.Connection, until: datetime) -> int:
    """How many messages would go."""
    return int(conn.execute(_COUNT_MESSAGES, {"until": until}).scalar_one())


def remove_kpis(conn: sa.Connection, until: datetime, after: object) -> Step:
    """Let go of some values from before then."""
    return taken(conn, _KPIS, until)


def count_kpis(conn: sa.Connection, until: datetime) -> int:
    """How many values would go."""
    return int(conn.execute(_COUNT_KPIS, {"until": until}).scalar_one())
