"""The advisory locks of PostgreSQL that we take: what each guards, and all of their numbers.

No other module names one: Dagster's tables may stand in the same database as ours, where one number
for two things would let each wait for the other. All end with their transaction: behind a pooler a
session is anybody's.
"""

from enum import IntEnum

import sqlalchemy as sa

_WAIT = sa.text("select pg_advisory_xact_lock(:key)")
_SHARE = sa.text("select pg_advisory_xact_lock_shared(:key)")
_TRY = sa.text("select pg_try_advisory_xact_lock(:key)")
_OF_COMPANY = sa.text(
    "select pg_advisory_xact_lock(hashtextextended('override ' || :company_id, 0))"
)
_OF_ENRICHMENT = sa.text(
    "select pg_advisory_xact_lock(hashtextextended('enrichment ' || :company_id, 0))"
)


class Lock(IntEnum):
    """What one transaction at a time does in a database.

    A number never changes and never comes back for another thing: a process from before an upgrade
    may hold it.
    """

    SCHEMA = 0x6267_0001  # making or changing our tables and the capture of changes
    IMPORT = 0x6267_0002  # writing people or companies from a file
    WEBHOOK_EVENTS = 0x6267_0003  # applying the pending events of the door
    KEY_ROTATION = 0x6267_0004  # encrypting anew what is stored
    DAGSTER_TABLES = 0x6267_0005  # making or changing Dagster's tables
    ALERTS = 0x6267_0007  # noting what a look for alerts has seen
    SOURCES = 0x6267_0008  # making ids from files a source's; imports with such ids share it
    OLD_GROUPS = 0x6267_5F74  # asking for groups that another template built


def take(conn: sa.Connection, lock: Lock) -> None:
    """Take the lock until the transaction ends, once whoever has it is done."""
    conn.execute(_WAIT, {"key": int(lock)})


def share(conn: sa.Connection, lock: Lock) -> None:
    """Let nobody take the lock until the transaction ends, once whoever has it is done."""
    conn.execute(_SHARE, {"key": int(lock)})


def try_to_take(conn: sa.Connection, lock: Lock) -> bool:
    """Take the lock until the transaction ends; False, at once, where another has it."""
    return bool(conn.execute(_TRY, {"key": int(lock)}).scalar_one())


def take_overrides(conn: sa.Connection, company_id: str) -> None:
    """Let nobody else pin or exclude people of this company until the transaction ends.

    Two at once would meet in the index, and one of them would fail.
    """
    conn.execute(_OF_COMPANY, {"company_id": company_id})


def take_enrichment(conn: sa.Connection, company_id: str) -> None:
    """Let nobody else write what providers saw of this company until the transaction ends.

    Two at once would each make the same new person.
    """
    conn.execute(_OF_ENRICHMENT, {"company_id": company_id})
