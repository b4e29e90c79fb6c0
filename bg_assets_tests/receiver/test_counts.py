"""What the door counts goes to bg.receiver_counts, where all doors add up."""

import asyncio
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.receiver.link import Link
from bg_assets.receiver.meter import Meter
from bg_assets.storage.measures import receiver
from bg_assets.storage.measures.receiver import Counts
from bg_assets_tests.receiver.doors import event, on_a_thread
from bg_assets_tests.storage.rows import run


@pytest.fixture
def link(database_url: str) -> Iterator[Link]:
    made = Link(settings.read({"BG_DATABASE_URL": database_url}))
    yield made
    made.close()


def totals(engine: sa.Engine) -> Counts:
    with engine.begin() as conn:
        return receiver.totals(conn)


def test_a_door_that_stops_has_carried_all_its_counts(database_url: str, engine: sa.Engine) -> None:
    with on_a_thread(database_url, engine) as door:
        door.add()
        sent = event()
        assert [door.deliver(sent).status for _ in range(2)] == [202, 200]
        assert door.deliver(event(id=sent["id"], note="another")).status == 200
        assert door.send(b"{}", {}).status == 401

    found = totals(engine)
    assert (found.received, found.accepted, found.duplicates, found.differing) == (4, 1, 2, 1)
    assert found.refused == {"no-signature": 1}
    assert found.answered == 4
    assert found.seconds_sum > 0


def test_what_can_not_be_carried_is_kept_for_the_next_time(link: Link, engine: sa.Engine) -> None:
    meter = Meter(link)

    async def flush() -> None:
        await meter.flush()

    meter.received()
    meter.took(0.3)
    run(engine, "alter table bg.receiver_counts rename to elsewhere")
    asyncio.run(flush())
    meter.received()
    meter.refused("rate", "crm")
    run(engine, "alter table bg.elsewhere rename to receiver_counts")
    assert totals(engine) == Counts()
    asyncio.run(flush())

    found = totals(engine)
    assert (found.received, found.refused, found.answered) == (2, {"rate": 1}, 1)
    asyncio.run(flush())
    assert totals(engine) == found
