"""Subscriptions, and groups that change, as short calls for the tests of notifications."""

import base64
from typing import Any

import sqlalchemy as sa

from bg_assets import encryption
from bg_assets.encryption import Keys
from bg_assets.storage.notifications import deliveries, outbox, subscriptions
from bg_assets.storage.notifications.deliveries import Claimed, Result
from bg_assets.storage.notifications.subscriptions import Wish
from bg_assets_tests.storage.rows import rows, run, value
from bg_assets_tests.storage.steps import PRODUCT

SECRET = "whsec_" + base64.b64encode(b"the secret of a subscription....").decode()
KEYS = Keys((encryption.new_key(),))
DAY = 86_400.0


def subscribe(engine: sa.Engine, url: str = "https://hooks.example/in", **wish: Any) -> int:
    """Subscribe to all of the workspace `default` unless told; returns the number."""
    with engine.begin() as conn:
        wanted = Wish(url, **{"workspace": "default", **wish})
        return subscriptions.add(conn, KEYS, wanted, SECRET, "tester")


def news(company_id: str, number: int = 1, **event: Any) -> dict[str, Any]:
    """An event of a company as `groups.complete` writes it, of its refresh of this number."""
    return {
        "company_id": company_id, "product": PRODUCT, "person_id": "ann", "event": "joined",
        "refresh_id": f"00000000-0000-4000-8000-{number:012}", "old": None,
        "new": {"role": "champion", "confidence": 0.5, "pinned": False},
        "because": "fits", **event,
    }  # fmt: skip


def tell(engine: sa.Engine, *companies: str, number: int = 1) -> None:
    """A commit with news of each of these companies."""
    with engine.begin() as conn:
        outbox.write(conn, [news(one, number) for one in companies])


def claim(engine: sa.Engine, number: int, most: int = 100, seconds: float = 60) -> list[Claimed]:
    """What a sender takes in hand."""
    with engine.begin() as conn:
        assert deliveries.lock(conn, number) is not None
        return deliveries.claim(conn, number, most, seconds)


def result(one: Claimed, *, accepted: bool = True, **columns: Any) -> Result:
    """What came of an attempt: taken, else tried again after an hour."""
    given = {"wait": None if accepted else 3600.0, "code": 204 if accepted else 500, "error": ""}
    return Result(one.subscription_id, one.outbox_id, one.lease, accepted, **{**given, **columns})


def record(engine: sa.Engine, *results: Result, disabled_after: float = 5 * DAY) -> list[int]:
    """Note it; returns the subscriptions that are given up."""
    with engine.begin() as conn:
        return deliveries.record(conn, results, disabled_after)


def due_now(engine: sa.Engine) -> None:
    """Time passes: whatever waits is due, and no lease holds."""
    run(engine, "update bg.deliveries set next_attempt_at = clock_timestamp() - interval '1 s' "
        "where status = 'pending'")  # fmt: skip


def companies(claimed: list[Claimed]) -> list[str]:
    """Of which companies they are, in their order."""
    return [one.message.company_id for one in claimed]


def statuses(engine: sa.Engine) -> list[str]:
    """Of all deliveries, in order."""
    found = rows(engine, "select status from bg.deliveries order by outbox_id, subscription_id")
    return [row["status"] for row in found]


def messages(engine: sa.Engine) -> int:
    """How many there are in the outbox."""
    return int(value(engine, "select count(*) from bg.outbox"))
