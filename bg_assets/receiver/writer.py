"""The one thread that stores events: all that wait go into one statement and one commit."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.encryption import Keys
from bg_assets.receiver.link import Link, Unavailable, is_data_error
from bg_assets.storage.webhooks import events as webhook_events
from bg_assets.storage.webhooks.events import Key, NewEvent, StoredEvent

_MOST = 500
_MOST_BYTES = 8 << 20
WATCH_SECONDS = 0.5
_GATHER_SECONDS = 0.004


class Unstorable(Exception):
    """PostgreSQL refuses this very event."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is in the table after the commit, and whether it was there before.

    ``differs``: it was, and with another body, byte by byte.
    """

    status: str
    duplicate: bool
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as it came: ``body`` is stored encrypted, the rest in clear.

    ``trace`` is the traceparent of its coming in, where that is traced.
    """

    source: str
    event_id: str
    type: str
    company_ref: str | None
    person_ref: str | None
    occurred_at: str
    ignored: str | None
    body: bytes
    trace: str | None = None


_Waiting = tuple[Arrival, "asyncio.Future[Stored]"]
_Outcome = Stored | Exception


class Writer:
    """Takes events from the event loop and resolves their futures there after the commit.

    ``seconds`` is how long an event may wait, ``most`` how many go into one commit.
    """

    def __init__(self, link: Link, keys: Keys, seconds: float, *, most: int = _MOST) -> None:
        self._link = link
        self._keys = keys
        self._seconds = seconds
        self._most = most
        # In the order in which they lose patience; only for the thread of the event loop.
        self._patient: deque[tuple[float, asyncio.Future[Stored]]] = deque()
        self._waiting: list[_Waiting] = []
        # As many as the last time are waited for, a little: who was answered sends the next one.
        self._wanted = 1
        self._changed = threading.Condition()
        self._stopping = False
        self._conn: sa.Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="bg-writer", daemon=True)

    def start(self) -> None:
        """Begin; on the thread of the event loop that will hand in events."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def store(self, arrival: Arrival) -> Stored:
        """Return once the event is committed. Raises Unavailable, Unstorable."""
        assert self._loop is not None
        future: asyncio.Future[Stored] = self._loop.create_future()
        self._patient.append((time.monotonic() + self._seconds, future))
        with self._changed:
            self._waiting.append((arrival, future))
            if len(self._waiting) in (1, self._wanted):
                self._changed.notify()
        return await future

    async def watch(self) -> None:
        """Let go of events whose commit takes too long: they may be stored later.

        Raises RuntimeError where nothing can be stored any more.
        """
        now = time.monotonic()
        while self._patient and (self._patient[0][1].done() or self._patient[0][0] < now):
            _, future = self._patient.popleft()
            if not future.done():
                future.set_exception(Unavailable("the commit takes too long"))
        if not self._thread.is_alive():
            raise RuntimeError("the writer's thread has ended")

    async def stop(self) -> None:
        """Store what waits, then end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while batch := self._next():
            outcomes = self._outcomes([arrival for arrival, _ in batch])
            assert self._loop is not None
            self._loop.call_soon_threadsafe(_tell, batch, outcomes)
        self._disconnect()

    def _next(self) -> list[_Waiting]:
        """What goes into the next commit; nothing at the end."""
        with self._changed:
            while not self._waiting and not self._stopping:
                self._changed.wait()
            if len(self._waiting) < self._wanted and not self._stopping:
                self._changed.wait(_GATHER_SECONDS)
            size = number = 0
            for arrival, _ in self._waiting[: self._most]:
                size += len(arrival.body)
                if number and size > _MOST_BYTES:
                    break
                number += 1
            self._wanted = number
            batch, self._waiting = self._waiting[:number], self._waiting[number:]
            return batch

    def _outcomes(self, arrivals: Sequence[Arrival]) -> Sequence[_Outcome]:
        try:
            return self._stored(arrivals)
        except sa.exc.DBAPIError:
            if len(arrivals) == 1:
                return [Unstorable()]
            return [self._outcomes([arrival])[0] for arrival in arrivals]
        except Unavailable as err:
            return [err] * len(arrivals)
        except Exception as err:
            # The thread must outlive whatever this is.
            return [err] * len(arrivals)

    def _stored(self, arrivals: Sequence[Arrival]) -> list[_Outcome]:
        """Store them, each key once. Raises Unavailable, and what PostgreSQL says of the data."""
        first: dict[Key, Arrival] = {}
        for arrival in arrivals:
            first.setdefault((arrival.source, arrival.event_id), arrival)
        with self._link.translated():
            events = [self._encrypted(arrival) for arrival in first.values()]
        try:
            new, known = self._insert(events)
        except Unavailable:
            # The server may have been started again since the last event: once more.
            new, known = self._insert(events)
        with self._link.translated():
            return [self._outcome(arrival, first, new, known) for arrival in arrivals]

    def _outcome(
        self,
        arrival: Arrival,
        first: Mapping[Key, Arrival],
        new: Collection[Key],
        known: Mapping[Key, StoredEvent],
    ) -> _Outcome:
        """What became of one of those that came together, of which the first of a key counts."""
        key = (arrival.source, arrival.event_id)
        if key in new:
            taken = first[key]
            return Stored(
                "ignored" if taken.ignored else "pending",
                taken is not arrival,
                taken.body != arrival.body,
            )
        if key not in known:
            return Unavailable("the event was removed while it was stored")
        digest = known[key].digest
        differs = digest is not None and self._keys.differs(digest, arrival.body)
        return Stored(known[key].status, True, differs)

    def _insert(self, events: Sequence[NewEvent]) -> tuple[set[Key], dict[Key, StoredEvent]]:
        """The keys that are new, and what is there of the others."""
        try:
            with self._link.translated(), self._transaction() as conn:
                new = webhook_events.insert(conn, events)
                others = [event.key for event in events if event.key not in new]
                return new, webhook_events.find(conn, others)
        except BaseException as err:
            if not (isinstance(err, sa.exc.DBAPIError) and is_data_error(err)):
                self._disconnect()
            raise

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        """A transaction on a connection that is kept."""
        if self._conn is None:
            self._conn = self._link.engine().connect()
        with self._conn.begin():
            yield self._conn

    def _disconnect(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.invalidate()
            conn.close()

    def _encrypted(self, arrival: Arrival) -> NewEvent:
        return NewEvent(
            arrival.source,
            arrival.event_id,
            arrival.type,
            arrival.company_ref,
            arrival.person_ref,
            arrival.occurred_at,
            arrival.ignored,
            webhook_events.sealed(self._keys, arrival.body),
            self._keys.digest(arrival.body),
            arrival.trace,
        )


def _tell(batch: Sequence[_Waiting], outcomes: Sequence[_Outcome]) -> None:
    for (_, future), outcome in zip(batch, outcomes, strict=True):
        if future.done():
            continue
        if isinstance(outcome, Stored):
            future.set_result(outcome)
        else:
            future.set_exception(outcome)
