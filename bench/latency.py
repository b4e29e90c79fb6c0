"""From the commit of a changed title to the commit of the group, one change every 2 s.

`--seconds N` takes another time than two minutes for each value of BG_SETTLE, `--every N` another
pause between two changes; `--json` prints one document.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence

import sqlalchemy as sa

from bench import running

# Without settling, and the default.
SETTLES = (0.0, 2.0)
_NAMES = ("total", "claim", "start", "run")
# Where the time goes: until the claim, until the run takes the refresh, until the group stands.
_PARTS = sa.text("""
    select extract(epoch from r.finished_at - c.occurred_at)::float as total,
        extract(epoch from r.requested_at - c.occurred_at)::float as claim,
        extract(epoch from r.started_at - r.requested_at)::float as start,
        extract(epoch from r.finished_at - r.started_at)::float as run
    from bg.changes as c join bg.buyer_group_refresh_log as r on r.id = c.refresh_id
    where c.kind = 'role_change' and r.status = 'completed'
""")


def main(arguments: Sequence[str]) -> None:
    """Print p50, p95 and the longest for each value of BG_SETTLE, in seconds."""
    parser = argparse.ArgumentParser(prog="python -m bench latency", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--every", type=float, default=2.0)
    parser.add_argument("--json", action="store_true", dest="as_json")
    chosen = parser.parse_args(arguments)
    number = max(1, round(chosen.seconds / chosen.every))
    documents = []
    for settle in SETTLES:
        with running.running(settle) as engine:
            rows = _measure(engine, number, chosen.every)
        parts = {part: [getattr(row, part) for row in rows] for part in _NAMES}
        quantiles = {part: running.quantiles(times) for part, times in parts.items()}
        documents.append({"settle": settle, "changes": len(rows), "p50_p95_max": quantiles})
        if chosen.as_json:
            continue
        sys.stdout.write(
            f"BG_SETTLE={settle:g}: {len(rows)} changes, one every {chosen.every:g} s\n"
        )
        for part, times in parts.items():
            running.write_quantiles(part, times)
        sys.stdout.flush()
    if chosen.as_json:
        sys.stdout.write(json.dumps({"every": chosen.every, "settles": documents}) + "\n")


def _measure(engine: sa.Engine, number: int, every: float) -> Sequence[sa.Row[tuple[float, ...]]]:
    """Change one person of each of ``number`` companies, in step with the clock."""
    companies = running.grow(engine, "latency-", number)
    began = time.monotonic()
    for step, company in enumerate(companies):
        time.sleep(max(0.0, began + step * every - time.monotonic()))
        running.retitle(engine, [company], "Treasurer")
    running.settle(engine)
    with engine.begin() as conn:
        return conn.execute(_PARTS).all()
