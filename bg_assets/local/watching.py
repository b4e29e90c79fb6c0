"""What `up` does beside waiting: it looks after the processes that it has started.

Every ten seconds it notes each with its memory and its last sign of life, for `status` on any
machine, and ends what hangs: the supervisor, or Dagster, then starts it again.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import sqlalchemy as sa

from bg_assets import process, settings
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.instance import ending, state
from bg_assets.instance.worker import Worker
from bg_assets.local import answering, code_server, hanging
from bg_assets.local.answering import Answer
from bg_assets.logs.log import logger
from bg_assets.storage import database, workers

LOG = logger("bg_assets.local.watching")
EVERY_SECONDS = 10.0
# Between two looks at least.
_SOON = 1.0
# Of a look into the database, which must not hold up the next round.
LOOK_SECONDS = 5.0
# Itself, which it never ends.
UP = "up"
# A moment that is reckoned from an age comes out a little different each time.
ROUGHLY = 5.0

# Who is who, by words of the command line; the first that fits.
_KINDS = (
    ("bg_assets.local.supervisor", "supervisor"),
    ("bg_assets.embedded.keeper", "keeper"),
    ("bg_assets.web.server", "webserver"),
    ("bg_assets.instance.forkserver", "forkserver"),
    ("dagster-daemon", "daemon"),
    ("grpc", "code"),
    ("receiver", "receiver"),
    ("metrics", "metrics"),
    ("alerts", "alerts"),
    ("notifications", "notifications"),
)


_Key = tuple[int, str]


@dataclass
class _Known:
    """A process since it was first seen, on the monotonic clock; and since when what lasts.

    ``beat`` is its last sign of life as it came, ``beat_at`` when it was seen first.
    """

    kind: str
    since: float
    stopped_since: float | None = None
    unanswered_since: float | None = None
    beat: float | None = None
    beat_at: float | None = None
    output: Path | None = None
    # Another user's: it can't be ended from here.
    is_others: bool = False


@dataclass
class Watch:
    """What is remembered between two rounds; ``supervisor`` is the process of everything else."""

    config: settings.Settings
    engine: sa.Engine
    say: Callable[[str], None]
    supervisor: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    _known: dict[_Key, _Known] = field(default_factory=dict)
    _database_since: float | None = None

    @property
    def _outputs(self) -> Path:
        """Where the processes of runs have the file that they touch, as the launcher gives it."""
        return self.config.home.resolve() / "dagster" / "runs"

    @contextlib.contextmanager
    def of(self, supervisor: int) -> Iterator[None]:
        """Look every ten seconds or sooner, on a thread, until the block ends."""
        self.supervisor = supervisor
        threading.Thread(target=self._rounds, name="watching", daemon=True).start()
        try:
            yield
        finally:
            self.stopping.set()

    def _rounds(self) -> None:
        told = ""
        while not self.stopping.wait(self.pause()):
            try:
                self.round()
            except Exception as err:
                # What looks after the others must not end by what it sees.
                if told != (told := type(err).__name__):
                    self.say(f"a look at the processes failed with {told}")
                    LOG.error("watch_failed", error=told)

    def pause(self) -> float:
        """Until the next look, in s: sooner than usual where one that is stopped would hang."""
        ours = [known for known in self._known.values() if not known.is_others]
        coming = [hanging.due(self._seen(known)) for known in ours]
        return min([EVERY_SECONDS, *(max(_SOON, one) for one in coming if one is not None)])

    def round(self) -> None:
        """Look at all of them once, and end what hangs."""
        found = dict(_family(self.supervisor))
        keys = {_key(one) for one in found}
        gone = [key for key in self._known if key not in keys]
        for key in gone:
            self._known.pop(key)
        for one, kind in found.items():
            known = self._known.setdefault(_key(one), _Known(kind, time.monotonic()))
            self._look_at(one, known)
        self._tell(list(found), gone)
        for one in found:
            known = self._known[_key(one)]
            why = hanging.verdict(self._seen(known))
            if why and known.kind != UP and not self.stopping.is_set():
                self._end(one, known.kind, why)

    def ended(self) -> None:
        """Note that all of them have ended, as far as that can be told."""
        away = contextlib.suppress(DatabaseUnreachable, sa.exc.SQLAlchemyError)
        with away, database.connect(self.engine) as conn:
            workers.end(conn, process.host(), self._known)

    def _look_at(self, one: process.Process, known: _Known) -> None:
        now = time.monotonic()
        known.stopped_since = (known.stopped_since or now) if one.is_stopped else None
        silent = not one.is_stopped and self._answer(known.kind) is Answer.NONE
        known.unanswered_since = (known.unanswered_since or now) if silent else None
        if known.kind == "run":
            known.output = known.output or _output_of(one.pid, self._outputs)
            _note_beat(known, _touched(known.output))

    def _answer(self, kind: str) -> Answer:
        if kind == "code":
            return answering.of_code_server(code_server.socket_of(self.config.home))
        if kind == "webserver":
            return answering.of_http(self.config.web_port, "/server_info")
        if kind == "receiver":
            return answering.of_http(self.config.receiver_port, "/healthz")
        if kind == "metrics":
            return answering.of_http(self.config.metrics_port, "/healthz")
        return Answer.NOBODY

    def _tell(self, found: Sequence[process.Process], gone: Sequence[_Key]) -> None:
        """Note all of them in the database, and what that knows of the daemon."""
        try:
            heartbeat = state.read(database.dagster_url()).heartbeat_seconds
            with database.connect(self.engine) as conn:
                self._hear_daemons(heartbeat)
                workers.beat(conn, [self._beat(one) for one in found])
                workers.end(conn, process.host(), gone)
                workers.forget_old(conn)
                waits = workers.any_waits(conn)
        except (DatabaseUnreachable, sa.exc.SQLAlchemyError):
            waits = True
        if waits:
            self._database_since = None
        elif self._database_since is None:
            self._database_since = time.monotonic()

    def _hear_daemons(self, heartbeat: float | None) -> None:
        """A heart that beat so many seconds ago, in whichever daemon."""
        for known in self._known.values():
            if known.kind == "daemon" and heartbeat is not None:
                _note_beat(known, time.monotonic() - heartbeat)

    def _beat(self, one: process.Process) -> workers.Beat:
        known = self._known[_key(one)]
        seen = self._seen(known)
        return workers.Beat(
            one.host,
            one.pid,
            one.started,
            known.kind,
            one.age,
            one.memory,
            None if known.output is None else known.output.stem,
            max(seen.silent or 0.0, seen.stopped, seen.unanswered),
            hanging.state(seen),
        )

    def _seen(self, known: _Known) -> hanging.Seen:
        now = time.monotonic()

        def since(moment: float | None) -> float:
            # What has just begun has begun.
            return 0.0 if moment is None else max(0.001, now - moment)

        return hanging.Seen(
            known.kind,
            since(known.since),
            since(known.stopped_since),
            since(known.unanswered_since),
            None if known.beat_at is None else since(known.beat_at),
            since(self._database_since if known.kind == "daemon" else known.since),
        )

    def _end(self, one: process.Process, kind: str, why: str) -> None:
        if kind == hanging.CONTINUED:
            self.say(f"the {kind} (process {one.pid}) {why}: continued")
            LOG.warning("process_continued", kind=kind, its_pid=one.pid, reason=why)
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGCONT)
            return
        self.say(f"the {kind} (process {one.pid}) {why}: killed")
        LOG.warning("process_killed", kind=kind, its_pid=one.pid, reason=why)
        try:
            ending.kill(Worker(one.host, one.pid, one.started))
        except PermissionError:
            self._known[_key(one)].is_others = True
            self.say(f"process {one.pid} belongs to another user: end it as that one")
            LOG.warning("process_unreachable", kind=kind, its_pid=one.pid)


@contextlib.contextmanager
def watching(config: settings.Settings, say: Callable[[str], None]) -> Iterator[Watch]:
    """A watch with a connection of its own; at the end of the block all it knows has ended."""
    engine = database.make_engine(database.bg_url(), pool_size=1, name="up")
    bounded = database.bounded(
        engine, lock_seconds=LOOK_SECONDS, statement_seconds=lambda: LOOK_SECONDS
    )
    watched = Watch(config, bounded, say)
    try:
        yield watched
    finally:
        watched.ended()
        engine.dispose()


def _note_beat(known: _Known, beat: float | None) -> None:
    """A sign of life by its moment on whatever clock: another moment is another sign."""
    if beat is not None and (known.beat is None or abs(beat - known.beat) > ROUGHLY):
        known.beat, known.beat_at = beat, time.monotonic()


def _key(one: process.Process) -> tuple[int, str]:
    return one.pid, one.started


def _family(supervisor: int) -> Iterator[tuple[process.Process, str]]:
    """`up` itself, the supervisor and all below it, each with what it is."""
    me = process.seen(os.getpid())
    if me is not None:
        yield me, UP
    try:
        root = psutil.Process(supervisor)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for one in family:
        with contextlib.suppress(psutil.Error):
            kind, seen = _kind(one), process.seen(one.pid)
            if kind and seen is not None:
                yield seen, kind


def _kind(one: psutil.Process) -> str:
    words = one.cmdline()
    for word, kind in _KINDS:
        if _among(word, words):
            is_forked = kind == "forkserver" and _among(word, psutil.Process(one.ppid()).cmdline())
            return "run" if is_forked else kind
    return ""


def _among(word: str, words: Sequence[str]) -> bool:
    return any(part == word or part.endswith(f"/{word}") for part in words)


def _output_of(pid: int, folder: Path) -> Path | None:
    """The file that the process of a run touches, which it keeps open; None where it has none yet.

    Its standard output is not it: while steps run that goes to Dagster's compute logs.
    """
    try:
        opened = [number.readlink() for number in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        # It has ended, or has just closed one.
        return None
    mine = [path for path in opened if path.parent == folder and path.suffix == ".log"]
    return mine[0] if mine else None


def _touched(output: Path | None) -> float | None:
    """When the file was last touched, by whatever clock."""
    try:
        return None if output is None else output.stat().st_mtime
    except OSError:
        return None
