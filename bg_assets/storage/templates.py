"""Templates as the running system knows them: the last good one of each product, and what is
wrong with others.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

# A template is a row, and there are a handful: a look at all of them is the fastest way.
_READ = sa.text("""
    select name as product, hash, text, loaded_at, complete_at from bg.templates order by name
""")
_WRITE = sa.text("""
    insert into bg.templates as t (name, hash, text)
    select name, hash, text
    from jsonb_to_recordset(cast(:templates as jsonb)) as n(name text, hash text, text text)
    order by name
    on conflict (name) do update set
        hash = excluded.hash, text = excluded.text,
        loaded_at = case when t.hash <> excluded.hash then clock_timestamp() else t.loaded_at end,
        complete_at = case when t.hash = excluded.hash then t.complete_at end,
        looked_hash = case when t.hash = excluded.hash then t.looked_hash else '' end,
        looked_company = case when t.hash = excluded.hash then t.looked_company else '' end
    where (t.hash, t.text) is distinct from (excluded.hash, excluded.text)
""")
_VERSIONS = sa.text("""
    insert into bg.template_versions (product, hash, text)
    select name, hash, text
    from jsonb_to_recordset(cast(:templates as jsonb)) as n(name text, hash text, text text)
    order by name
    on conflict (product, hash) do nothing
""")
_MISTAKES = sa.text("select mistake, since from bg.template_mistakes order by mistake")
_WRITE_MISTAKES = sa.text("""
    insert into bg.template_mistakes (mistake)
    select unnest(cast(:mistakes as text[])) on conflict do nothing
""")
_FORGET_MISTAKES = sa.text("""
    delete from bg.template_mistakes where mistake <> all(cast(:mistakes as text[]))
""")


@dataclass(frozen=True, slots=True)
class Stored:
    """A template that once loaded: its hash and text, and since when it is in force.

    complete_at: since when every company that lacked the product has been asked for.
    """

    product: str
    hash: str
    text: str
    loaded_at: datetime
    complete_at: datetime | None


def read(conn: sa.Connection) -> dict[str, Stored]:
    """The last good templates by product."""
    return {row.product: Stored(**row._mapping) for row in conn.execute(_READ)}


def write(conn: sa.Connection, templates: Iterable[tuple[str, str, str]]) -> None:
    """Make these the last good ones: (product, hash, text) each; the same changes nothing.

    With the same hash but another text no group is older: what it says beside is kept, no more.
    Each hash keeps its first text for good, so that an experiment can go back to it.
    """
    rows = [{"name": product, "hash": digest, "text": text} for product, digest, text in templates]
    if rows:
        conn.execute(_WRITE, {"templates": json.dumps(rows)})
        conn.execute(_VERSIONS, {"templates": json.dumps(rows)})


def read_mistakes(conn: sa.Connection) -> dict[str, datetime]:
    """What is wrong with templates' files now, each with the time since when."""
    return {row.mistake: row.since for row in conn.execute(_MISTAKES)}


def write_mistakes(conn: sa.Connection, mistakes: Sequence[str]) -> None:
    """Make these the mistakes that there are; a known one keeps its time."""
    if set(read_mistakes(conn)) == set(mistakes):
        return
    conn.execute(_FORGET_MISTAKES, {"mistakes": list(mistakes)})
    conn.execute(_WRITE_MISTAKES, {"mistakes": list(mistakes)})
