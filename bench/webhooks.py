"""From the 202 to an event to the commit of the group, one signed event every 2 s; then a burst.

`--seconds N` takes another time than two minutes for each value of BG_SETTLE, `--every N` another
pause between two events. The burst is 10,000 events for 1,000 companies, pending at one moment.
"""

import argparse
import json
import secrets
import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

import sqlalchemy as sa

from bench import running
from bg_assets import encryption
from bg_assets.domain.webhooks import secrets as webhook_secrets
from bg_assets.sending import Sender, Signer
from bg_assets.settings import Settings
from bg_assets.storage.webhooks import events as webhook_events
from bg_assets.storage.webhooks import sources
from bg_assets.storage.webhooks.events import NewEvent
from bg_assets.storage.webhooks.sources import Source

SETTLES = (0.0, 2.0)
_BURST, _OF_EACH = 10_000, 10
_PARTS = ("total", "applied", "group")
# Until it is in people, until the group stands.
_TIMES = sa.text("""
    select e.event_id, e.applied_at, r.finished_at
    from bg.webhook_events as e
    join bg.changes as c on c.company_id = e.company_ref and c.source = 'webhook'
    join bg.buyer_group_refresh_log as r on r.id = c.refresh_id
    where e.status = 'applied' and r.status = 'completed'
""")
_DONE = sa.text("""
    select (select count(*) from bg.webhook_events where status = 'applied') as applied,
        count(*) as refreshes, count(distinct run_id) as runs
    from bg.buyer_group_refresh_log as r
    where r.status = 'completed' and exists (
        select from bg.changes as c where c.refresh_id = r.id and c.source = 'webhook')
""")


def main(arguments: Sequence[str]) -> None:
    """Print p50, p95 and the longest for each value of BG_SETTLE, in seconds."""
    parser = argparse.ArgumentParser(prog="python -m bench webhooks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--every", type=float, default=2.0)
    chosen = parser.parse_args(arguments)
    number = max(1, round(chosen.seconds / chosen.every))
    for settle in SETTLES:
        with running.with_door(settle) as (engine, config):
            rows = _measure(engine, config, number, chosen.every)
        sys.stdout.write(
            f"BG_SETTLE={settle:g}: {len(rows)} of {number} events, one every {chosen.every:g} s\n"
        )
        for column, part in enumerate(_PARTS):
            running.write_quantiles(part, [row[column] for row in rows])
        sys.stdout.flush()
    with running.with_door(SETTLES[-1]) as (engine, config):
        _burst(engine, config)


def _burst(engine: sa.Engine, config: Settings) -> None:
    """Let ten events for each company become pending in one commit, and wait for the groups."""
    companies = running.grow(engine, "burst-", _BURST // _OF_EACH)
    with closing(_sender(engine, config)):
        opened = encryption.load(config)
    titles = ("Treasurer", "Finance Director", "Head of Accounting", "Financial Controller")
    events = []
    for step in range(_OF_EACH):
        for company in companies:
            event_id, body = _event(company, f"{titles[step % len(titles)]} {step}")
            at = datetime.now(UTC).isoformat()
            events.append(
                NewEvent(
                    "bench", event_id, "person.role_change", company, f"{company}-2", at, None,
                    webhook_events.sealed(opened, body), opened.digest(body),
                )
            )  # fmt: skip
    with engine.begin() as conn:
        webhook_events.insert(conn, events)
    began = time.monotonic()
    _wait_applied(engine)
    applied = time.monotonic() - began
    running.settle(engine)
    took = time.monotonic() - began
    with engine.begin() as conn:
        done = conn.execute(_DONE).one()
    sys.stdout.write(
        f"{len(events):,} events for {len(companies):,} companies, pending at once: "
        f"{done.applied:,} applied after {applied:.1f} s, all groups after {took:.1f} s "
        f"({done.refreshes:,} refreshes in {done.runs} runs)\n"
    )


def _measure(
    engine: sa.Engine, config: Settings, number: int, every: float
) -> list[tuple[float, float, float]]:
    """Tell of one person of each of ``number`` companies; seconds of each part, by event."""
    companies = running.grow(engine, "webhooks-", number)
    answered: dict[str, datetime] = {}
    with closing(_sender(engine, config)) as sender:
        began = time.monotonic()
        for step, company in enumerate(companies):
            time.sleep(max(0.0, began + step * every - time.monotonic()))
            event_id, body = _event(company)
            if sender.send(event_id, body).code == 202:
                answered[event_id] = datetime.now(UTC)
    _wait_applied(engine)
    running.settle(engine)
    with engine.begin() as conn:
        times = conn.execute(_TIMES).all()
    return [
        (
            (row.finished_at - answered[row.event_id]).total_seconds(),
            (row.applied_at - answered[row.event_id]).total_seconds(),
            (row.finished_at - row.applied_at).total_seconds(),
        )
        for row in times
    ]


def _sender(engine: sa.Engine, config: Settings) -> Sender:
    secret = webhook_secrets.from_random("standard", secrets.token_bytes(32))
    source = Source("bench", "standard", "default", False, (), 500, 2000)
    with engine.begin() as conn:
        sources.add_source(conn, encryption.load(config), source, secret, "bench")
    key = webhook_secrets.key_of("standard", secret)
    assert key is not None
    url = f"http://127.0.0.1:{config.receiver_port}/webhooks/bench"
    return Sender(url, Signer("standard", key), tries=10)


def _event(company: str, title: str = "Treasurer") -> tuple[str, bytes]:
    event_id = str(uuid.uuid4())
    document = {
        "id": event_id,
        "type": "person.role_change",
        "timestamp": datetime.now(UTC).isoformat(),
        "person": {"id": f"{company}-2", "name": "Some One", "newTitle": title},
        "company": {"id": company, "name": f"Company {company}"},
    }
    return event_id, json.dumps(document).encode()


def _wait_applied(engine: sa.Engine) -> None:
    """Wait until no event is pending. Raises TooSlow."""
    until = time.monotonic() + 60
    pending = sa.text("select exists (select from bg.webhook_events where status = 'pending')")
    while True:
        with engine.begin() as conn:
            if not conn.execute(pending).scalar():
                return
        if time.monotonic() > until:
            raise running.TooSlow("after a minute there are events that are not applied")
        time.sleep(0.1)
