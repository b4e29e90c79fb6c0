"""Tokens leased ahead: for sources that use them up before they are given up, and no others."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
import sqlalchemy as sa

from bg_assets.receiver import leases
from bg_assets.receiver.leases import Leases
from bg_assets.receiver.link import Link
from bg_assets.storage.webhooks import sources
from bg_assets.storage.webhooks.sources import Source


class Bucket:
    """A link to a bucket that grants whatever is wanted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.granted: list[int] = []
        monkeypatch.setattr(sources, "take_tokens", self._take)

    async def run(self, work: Callable[[sa.Connection], tuple[int, float]]) -> tuple[int, float]:
        return work(cast(sa.Connection, None))

    def _take(self, _: sa.Connection, __: Source, wanted: int) -> tuple[int, float]:
        self.granted.append(wanted)
        return wanted, 0.0


def granted(monkeypatch: pytest.MonkeyPatch, per_second: float, taken: int) -> list[int]:
    """What the bucket granted each time until so many tokens were taken, one after another."""
    # However slow the machine, nothing is given up meanwhile.
    monkeypatch.setattr(leases, "_KEPT_SECONDS", 3600.0)
    bucket = Bucket(monkeypatch)
    source = Source("crm", "plain", "default", False, (), per_second, 1000)

    async def take() -> None:
        held = Leases(cast(Link, bucket))
        for _ in range(taken):
            assert await held.take(source) == 0
            # What is asked for ahead has its turn.
            for _ in range(5):
                await asyncio.sleep(0)

    asyncio.run(take())
    return bucket.granted


@pytest.mark.parametrize("per_second", [0.5, 10, 20])
def test_a_slow_source_leases_no_token_that_it_has_no_use_for(
    monkeypatch: pytest.MonkeyPatch, per_second: float
) -> None:
    assert granted(monkeypatch, per_second, 3) == [1, 1, 1]


def test_a_fast_source_leases_the_next_handful_when_half_of_one_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert granted(monkeypatch, 200, 4) == [10]
    assert granted(monkeypatch, 200, 5) == [10, 10]
