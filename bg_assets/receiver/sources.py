"""The sources as this process knows them: read again and again, so that a change counts at once."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.domain.webhooks.secrets import key_of
from bg_assets.encryption import Keys
from bg_assets.receiver import networks
from bg_assets.receiver.link import Link
from bg_assets.storage.webhooks import sources
from bg_assets.storage.webhooks.sources import Source

EVERY_SECONDS = 0.4
# What was read longer ago is not believed: a secret may have been revoked since.
_OLDEST_SECONDS = 0.8


@dataclass(frozen=True, slots=True)
class Known:
    """A source ready to be judged by. ``keys`` go with their ends, in seconds since 1970."""

    source: Source
    networks: tuple[networks.Network, ...]
    keys: tuple[tuple[bytes, float], ...]

    def valid_keys(self, now: float) -> list[bytes]:
        """The keys whose end has not come."""
        return [key for key, end in self.keys if now < end]


class Sources:
    """All sources by name. Only for the thread of the event loop."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys
        self._known: Mapping[str, Known] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def find(self, name: str) -> Known | None:
        """The source of this name as of less than a second ago. Raises Unavailable."""
        if time.monotonic() - self._read_at > _OLDEST_SECONDS:
            await self.reread()
        return self._known.get(name)

    async def reread(self) -> None:
        """Read the sources in a read that begins after this call; those who wait share it.

        Raises Unavailable.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._read_after(self._reading))
            # All who waited for it may have gone by the time it fails.
            self._next.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(self._next)

    def peek(self, name: str) -> bool:
        """Whether there was a source of this name at the last look."""
        return name in self._known

    async def _read_after(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._reading, self._next = self._next, None
        began = time.monotonic()
        self._known = await self._link.run(self._read)
        self._read_at = began

    def _read(self, conn: sa.Connection) -> dict[str, Known]:
        found = sources.read_sources(conn, self._keys)
        return {name: _ready(source) for name, source in found.items()}


def _ready(source: Source) -> Known:
    keys = []
    for secret in source.secrets:
        key = key_of(source.scheme, secret.text)
        if key is not None:
            end = secret.expires_at.timestamp() if secret.expires_at else float("inf")
            keys.append((key, end))
    return Known(source, networks.networks(source.networks), tuple(keys))
