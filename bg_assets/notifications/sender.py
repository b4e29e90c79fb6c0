"""Sending what is due: who is claimed, what is said, and what is noted of each attempt.

One thread speaks to the database; each attempt has a thread of its own, which speaks to one
receiver. An attempt that is not noted, for whatever reason, is made again under the same id.
"""

import queue
import random
import secrets
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from bg_assets.domain.notifications import messages, schedule, targets
from bg_assets.domain.notifications.messages import Known
from bg_assets.domain.notifications.schedule import Answer
from bg_assets.domain.notifications.targets import Allowed
from bg_assets.domain.webhooks.signatures import standard_headers
from bg_assets.encryption import Keys
from bg_assets.logs import log
from bg_assets.notifications.posting import ATTEMPT_SECONDS, Poster
from bg_assets.storage import database
from bg_assets.storage.notifications import deliveries, subscriptions
from bg_assets.storage.notifications.deliveries import Claimed, Endpoint, Result
from bg_assets.tracing import spans

LOG = log.logger(__name__)
AGENT = "bg-assets"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how much; seconds, and attempts at the same time.

    lease_seconds must be longer than attempt_seconds. of_failing: attempts at a time for a
    subscription whose last one failed, so that who hangs takes nothing from the others.
    """

    waits: tuple[float, ...] = schedule.SCHEDULE
    attempt_seconds: float = ATTEMPT_SECONDS
    lease_seconds: float = 40.0
    at_once: int = 32
    of_one: int = 8
    of_failing: int = 2
    disabled_after: float = schedule.DISABLED_AFTER


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is sent."""

    claimed: Claimed
    endpoint: Endpoint
    body: bytes
    keys: Sequence[bytes]


class Sender:
    """What one process has in hand."""

    def __init__(self, engine: sa.Engine, keys: Keys, pace: Pace) -> None:
        self._engine, self._keys, self._pace = engine, keys, pace
        self._poster = Poster(pace.attempt_seconds)
        self._done: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._unnoted: list[Result] = []
        self._in_hand: Counter[int] = Counter()

    @property
    def in_hand(self) -> int:
        """How many attempts are being made, or made and not noted."""
        return self._in_hand.total()

    def turn(self, *, claiming: bool = True) -> int:
        """Note what is done and, unless told not to, begin with what is due; returns how many.

        Raises DatabaseUnreachable, and KeysUnusable; nothing is lost by either.
        """
        self._note()
        return self._begin() if claiming else 0

    def wait(self, seconds: float) -> None:
        """Wait until an attempt is done, so long at most."""
        try:
            self._unnoted.append(self._done.get(timeout=seconds))
        except queue.Empty:
            return

    def _note(self) -> None:
        while not self._done.empty():
            self._unnoted.append(self._done.get())
        if not self._unnoted:
            return
        results = self._unnoted
        given_up = database.in_transaction(
            self._engine,
            lambda conn: deliveries.record(conn, results, self._pace.disabled_after),
        )
        self._unnoted = []
        self._in_hand.subtract(one.subscription_id for one in results)
        for number in given_up:
            LOG.error("subscription_failed", subscription=number)

    def _begin(self) -> int:
        begun = 0
        with database.connect(self._engine) as conn:
            due = deliveries.ready(conn)
        for number in due:
            free = self._pace.at_once - self.in_hand
            letters = self._claim(number, free) if free > 0 else []
            for letter in letters:
                self._in_hand[number] += 1
                threading.Thread(target=self._send, args=(letter,), daemon=True).start()
            begun += len(letters)
        return begun

    def _claim(self, number: int, free: int) -> list[Letter]:
        """What is due of a subscription and may be begun with: leased, and ready to be signed."""
        with database.connect(self._engine) as conn:
            endpoint = deliveries.lock(conn, number)
            if endpoint is None:
                return []
            most = self._pace.of_failing if endpoint.failing_since else self._pace.of_one
            room = min(free, most - self._in_hand[number])
            keys = subscriptions.signing_keys(conn, self._keys, number) if room > 0 else []
            if not keys:
                return []
            claimed = deliveries.claim(conn, number, room, self._pace.lease_seconds)
            known = _known(conn, endpoint, claimed)
        return [Letter(one, endpoint, _body(one, endpoint, known), keys) for one in claimed]

    def _send(self, letter: Letter) -> None:
        try:
            answer = post(self._poster, letter)
        except Exception as err:
            # Whatever it is, it must be noted, or nothing of this subscription would go on.
            LOG.error("message_fault", kind=type(err).__name__)
            answer = Answer(None, f"not sent ({type(err).__name__})")
        self._done.put(_result(letter.claimed, answer, self._pace))


def post(poster: Poster, letter: Letter) -> Answer:
    """Sign a message and make one attempt."""
    claimed, endpoint = letter.claimed, letter.endpoint
    message_id = messages.webhook_id(claimed.message_id, endpoint.id)
    stored = messages.traceparent(claimed.trace_id, secrets.token_hex(8))
    with spans.begin(
        "send message", parent=stored, kind="client",
        company_id=claimed.message.company_id, attempt=claimed.attempts + 1,
    ) as span:  # fmt: skip
        said = headers(letter.keys, message_id, letter.body, span.traceparent or stored)
        answer = poster.post(
            endpoint.url, Allowed(endpoint.insecure, endpoint.private), said, letter.body
        )
        if not answer.accepted:
            span.fail("NotAccepted")
    if not answer.accepted:
        # Where it goes, without the path, which may hold a token.
        where = targets.target(endpoint.url).shown
        LOG.warning(
            "message_not_taken", to=where, message=message_id, subscription=endpoint.id,
            reason=answer.error,
        )  # fmt: skip
    return answer


def headers(
    keys: Sequence[bytes], message_id: str, body: bytes, traceparent: str | None = None
) -> dict[str, str]:
    """The headers of a message, signed now with each of the keys."""
    return {
        "content-type": "application/json",
        "user-agent": AGENT,
        **standard_headers(keys, message_id, datetime.now(UTC), body),
        **({"traceparent": traceparent} if traceparent else {}),
    }


def _known(conn: sa.Connection, endpoint: Endpoint, claimed: Sequence[Claimed]) -> Known:
    companies = sorted({one.message.company_id for one in claimed})
    people = {who for one in claimed for who in messages.people(one.message)}
    return deliveries.known(conn, companies, sorted(people) if endpoint.names else [])


def _body(claimed: Claimed, endpoint: Endpoint, known: Known) -> bytes:
    content = messages.data(claimed.message, endpoint.kinds, known, names=endpoint.names)
    return messages.body(messages.TYPE, claimed.created_at, content)


def _result(claimed: Claimed, answer: Answer, pace: Pace) -> Result:
    # Not for secrecy.
    wait = schedule.wait(claimed.attempts + 1, answer, random.random(), pace.waits)
    return Result(
        claimed.subscription_id,
        claimed.outbox_id,
        claimed.lease,
        answer.accepted,
        None if answer.accepted else wait,
        answer.code,
        answer.error,
        answer.pause,
        answer.gone,
    )
