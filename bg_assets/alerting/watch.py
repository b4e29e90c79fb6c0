"""The process that watches: it looks every so often, notes what is wrong, and tells of it.

All such processes on one database look; one of them tells, another takes over when it falls silent.
"""

import contextlib
import os
import time
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Event, Thread

import sqlalchemy as sa

from bg_assets import process, settings
from bg_assets.alerting import away, configured, looking
from bg_assets.alerting.channels.sending import Channel
from bg_assets.alerting.telling import Tellers, by_key, tell
from bg_assets.domain.alerts.kinds import DELIVERY_FAILING, WARNING
from bg_assets.domain.alerts.lives import Alert, Look, Sight
from bg_assets.domain.alerts.telling import Told, ended_untold
from bg_assets.embedded import EmbeddedUnavailable
from bg_assets.embedded.databases import DatabaseNotMade, DatabaseUnreachable
from bg_assets.health.findings import NotLooked, Patient
from bg_assets.logs import log
from bg_assets.storage import alerts, claims, database, instance_settings, objectives, workers

LOG = log.logger(__name__)
KIND = "alerts"
# Of a statement; a check that takes longer could not look.
PATIENCE_SECONDS = 10.0
# A message takes 15 s at most, and the lease is taken anew before each.
LEASE_SECONDS = 90.0
# What a look may still take when this process is told to stop.
END_SECONDS = 1.0
# Tries that failed, before the other channels are told of it.
FAILING_TRIES = 3
_AWAY = (
    NotLooked, DatabaseUnreachable, DatabaseNotMade, EmbeddedUnavailable, sa.exc.SQLAlchemyError,
)  # fmt: skip


class Watch:
    """What is remembered between two rounds; ``ahead`` is how far its clock is before all others.

    That is for whoever can't wait for hours to pass.
    """

    def __init__(
        self, config: settings.Settings, checks: Sequence[looking.Watched] = looking.CHECKS
    ) -> None:
        found = configured.read(config)
        self.config = config
        self.ahead = timedelta()
        self.tellers = Tellers(
            found.channels, config.alerts_name, config.alerts_repeat, found.quiet
        )  # fmt: skip
        self.holder = f"{process.host()} {os.getpid()} {uuid.uuid4().hex[:8]}"
        self._looking = looking.Looking(checks)
        self._away = away.load(config.home)

    def round(self) -> None:
        """Look at everything once, note it, and tell who is to be told."""
        patient = Patient(self.config, PATIENCE_SECONDS)
        try:
            found = self._looking.look(patient, time.monotonic() + self.ahead.total_seconds())
            look = looking.seen_of(found, self._now())
            self._tell_of_database(look)
            self._count(patient)
            with contextlib.suppress(*_AWAY):
                self._keep(patient.engine(), look)
        finally:
            patient.close()

    def end(self) -> None:
        """Let another process tell from now on, and say that this one has ended in order."""
        patient = Patient(self.config, 1.0)
        me = process.seen(os.getpid())
        try:
            with contextlib.suppress(*_AWAY), database.connect(patient.engine()) as conn:
                alerts.release(conn, self.holder)
                if me is not None:
                    workers.end(conn, me.host, [(me.pid, me.started)])
        finally:
            patient.close()

    def _count(self, patient: Patient) -> None:
        """Give a sign of life, and count what the objectives are about."""
        me = process.seen(os.getpid())
        with contextlib.suppress(*_AWAY, settings.BadSetting):
            with database.connect(patient.engine()) as conn:
                if me is not None:
                    beat = workers.Beat(me.host, me.pid, me.started, KIND, me.age, me.memory)
                    workers.beat(conn, [beat])
                config = settings.read_with(instance_settings.read(conn))
            promise = objectives.Promise(
                self.config.objective_latency, config.refresh_interval, config.settle
            )
            more = True
            while more:
                with database.connect(patient.engine()) as conn:
                    more = objectives.advance(conn, promise, self._database_now(conn))

    def _tell_of_database(self, look: Look) -> None:
        """What needs no database to be told."""
        self._away.observe(look)
        known = {
            (str(alert.id), name): one
            for alert, told in self._away.episodes
            for name, one in told.items()
        }

        def note(alert: Alert, channel: Channel, told: Told) -> None:
            self._away.note(alert, channel.name, told)

        tell(self.tellers, [one for one, _ in self._away.episodes], known, (), self._now, note)
        self._away.finish()

    def _keep(self, engine: sa.Engine, look: Look) -> None:
        """Note what was seen in the tables, and tell what is due, if it is this process's turn."""
        kept = Look(
            look.at,
            look.host,
            tuple(one for one in look.sights if one.kind not in away.KINDS),
            look.kinds - away.KINDS,
        )
        with database.connect(engine) as conn:
            now = self._database_now(conn)
            if not alerts.lease(conn, self.holder, now, LEASE_SECONDS):
                alerts.observe(conn, Look(now, kept.host, kept.sights, kept.kinds))
                return
            failing = self._failing(conn, now)
            sights, kinds = (*kept.sights, *failing), kept.kinds | {DELIVERY_FAILING}
            alerts.observe(conn, Look(now, kept.host, sights, kinds))
            alerts.purge(conn, now - timedelta(seconds=alerts.KEEP_SECONDS), now)
        self._tell(engine)

    def _failing(self, conn: sa.Connection, now: datetime) -> list[Sight]:
        """The channels that several tries in a row have not reached."""
        due = _to_tell(conn, now)
        known = alerts.read_told(conn, [one.id for one in due])
        errors: dict[str, Told] = {}
        for name in [one.name for one in self.tellers.channels]:
            for same in by_key(due):
                told = [(one, known.get((one.id, name), Told())) for one in same]
                waits = [*ended_untold(told), *(one for one in told if not one[0].resolved_at)]
                failing = [one for _, one in waits if one.tries >= FAILING_TRIES]
                errors.update((name, one) for one in failing)
        return [
            Sight(
                DELIVERY_FAILING, name, WARNING,
                f"channel {name} has not been told of alerts, {told.tries} times: {told.error}",
                f"`bg-assets alerts test {name}`; it is tried again and again",
            )
            for name, told in sorted(errors.items())
        ]  # fmt: skip

    def _tell(self, engine: sa.Engine) -> None:
        with database.connect(engine) as conn:
            now = self._database_now(conn)
            due = _to_tell(conn, now)
            told = alerts.read_told(conn, [one.id for one in due])
            silenced = alerts.silences(conn, now)
        known = {(str(number), name): one for (number, name), one in told.items()}

        def note(alert: Alert, channel: Channel, one: Told) -> None:
            with database.connect(engine) as conn:
                alerts.note(conn, alert.id, channel.name, one)

        def still_mine() -> bool:
            with database.connect(engine) as conn:
                return alerts.lease(conn, self.holder, self._database_now(conn), LEASE_SECONDS)

        started = time.monotonic()

        def clock() -> datetime:
            return now + timedelta(seconds=time.monotonic() - started)

        tell(self.tellers, due, known, silenced.keys(), clock, note, still_mine)

    def _database_now(self, conn: sa.Connection) -> datetime:
        return claims.database_now(conn) + self.ahead

    def _now(self) -> datetime:
        return datetime.now().astimezone() + self.ahead


def _to_tell(conn: sa.Connection, now: datetime) -> list[Alert]:
    """What is open, and what has ended lately."""
    since = now - timedelta(seconds=alerts.TELL_SECONDS)
    return [*alerts.read_open(conn), *alerts.read_over(conn, since)]


def run(config: settings.Settings, stop: Event) -> None:
    """Look and tell every ``alerts_every`` seconds until told to stop, and end at once then."""
    watch = Watch(config)
    LOG.info("alerts_watched", seconds=config.alerts_every)
    thread = Thread(target=_rounds, args=(watch, config.alerts_every, stop), daemon=True)
    thread.start()
    # A main thread that waits hears signals at once, wherever the other one is.
    while not stop.wait(3600.0):
        pass
    thread.join(END_SECONDS)
    watch.end()


def _rounds(watch: Watch, every: float, stop: Event) -> None:
    told = ""
    while not stop.is_set():
        try:
            watch.round()
            told = ""
        except Exception as err:
            # What watches the others must not end by what it sees.
            if told != (told := type(err).__name__):
                LOG.error("alerts_failed", error=told)
        stop.wait(every)
