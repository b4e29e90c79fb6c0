"""What all processes together do once in a while: whose turn it is, and what is remembered."""

import json
from typing import Any

import sqlalchemy as sa

from bg_assets.storage import dueness

# Served by the primary key. Who comes second waits for the first to commit, and finds it done. One
# that was begun in the future was begun by a clock that has been set back since.
_BEGIN = sa.text(f"""
    insert into bg.chores as c (name, begun_at) values (:name, clock_timestamp())
    on conflict (name) do update set begun_at = excluded.begun_at
    where c.begun_at <= clock_timestamp() - make_interval(secs => :every)
        or c.begun_at > clock_timestamp() + {dueness.AHEAD}
    returning name
""")
_STATE = sa.text("select state from bg.chores where name = :name")
_REMEMBER = sa.text("""
    insert into bg.chores as c (name, begun_at, state)
    values (:name, clock_timestamp(), cast(:state as jsonb))
    on conflict (name) do update set state = excluded.state
""")


def begin(conn: sa.Connection, name: str, every: float) -> bool:
    """Whether it is this process's turn: nobody has begun it for ``every`` seconds.

    Commit soon: others wait for it. Whoever then fails at it leaves it to the next turn.
    """
    return conn.execute(_BEGIN, {"name": name, "every": every}).scalar() is not None


def recall(conn: sa.Connection, name: str) -> Any:
    """What was remembered last; None where nothing was."""
    return conn.execute(_STATE, {"name": name}).scalar()


def remember(conn: sa.Connection, name: str, state: Any) -> None:
    """Keep something for the next time, as JSON."""
    conn.execute(_REMEMBER, {"name": name, "state": json.dumps(state)})
