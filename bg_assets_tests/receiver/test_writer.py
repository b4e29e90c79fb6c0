"""The thread that stores events, and the connection that it keeps."""

import asyncio
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.encryption import Keys, new_key
from bg_assets.receiver.link import Link, Unavailable
from bg_assets.receiver.writer import Arrival, Stored, Writer

EVENT = Arrival("crm", "e", "person.left", "c", "p", "2026-01-31T09:30:00Z", None, b"1")


@pytest.fixture
def link(database_url: str) -> Iterator[Link]:
    """The way to the database."""
    made = Link(settings.read({"BG_DATABASE_URL": database_url}))
    yield made
    made.close()


def test_a_connection_that_was_refused_a_write_is_not_used_again(
    link: Link, engine: sa.Engine
) -> None:
    """Its server may only read since another has taken over, whom the next connection reaches."""
    read_only = f'alter database "{engine.url.database}" set default_transaction_read_only'

    async def run(conn: sa.Connection) -> Stored:
        writer = Writer(link, Keys((new_key(),)), 20)
        writer.start()
        conn.exec_driver_sql(f"{read_only} = on")
        with pytest.raises(Unavailable, match="read-only"):
            await writer.store(EVENT)
        conn.exec_driver_sql(f"{read_only} = off")
        stored = await writer.store(EVENT)
        await writer.stop()
        return stored

    async def soon(conn: sa.Connection) -> Stored:
        async with asyncio.timeout(30):
            return await run(conn)

    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        assert asyncio.run(soon(conn)) == Stored("pending", duplicate=False)
