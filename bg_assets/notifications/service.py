"""The process `notifications`: it sends until it is told to stop, and gives signs of life."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import sqlalchemy as sa

from bg_assets import encryption, process
from bg_assets.embedded import EmbeddedUnavailable
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.logs import log, setup
from bg_assets.notifications.sender import Pace, Sender
from bg_assets.settings import Settings
from bg_assets.storage import chores, database, workers
from bg_assets.storage.notifications import outbox
from bg_assets.tracing import spans

KIND = "notifications"
# Between two looks while nothing is due; while the database is away; and of other things.
IDLE_SECONDS, AWAY_SECONDS = 0.25, 2.0
BEAT_SECONDS, PURGE_SECONDS = 15.0, 300.0
# Of the attempts that are being made when it is told to stop.
DRAIN_SECONDS = 1.2
# A turn waits for the database at most so long; then the process ends, and is started again.
HUNG_SECONDS = 180
_PURGE = "outbox retention"

LOG = log.logger(__name__)


def run(config: Settings, pace: Pace | None = None) -> int:
    """Send until SIGTERM or SIGINT; returns the exit code, 0. The database may be away.

    Raises KeysUnusable where there are no keys to sign with.
    """
    setup.begin(KIND, config)
    # It would tell whole URLs, in which tokens may be.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    keys = encryption.load(config)
    spans.prepare()
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, on_signal)
    engine = _engine(stop)
    if engine is None:
        return 0
    try:
        LOG.info("sender_started")
        _serve(engine, Sender(engine, keys, pace or Pace()), config, stop)
    finally:
        engine.dispose()
        spans.close()
    return 0


def _engine(stop: threading.Event) -> sa.Engine | None:
    """An engine on the database, once it is there; None where it is to stop before."""
    while not stop.is_set():
        try:
            return database.make_engine(database.bg_url(), pool_size=1, name=KIND)
        except (DatabaseUnreachable, EmbeddedUnavailable) as err:
            LOG.warning("sender_waits", reason=str(err))
            stop.wait(AWAY_SECONDS)
    return None


def _serve(engine: sa.Engine, sender: Sender, config: Settings, stop: threading.Event) -> None:
    duties = [
        _Duty(BEAT_SECONDS, lambda: _beat(engine)),
        _Duty(PURGE_SECONDS, lambda: _purge(engine, config.retention_outbox)),
    ]
    while not stop.is_set():
        # Ends the process by itself, whatever it hangs in.
        signal.alarm(HUNG_SECONDS)
        try:
            begun = sender.turn()
            for duty in duties:
                duty.do_when_due()
        except (DatabaseUnreachable, sa.exc.SQLAlchemyError, encryption.KeysUnusable) as err:
            LOG.warning("sender_waits", reason=_said(err))
            stop.wait(AWAY_SECONDS)
            continue
        if not begun:
            _rest(sender, stop)
    _drain(engine, sender)
    signal.alarm(0)


def _rest(sender: Sender, stop: threading.Event) -> None:
    if sender.in_hand:
        sender.wait(IDLE_SECONDS)
    else:
        stop.wait(IDLE_SECONDS)


def _drain(engine: sa.Engine, sender: Sender) -> None:
    """Note what is done in time; what is not is sent again once its lease is over."""
    until = time.monotonic() + DRAIN_SECONDS
    try:
        while sender.in_hand and time.monotonic() < until:
            sender.wait(until - time.monotonic())
            sender.turn(claiming=False)
        me = process.seen(os.getpid())
        if me is not None:
            with database.connect(engine) as conn:
                workers.end(conn, me.host, [(me.pid, me.started)])
    except (DatabaseUnreachable, sa.exc.SQLAlchemyError) as err:
        LOG.warning("sender_waits", reason=_said(err))
    LOG.info("sender_stopped", left=sender.in_hand)


def _said(err: Exception) -> str:
    """What an error says, but for the statement and the values of one of the database."""
    return str(err.orig) if isinstance(err, sa.exc.DBAPIError) else str(err)


class _Duty:
    """Something to do once in a while."""

    def __init__(self, every: float, work: Callable[[], None]) -> None:
        self._every, self._work = every, work
        self._next = 0.0

    def do_when_due(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            self._work()


def _beat(engine: sa.Engine) -> None:
    me = process.seen(os.getpid())
    if me is not None:
        beat = workers.Beat(me.host, me.pid, me.started, KIND, me.age, me.memory)
        with database.connect(engine) as conn:
            workers.beat(conn, [beat])


def _purge(engine: sa.Engine, seconds: float | None) -> None:
    """Remove what is older than the retention; of all processes one at a time, some in a turn.

    None: nothing is too old. What belongs to a subscription that was removed goes in any case.
    """
    with database.connect(engine) as conn:
        if not chores.begin(conn, _PURGE, PURGE_SECONDS / 2):
            return
    until = time.monotonic() + 1.0
    steps: list[Callable[[sa.Connection], int]] = [outbox.remove_subscriptions]
    if seconds is not None:
        steps.insert(0, lambda conn: outbox.remove_old(conn, seconds))
    for step in steps:
        while time.monotonic() < until and _removed(engine, step):
            continue


def _removed(engine: sa.Engine, step: Callable[[sa.Connection], int]) -> int:
    with database.connect(engine) as conn:
        return step(conn)
