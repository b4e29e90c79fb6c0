"""The two databases of an installation, as a backup and a restore look at them."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.storage import database

# What nobody has made who only just began.
_OF_SOMEBODY = (
    "companies", "people", "changes", "buyer_groups", "member_overrides", "webhook_sources",
    "webhook_events",
)  # fmt: skip
_QUALIFIED = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")

_MAJOR = sa.text("select current_setting('server_version_num')::int / 10000")
# Served by nothing: the sessions of the server, some hundreds.
_SESSIONS = sa.text("""
    select coalesce(nullif(application_name, ''), 'unnamed') as name, count(*) as number
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
        and coalesce(backend_type, 'client backend') = 'client backend'
    group by 1 order by 2 desc, 1
""")
_QUALIFY = sa.text("""
    select format('%I.%I', n.nspname, c.relname)
    from unnest(cast(:names as text[])) as t(name)
    join pg_class as c on c.oid = to_regclass(quote_ident(t.name))
    join pg_namespace as n on n.oid = c.relnamespace
    order by 1
""")
_HAS_TABLE = sa.text("select to_regclass(:name) is not null")
# Views and foreign keys of others: what `drop schema bg cascade` would take along.
_DEPENDENTS = sa.text("""
    select distinct format('%I.%I', n.nspname, c.relname)
    from pg_depend as d
    join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    join pg_class as c on c.oid = r.ev_class
    join pg_namespace as n on n.oid = c.relnamespace
    join pg_class as ours on d.refclassid = 'pg_class'::regclass and ours.oid = d.refobjid
    where ours.relnamespace = to_regnamespace('bg') and n.nspname <> 'bg'
    union
    select conrelid::regclass::text from pg_constraint as f
    join pg_class as ours on ours.oid = f.confrelid
    join pg_class as theirs on theirs.oid = f.conrelid
    where f.contype = 'f' and ours.relnamespace = to_regnamespace('bg')
        and theirs.relnamespace <> to_regnamespace('bg')
    order by 1
""")


@dataclass(frozen=True, slots=True)
class Databases:
    """SQLAlchemy URLs of the database that holds schema bg and of Dagster's, which may be one."""

    bg: str
    dagster: str


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """One transaction on a connection of its own. Raises DatabaseUnreachable."""
    engine = database.make_engine(url, pool_size=1, name="bg_assets backup")
    try:
        with database.connect(engine) as conn:
            yield conn
    finally:
        engine.dispose()


def major(conn: sa.Connection) -> int:
    """The major version of the server."""
    return int(conn.execute(_MAJOR).scalar_one())


def sessions(conn: sa.Connection) -> list[str]:
    """The other sessions on this database, as "3 of dagster"."""
    return [f"{row.number} of {row.name}" for row in conn.execute(_SESSIONS)]


def qualified(conn: sa.Connection, names: Sequence[str]) -> list[str]:
    """Those of the tables that there are, each with its schema."""
    return list(conn.execute(_QUALIFY, {"names": list(names)}).scalars())


def is_plain(table: str) -> bool:
    """Whether a qualified name can be typed as it is."""
    return _QUALIFIED.fullmatch(table) is not None


def rows_of_bg(conn: sa.Connection) -> list[str]:
    """Which tables of schema bg hold something that somebody brought."""
    return [name for name in _OF_SOMEBODY if _has_rows(conn, f"bg.{name}")]


def has_runs(conn: sa.Connection) -> bool:
    """Whether Dagster has recorded any run."""
    return _has_rows(conn, "runs")


def dependents(conn: sa.Connection) -> list[str]:
    """What others made upon the tables of schema bg and would be dropped with it."""
    return list(conn.execute(_DEPENDENTS).scalars())


def _has_rows(conn: sa.Connection, table: str) -> bool:
    if not conn.execute(_HAS_TABLE, {"name": table}).scalar():
        return False
    return bool(conn.exec_driver_sql(f"select exists (select from {table})").scalar())
