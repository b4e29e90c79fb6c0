"""An installation that is watched: what its causes are done with, and what a channel was told."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.alerting import looking
from bg_assets.alerting.watch import Watch
from bg_assets.domain.alerts.kinds import GONE_SECONDS, KINDS
from bg_assets.domain.webhooks import secrets
from bg_assets_tests.alerting.servers import Web
from bg_assets_tests.cli.command import Command

SECRET = secrets.from_random("standard", bytes(range(32)))


@dataclass
class Scene:
    """``watch`` looks for ``kind`` alone, and tells the vendor by a webhook."""

    kind: str
    bg: Command
    vendor: Web
    watch: Watch
    seconds: float = 0.0
    kept: dict[str, Any] = field(default_factory=dict)
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def engine(self) -> sa.Engine:
        """An engine on the database."""
        return self.bg.engine

    def pass_by(self, seconds: float) -> list[tuple[str, str]]:
        """Let so much time pass, look, and return what the vendor was told by that.

        As (event, key), like ("raised", "disk-low:host").
        """
        before = len(self.vendor.requests)
        self.seconds += seconds
        self.watch.ahead = timedelta(seconds=self.seconds)
        self.watch.round()
        return [
            (one["type"].removeprefix("alert."), one["data"]["key"])
            for one in self.vendor.documents[before:]
        ]

    def until_raised(self) -> list[tuple[str, str]]:
        """Look until what is wrong has lasted."""
        # Some checks are rare, and what has just ended is counted a little later.
        told = self.pass_by(looking.SELDOM_SECONDS)
        return [*told, *self.pass_by(KINDS[self.kind].lasts)]

    def until_over(self) -> list[tuple[str, str]]:
        """Look until nothing was seen for long enough, by checks of which some are rare."""
        told = self.pass_by(looking.SELDOM_SECONDS)
        return [*told, *self.pass_by(GONE_SECONDS)]

    def set(self, **changed: Any) -> None:
        """Let the process that watches have other settings."""
        self.watch.config = replace(self.watch.config, **changed)

    def execute(self, statement: str, **parameters: object) -> None:
        """Run one statement."""
        self.bg.execute(statement, **parameters)


def settled_for(vendor: Web, **variables: str) -> settings.Settings:
    """The settings of a process that tells the vendor by a webhook."""
    return settings.read(
        {
            **os.environ,
            "BG_ALERTS": "webhook",
            "BG_ALERTS_WEBHOOK_URL": vendor.url,
            "BG_ALERTS_WEBHOOK_SECRET": SECRET,
            **variables,
        }
    )


@contextlib.contextmanager
def scene(
    kind: str,
    engine: sa.Engine,
    vendor: Web,
    folder: Path,
    checks: Sequence[looking.Watched] | None = None,
) -> Iterator[Scene]:
    """A scene whose watch does the check of this kind, and that of the database."""
    if checks is None:
        wanted = {KINDS[kind].check, looking.DATABASE}
        checks = [one for one in looking.CHECKS if one.name in wanted]
    made = Scene(
        kind, Command(engine, folder), vendor, Watch(settled_for(vendor), checks)
    )  # fmt: skip
    with made.stack:
        yield made
