"""A change every second for five minutes, each in another company: latency and backlog.

The daemon and the code server run on `--companies N` (10,000) of the sample with all their groups.
One person's title changes every `--every` seconds (1), for `--seconds` (300), in companies chosen
by a fixed seed; BG_SETTLE is `--settle` (0). Told are the seconds from the commit of the change to
the commit of the group, with their parts, and how many companies waited at once, looked at every
second: where the last is more than the most of the first half, the system falls behind.
`--json` prints one document.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from bench import running, sampled

_SEED = 7
_BUILD_SECONDS = 3600.0
PARTS = ("total", "claim", "start", "run")
_CHOSEN = sa.text("select id from bg.companies order by id")
_RETITLE = sa.text("""
    update bg.people set title = coalesce(title, '') || ' II'
    where id = (select min(id) from bg.people where company_id = :company)
""")
_PENDING = sa.text("select count(distinct company_id) from bg.changes where handled_at is null")
_TIMES = sa.text("""
    select extract(epoch from r.finished_at - c.occurred_at)::float as total,
        extract(epoch from r.requested_at - c.occurred_at)::float as claim,
        extract(epoch from r.started_at - r.requested_at)::float as start,
        extract(epoch from r.finished_at - r.started_at)::float as run
    from bg.changes as c join bg.buyer_group_refresh_log as r on r.id = c.refresh_id
    where c.occurred_at >= :since and r.status = 'completed'
""")


@dataclass(frozen=True, slots=True)
class Trickle:
    """What came of one: seconds by part for each change, and companies that waited, by second.

    ``late``: by how many seconds at most a change was made later than it was to be.
    """

    companies: int
    people: int
    every: float
    late: float
    parts: dict[str, list[float]]
    waited: list[int] = field(default_factory=list)

    def as_document(self) -> dict[str, Any]:
        """The figures, the times being told by their quantiles."""
        told = {
            part: dict(zip(("p50", "p95", "max"), running.quantiles(times), strict=True))
            for part, times in self.parts.items()
        }
        counted = {name: one for name, one in asdict(self).items() if name != "parts"}
        return {**counted, "changes": len(self.parts["total"]), "seconds": told}


def main(arguments: Sequence[str]) -> None:
    """Print p50, p95 and the longest of each part, in seconds, and the backlog."""
    parser = argparse.ArgumentParser(prog="python -m bench trickle", description=__doc__)
    parser.add_argument("--companies", type=int, default=10_000)
    parser.add_argument("--every", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--settle", type=float, default=0.0)
    parser.add_argument("--json", action="store_true", dest="as_json")
    chosen = parser.parse_args(arguments)
    number = max(1, round(chosen.seconds / chosen.every))
    with running.with_door(chosen.settle) as (engine, _):
        found = measured(engine, chosen.companies, number, chosen.every)
    sys.stdout.write(_as_json(found) if chosen.as_json else _as_text(found))


def measured(engine: sa.Engine, companies: int, number: int, every: float) -> Trickle:
    """Fill the database of a running system, wait for all groups, and let changes trickle."""
    people = sampled.fill(engine, companies)
    running.settle(engine, _BUILD_SECONDS)
    with engine.begin() as conn:
        known = conn.execute(_CHOSEN).scalars().all()
        since = conn.execute(sa.text("select clock_timestamp()")).scalar_one()
    ids = random.Random(_SEED).sample(known, min(number, len(known)))
    with _waiting(engine) as waited:
        late = _change(engine, ids, every)
    running.settle(engine, _BUILD_SECONDS)
    with engine.begin() as conn:
        rows = conn.execute(_TIMES, {"since": since}).all()
    parts = {part: [getattr(row, part) for row in rows] for part in PARTS}
    return Trickle(len(known), people, every, late, parts, waited)


def _change(engine: sa.Engine, companies: Sequence[str], every: float) -> float:
    """Change one after the other, in step with the clock; gives how late the latest was, in s."""
    began, late = time.monotonic(), 0.0
    for step, company in enumerate(companies):
        ahead = began + step * every - time.monotonic()
        late = max(late, -ahead)
        time.sleep(max(0.0, ahead))
        with engine.begin() as conn:
            conn.execute(_RETITLE, {"company": company})
    return late


@contextmanager
def _waiting(engine: sa.Engine) -> Iterator[list[int]]:
    """How many companies have changes that no group reflects, looked at each second."""
    found: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(1):
            with engine.begin() as conn:
                found.append(int(conn.execute(_PENDING).scalar_one()))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def _as_json(found: Trickle) -> str:
    return json.dumps(found.as_document()) + "\n"


def _as_text(found: Trickle) -> str:
    changes = len(found.parts["total"])
    half = found.waited[: len(found.waited) // 2]
    lines = [
        f"{changes} changes, one every {found.every:g} s, {found.companies:,} companies of "
        f"{found.people:,} people; a change was made {found.late:.2f} s late at most",
        *(running.quantiles_line(part, times) for part, times in found.parts.items()),
        f"  waiting at once: {max(found.waited, default=0)} at most, {max(half, default=0)} in the "
        f"first half, {found.waited[-1] if found.waited else 0} at the end",
    ]
    return "\n".join(lines) + "\n"
