"""Reads sections of the metrics on a thread of its own, when somebody asks and they are old.

A scrape never waits long: what takes longer is told with the next one.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from prometheus_client import Metric

from bg_assets import settings
from bg_assets.logs.log import logger
from bg_assets.metrics.link import Link, Unavailable
from bg_assets.storage import database, instance_settings

LOG = logger("bg_assets.metrics")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the metrics: read again after ``every`` s, with ``seconds`` for each statement."""

    name: str
    every: float
    seconds: float
    read: Callable[[sa.Connection, settings.Settings], Iterable[Metric]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of reading a section: its families, None where it failed; when; seconds taken."""

    families: tuple[Metric, ...] | None
    at: float
    took: float


@dataclass(frozen=True, slots=True)
class Told:
    """What a reader knows: by section, why nothing can be read at all, and when that was found."""

    kept: dict[str, Kept] = field(default_factory=dict)
    problem: str = ""
    at: float | None = None


class Reader:
    """The sections, and their last values for whoever asks meanwhile."""

    def __init__(
        self, link: Link, sections: Sequence[Section], failing: dict[str, str] | None = None
    ) -> None:
        """``failing``: what was said of which section, shared with others that say the same."""
        self.sections = sections
        self._link = link
        self._condition = threading.Condition()
        self._is_wanted = self._is_at_work = False
        self._told = Told()
        self._failing = {} if failing is None else failing

    def start(self) -> None:
        """Begin to wait for questions, on a thread that ends with the process."""
        threading.Thread(target=self._turns, name="bg-metrics", daemon=True).start()

    def ask(self) -> None:
        """Have those sections read that are old; returns at once."""
        with self._condition:
            if not self._is_at_work and self._due():
                self._is_wanted = True
                self._condition.notify_all()

    def told(self, seconds: float) -> Told:
        """What is known, after waiting so long at most for a turn that is under way."""
        with self._condition:
            self._condition.wait_for(lambda: not (self._is_wanted or self._is_at_work), seconds)
            return self._told

    def turn(self) -> None:
        """Read all sections that are old, in this thread."""
        kept = dict(self._told.kept)
        problem = ""
        try:
            with self._link.transaction(seconds=2.0) as conn:
                database.check_schema(conn)
                config = settings.read_with(instance_settings.read(conn))
            for section in self._due():
                kept[section.name] = self._read(section, config)
        except (Unavailable, settings.BadSetting) as err:
            # What was read before is not what is.
            kept, problem = {}, str(err)
        self._say("", problem)
        with self._condition:
            self._told = Told(kept, problem, time.monotonic())

    def _turns(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._is_wanted)
                self._is_wanted, self._is_at_work = False, True
            try:
                self.turn()
            except Exception as err:
                # The thread must not end; a message may quote what is stored.
                self._say("", f"reading fails with {type(err).__name__}")
                with self._condition:
                    self._told = Told({}, type(err).__name__, time.monotonic())
            with self._condition:
                self._is_at_work = False
                self._condition.notify_all()

    def _due(self) -> list[Section]:
        now, kept = time.monotonic(), self._told.kept
        return [
            one
            for one in self.sections
            if one.name not in kept or now - kept[one.name].at >= one.every
        ]

    def _read(self, section: Section, config: settings.Settings) -> Kept:
        """Read one section. Raises Unavailable where no other can be read either."""
        began = time.monotonic()
        families: tuple[Metric, ...] | None = None
        problem = ""
        try:
            with self._link.transaction(section.seconds) as conn:
                families = tuple(section.read(conn, config))
        except Unavailable:
            raise
        except sa.exc.DBAPIError as err:
            problem = f"{type(err.orig).__name__} ({getattr(err.orig, 'pgcode', None)})"
        except Exception as err:
            # One part that fails takes no other along; a message may quote what is stored.
            problem = type(err).__name__
        self._say(section.name, problem)
        now = time.monotonic()
        return Kept(families, now, now - began)

    def _say(self, what: str, problem: str) -> None:
        """Log what is wrong once, and once that it is over."""
        before = self._failing.get(what, "")
        self._failing[what] = problem
        if problem == before:
            return
        part = what or "all"
        if problem:
            LOG.warning("metrics_away", part=part, reason=problem)
        else:
            LOG.info("metrics_back", part=part)
