"""What the running instance goes by, for commands whose own environment says something else.

Written by the instance alone, never by a command. No secret is among them.
"""

import json
from collections.abc import Mapping

import sqlalchemy as sa

# A handful of rows: a look at all of them is the fastest way.
_READ = sa.text("select name, value from bg.instance_settings")
_WRITE = sa.text("""
    insert into bg.instance_settings as s (name, value)
    select name, value from jsonb_each_text(cast(:values as jsonb)) as n(name, value) order by name
    on conflict (name) do update set value = excluded.value, since = clock_timestamp()
    where s.value is distinct from excluded.value
""")
_FORGET = sa.text("delete from bg.instance_settings where name <> all(cast(:names as text[]))")


def read(conn: sa.Connection) -> dict[str, str | None]:
    """The settings by the names of their variables, None where unset; empty if nothing ever ran."""
    return {row.name: row.value for row in conn.execute(_READ)}


def write(conn: sa.Connection, values: Mapping[str, str | None]) -> None:
    """Make these the settings of the instance; where they are that already, it is a look."""
    if read(conn) == values:
        return
    conn.execute(_FORGET, {"names": list(values)})
    conn.execute(_WRITE, {"values": json.dumps(values)})
