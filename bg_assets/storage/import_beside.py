"""What a file says of people whose table is somebody else's: kept beside it, like what events tell.

An empty cell says nothing there, and who is deleted in the owner's table stays so.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from bg_assets.storage.capture import beside

_COUNTS = """
    select count(*) as written, count(*) filter (where not known) as inserted,
        (select count(*) from staged where reason is null) as good
"""
_TAKE = sa.text("""
    select bg.take_people(array(select id from told where known), false)
""")


def compare(conn: sa.Connection, columns: Sequence[str], stored: str) -> Any:
    """How many of the staged rows are good, would be written, and are of somebody new.

    ``stored``: the SQL of the columns of a staged row ``s``.
    """
    return conn.execute(sa.text(f"{_COUNTS} from ({_news(columns, stored)}) as told")).one()


def put(conn: sa.Connection, columns: Sequence[str], stored: str) -> Any:
    """Keep what the staged rows say that is not known; returns what ``compare`` does."""
    conn.execute(sa.text("drop table if exists told"))
    news = _news(columns, stored)
    conn.execute(sa.text(f"create temporary table told on commit drop as {news}"))
    conn.execute(sa.text("analyze told"))
    conn.execute(_TAKE)
    listed = ", ".join(columns)
    settings = ", ".join(
        f"{name} = coalesce(excluded.{name}, o.{name})" for name in columns if name != "id"
    )
    # What is ours alone was deleted by events or files, which this one contradicts.
    conn.execute(
        sa.text(f"""
            insert into {beside.TABLE} as o ({listed}, observed_at)
            select {listed}, statement_timestamp() from told order by id
            on conflict (id) do update set {settings},
                deleted_at = case when o.theirs is not null then o.deleted_at end
        """)
    )
    return conn.execute(sa.text(f"{_COUNTS} from told")).one()


def _news(columns: Sequence[str], stored: str) -> str:
    """The rows that tell something, and whether there is somebody of the id. Served by the primary
    key, or one pass over both."""
    differs = " or ".join(
        f"(f.{name} is not null and t.{name} is distinct from f.{name})"
        for name in columns
        if name != "id"
    )
    return f"""
        select f.*, t.id is not null as known
        from (select {stored} from staged as s where reason is null) as f
            left join bg.canonical_people as t on t.id = f.id
        where t.id is null or {differs or "false"}
    """
