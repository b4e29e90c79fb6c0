"""Ends a piece of work at its k-th statement: by an error of the process, or of its connection."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from bg_assets.embedded.databases import DatabaseUnreachable


class Crash(BaseException):
    """The process ends here: nothing of ours may catch it."""


@contextmanager
def crash_at(engine: sa.Engine, place: int, *, kill: bool) -> Iterator[None]:
    """Let what this engine does end before the statement or commit number ``place``, from 0.

    With ``kill`` the server ends the connection instead, so that the statement itself fails.
    """
    seen = 0

    def stop(conn: sa.Connection) -> None:
        nonlocal seen
        seen += 1
        if seen != place + 1:
            return
        if not kill:
            raise Crash
        terminate(engine, conn)

    def before_statement(conn: sa.Connection, *_: object) -> None:
        stop(conn)

    sa.event.listen(engine, "before_cursor_execute", before_statement)
    sa.event.listen(engine, "commit", stop)
    try:
        yield
    finally:
        sa.event.remove(engine, "before_cursor_execute", before_statement)
        sa.event.remove(engine, "commit", stop)


def terminate(engine: sa.Engine, conn: sa.Connection) -> None:
    """End the backend of a connection and wait until it is gone."""
    driver = conn.connection.driver_connection
    assert driver is not None
    other = sa.create_engine(engine.url, poolclass=sa.NullPool)
    pid = {"pid": driver.get_backend_pid()}
    with other.connect() as control:
        control.execute(sa.text("select pg_terminate_backend(:pid)"), pid)
        # The server's own wait looks every 100 ms only.
        alive = sa.text("select exists (select from pg_stat_activity where pid = :pid)")
        deadline = time.monotonic() + 10
        while control.execute(alive, pid).scalar():
            control.rollback()
            assert time.monotonic() < deadline
            time.sleep(0.001)


def ends_at_each_place(
    engine: sa.Engine,
    prepare: Callable[[int], Callable[[], object]],
    afterwards: Callable[[int], None],
    *,
    kill: bool,
) -> int:
    """For each place in turn: prepare a work, end it there, look. Returns how many places it has.

    ``prepare`` gets the number of the turn and returns the work.
    """
    for place in range(200):
        work = prepare(place)
        try:
            with crash_at(engine, place, kill=kill):
                work()
        except (Crash, DatabaseUnreachable, sa.exc.DBAPIError):
            afterwards(place)
            continue
        afterwards(place)
        return place
    raise AssertionError("the work has no end")
