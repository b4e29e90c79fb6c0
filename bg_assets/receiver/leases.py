"""Tokens of the sources' buckets, leased from the database by the handful and spent here.

So several processes share one rate, and most requests ask the database nothing.
"""

import asyncio
import math
import time
from dataclasses import dataclass

from bg_assets.receiver.link import Link
from bg_assets.storage.webhooks import sources
from bg_assets.storage.webhooks.sources import Source

# What a lease is for, and after how long what is left of it is given up.
_AHEAD_SECONDS = 0.05
_KEPT_SECONDS = 1.0


@dataclass(slots=True)
class _Lease:
    tokens: int = 0
    until: float = 0.0
    empty_until: float = 0.0
    waiting: int = 0
    asking: asyncio.Task[None] | None = None


class Leases:
    """The leases of this process. Only for the thread of the event loop."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._held: dict[str, _Lease] = {}

    async def take(self, source: Source) -> float:
        """Take a token; returns 0, or the seconds until there may be one. Raises Unavailable."""
        lease = self._held.setdefault(source.id, _Lease())
        while True:
            now = time.monotonic()
            if now > lease.until:
                lease.tokens = 0
            if lease.tokens:
                lease.tokens -= 1
                few = lease.tokens <= source.per_second * _AHEAD_SECONDS / 2
                if few and source.per_second * _AHEAD_SECONDS > 1 and now >= lease.empty_until:
                    self._ask(lease, source)
                return 0.0
            if now < lease.empty_until:
                return lease.empty_until - now
            lease.waiting += 1
            try:
                await asyncio.shield(self._ask(lease, source))
            finally:
                lease.waiting -= 1

    def _ask(self, lease: _Lease, source: Source) -> asyncio.Task[None]:
        if lease.asking is None:
            lease.asking = asyncio.create_task(self._lease(lease, source))
            # Where nobody waits for it, a failure is seen by whoever comes next.
            lease.asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        return lease.asking

    async def _lease(self, lease: _Lease, source: Source) -> None:
        try:
            wanted = max(1, lease.waiting, math.ceil(source.per_second * _AHEAD_SECONDS))
            granted, seconds = await self._link.run(
                lambda conn: sources.take_tokens(conn, source, wanted)
            )
            now = time.monotonic()
            lease.tokens += granted
            lease.until = now + _KEPT_SECONDS
            lease.empty_until = now + seconds
        finally:
            lease.asking = None
