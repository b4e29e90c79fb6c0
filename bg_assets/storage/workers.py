"""The processes that work, by their signs of life: a row each, written anew every few seconds.

A process tells of itself, or `up` tells what it sees of those that it has started. What ends in
order says so; what was killed falls silent, and is forgotten after a while.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

# Signs come every 10 s; after so many seconds without one something is wrong.
SILENT_SECONDS = 45.0
FORGOTTEN_SECONDS = 3600.0
ENDED_SECONDS = 120.0

# Served by the primary key. The server's clock, one for all hosts: an age is told, not a moment.
_BEAT = sa.text("""
    insert into bg.workers as w
        (host, pid, started, kind, run_id, started_at, beat_at, memory, state, ended_at)
    select host, pid, started, kind, run_id,
        clock_timestamp() - make_interval(secs => age),
        clock_timestamp() - make_interval(secs => silent), memory, state, null
    from jsonb_to_recordset(cast(:beats as jsonb)) as b(
        host text, pid integer, started text, kind text, run_id text, age float, silent float,
        memory bigint, state text)
    order by host, pid
    on conflict (host, pid) do update set
        started = excluded.started, kind = excluded.kind,
        run_id = case when w.started = excluded.started
            then coalesce(excluded.run_id, w.run_id) else excluded.run_id end,
        started_at = case when w.started = excluded.started
            then w.started_at else excluded.started_at end,
        beat_at = case when w.started = excluded.started
            then greatest(w.beat_at, excluded.beat_at) else excluded.beat_at end,
        memory = excluded.memory, state = excluded.state, ended_at = null
""")
_END = sa.text("""
    update bg.workers set ended_at = clock_timestamp()
    where host = :host and ended_at is null and (pid, started) in (
        select e.pid, e.started from jsonb_to_recordset(cast(:ended as jsonb))
            as e(pid integer, started text))
""")
# A look at a few dozen rows.
_FORGET = sa.text("""
    delete from bg.workers
    where beat_at < clock_timestamp() - make_interval(secs => :forgotten)
        or ended_at < clock_timestamp() - make_interval(secs => :ended) and kind <> 'daemon'
""")
# Served by nothing: the sessions of the server, some hundreds.
_ANY_WAITS = sa.text("""
    select exists (
        select from pg_stat_activity
        where wait_event_type = 'Lock'
            and query_start < clock_timestamp() - make_interval(secs => :seconds))
""")
_READ = sa.text("""
    select host, pid, started, kind, run_id, memory, state,
        extract(epoch from clock_timestamp() - started_at)::float as uptime_seconds,
        extract(epoch from clock_timestamp() - beat_at)::float as silent_seconds,
        extract(epoch from clock_timestamp() - ended_at)::float as ended_seconds
    from bg.workers order by host, kind, started_at, pid
""")


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life of a process: how old it is in s, and since when it has given no sign.

    ``started`` tells it from a later one with its id; ``state``: "", or what is the matter.
    """

    host: str
    pid: int
    started: str
    kind: str
    age: float
    memory: int
    run_id: str | None = None
    silent: float = 0.0
    state: str = ""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process as it was last heard of; memory in bytes, ended_seconds None while it goes on."""

    host: str
    pid: int
    started: str
    kind: str
    run_id: str | None
    memory: int
    state: str
    uptime_seconds: float
    silent_seconds: float
    ended_seconds: float | None

    @property
    def health(self) -> str:
        """``ok``, or what is the matter."""
        if self.ended_seconds is not None:
            return "ended"
        if self.state:
            return self.state
        if self.silent_seconds > SILENT_SECONDS:
            return f"silent for {self.silent_seconds:.0f} s"
        return "ok"


def beat(conn: sa.Connection, beats: Sequence[Beat]) -> None:
    """Note signs of life."""
    if beats:
        conn.execute(_BEAT, {"beats": json.dumps([asdict(one) for one in beats])})


def end(conn: sa.Connection, host: str, ended: Iterable[tuple[int, str]]) -> None:
    """Note that processes of a host, by id and start, have ended."""
    pairs = [{"pid": pid, "started": started} for pid, started in ended]
    if pairs:
        conn.execute(_END, {"host": host, "ended": json.dumps(pairs)})


def forget_old(conn: sa.Connection) -> None:
    """Remove what has been silent for an hour, and what ended, but the last daemon's end."""
    conn.execute(_FORGET, {"forgotten": FORGOTTEN_SECONDS, "ended": ENDED_SECONDS})


def any_waits(conn: sa.Connection, seconds: float = 5.0) -> bool:
    """Whether somebody in the server waits for a lock, with a statement that began so long ago."""
    return bool(conn.execute(_ANY_WAITS, {"seconds": seconds}).scalar())


def read(conn: sa.Connection) -> list[Worker]:
    """All processes that are known, those of a host together."""
    return [Worker(**row) for row in conn.execute(_READ).mappings()]
