"""The receiver's sign of life, which `status` shows wherever it runs."""

import os
from collections.abc import Awaitable, Callable

import sqlalchemy as sa

from bg_assets import process
from bg_assets.receiver.link import Link
from bg_assets.storage import workers

EVERY_SECONDS = 15.0


def beating(link: Link) -> Callable[[], Awaitable[None]]:
    """What gives a sign each time it is called."""

    def note(conn: sa.Connection) -> None:
        me = process.seen(os.getpid())
        if me is not None:
            beat = workers.Beat(me.host, me.pid, me.started, "receiver", me.age, me.memory)
            workers.beat(conn, [beat])

    async def turn() -> None:
        await link.run(note)

    return turn


async def end(link: Link) -> None:
    """Say that this process ends in order, so that nobody misses it."""
    me = process.seen(os.getpid())
    if me is not None:
        await link.run(lambda conn: workers.end(conn, me.host, [(me.pid, me.started)]))
