"""What the commands about subscriptions share: which one is meant, times, and how one is shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.cli import session
from bg_assets.domain.notifications import targets
from bg_assets.storage.notifications import subscriptions
from bg_assets.storage.notifications.subscriptions import Subscription

JSON = click.option("--json", "as_json", is_flag=True)
NUMBER = click.argument("number", metavar="ID", type=click.IntRange(1, 2**63 - 1))


def found(conn: sa.Connection, number: int) -> Subscription:
    """The subscription of a number; ends with exit code 2, naming those there are, without one."""
    known = subscriptions.read(conn, number)
    if not known:
        numbers = ", ".join(str(one.id) for one in subscriptions.read(conn))
        there = f"there are: {numbers}" if numbers else "`bg-assets subscriptions add` adds one"
        session.fail(f"no subscription {number}; {there}", session.USAGE)
    return known[0]


class Moment(click.ParamType[datetime]):
    """A date, a time in UTC unless it names its zone, or how long ago, like 3d."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The moment, in UTC."""
        ago = settings.seconds(str(value))
        if ago is not None:
            return datetime.now(UTC) - timedelta(seconds=ago)
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError:
            self.fail(f"{value!r} is no time like 2026-11-01, 2026-11-01T12:00 or 3d", param, ctx)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def document(one: Subscription) -> dict[str, Any]:
    """A subscription for --json. Of its URL only where it goes: the path may hold a token."""
    return {
        "id": one.id,
        "to": targets.target(one.url).shown,
        "workspace": one.workspace,
        "products": list(one.products),
        "kinds": list(one.kinds),
        "names": one.names,
        "insecure": one.insecure,
        "private": one.private,
        "status": one.status,
        "status_reason": one.status_reason,
        "status_since": one.status_since,
        "created_at": one.created_at,
        "last_success_at": one.last_success_at,
        "failing_since": one.failing_since,
        "paused_until": one.paused_until,
        "secrets": one.secrets,
    }


def day(at: datetime | None) -> str:
    """A moment in words, in UTC."""
    return "never" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
