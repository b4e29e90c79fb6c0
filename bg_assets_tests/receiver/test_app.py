"""The application as a whole: what it starts, and that it ends it."""

import asyncio

from bg_assets import settings
from bg_assets.encryption import Keys, new_key
from bg_assets.receiver.app import application, assemble
from bg_assets.receiver.limits import Limits
from bg_assets.receiver.link import Link


def test_an_application_that_ends_leaves_no_task_behind(database_url: str) -> None:
    link = Link(settings.read({"BG_DATABASE_URL": database_url}))
    receiver = assemble(link, Keys((new_key(),)), Limits())
    app = application(receiver)

    async def live() -> tuple[int, int]:
        async with app.router.lifespan_context(app):
            during = len(asyncio.all_tasks())
        return during, len(asyncio.all_tasks())

    assert asyncio.run(live()) == (6, 1)
