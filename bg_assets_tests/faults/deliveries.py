"""Senders of webhooks who go on until each of their events is acknowledged, and count them."""

import json
import random
import secrets
import threading
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa

from bg_assets import encryption, settings
from bg_assets.domain.webhooks import secrets as webhook_secrets
from bg_assets.sending import Sender, Signer
from bg_assets.storage.webhooks import sources
from bg_assets.storage.webhooks.sources import Source
from bg_assets_tests.faults.trial import RECOVERY_SECONDS, Result
from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually

SENDERS = 4
PAUSE = 0.02
_STORED = sa.text("select event_id, count(*) as times from bg.webhook_events group by event_id")
_PENDING = "select count(*) from bg.webhook_events where status = 'pending'"


class Deliveries:
    """Some threads that send; ``acknowledged`` are the ids that were answered with 200 or 202."""

    def __init__(self) -> None:
        self.acknowledged: set[str] = set()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._signer: Signer | None = None

    def prepare(self, stack: Stack) -> None:
        """Make the source whose events they are."""
        secret = webhook_secrets.from_random("standard", secrets.token_bytes(32))
        source = Source("faults", "standard", "default", False, (), 500, 2000)
        config = settings.read(stack.env)
        with stack.engine.begin() as conn:
            sources.add_source(conn, encryption.load(config), source, secret, "faults")
        key = webhook_secrets.key_of("standard", secret)
        assert key is not None
        self._signer = Signer("standard", key)

    def begin(self, stack: Stack) -> None:
        """Let them send, unless they do already."""
        if not self._threads:
            made = [
                threading.Thread(target=self._send, args=(stack, number))
                for number in range(SENDERS)
            ]
            self._threads = made
            for thread in made:
                thread.start()

    def wait_for_more(self) -> None:
        """Until the door has taken more events than now: it is open, and at work."""
        before = len(self.acknowledged)
        eventually(
            lambda: len(self.acknowledged) > before, RECOVERY_SECONDS, "the door takes events"
        )

    def end(self, stack: Stack) -> None:
        """Send no more, and wait until what was stored is applied."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        eventually(lambda: not stack.value(_PENDING), 60, "all events are applied")

    def judged(self, stack: Stack, result: Result) -> Result:
        """Add what was acknowledged and is not stored, or is stored twice."""
        with stack.engine.begin() as conn:
            stored = {row.event_id: row.times for row in conn.execute(_STORED)}
        gone = len(self.acknowledged - stored.keys())
        doubled = sum(times > 1 for times in stored.values())
        return replace(
            result,
            written=result.written + len(self.acknowledged),
            lost=result.lost + gone,
            twice=result.twice + doubled,
            note=f"{len(self.acknowledged)} events acknowledged; {result.note}".rstrip("; "),
        )

    def _send(self, stack: Stack, number: int) -> None:
        assert self._signer is not None
        chance = random.Random(number)
        url = f"{stack.door}/webhooks/faults"
        with closing(Sender(url, self._signer, tries=100, sleep=self._wait)) as sender:
            while not self._over.wait(PAUSE):
                event_id, body = _event(chance)
                if sender.send(event_id, body).code in (200, 202):
                    self.acknowledged.add(event_id)

    def _wait(self, seconds: float) -> None:
        """Less long than a sender would: the door is killed again soon."""
        self._over.wait(min(seconds, 0.2))


def _event(chance: random.Random) -> tuple[str, bytes]:
    event_id = str(uuid.UUID(int=chance.getrandbits(128)))
    company = f"fault-{chance.randint(1, 30):04}"
    document = {
        "id": event_id,
        "type": "person.role_change",
        "timestamp": datetime.now(UTC).isoformat(),
        "person": {
            "id": f"{company}-{chance.randint(1, len(world.TITLES))}",
            "name": "Some One",
            "newTitle": chance.choice(world.TITLES),
        },
        "company": {"id": company, "name": f"Company {company}"},
    }
    return event_id, json.dumps(document).encode()
