"""`up`: everything running until Ctrl-C, with the URLs printed."""

import contextlib
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from bg_assets import encryption, settings
from bg_assets.domain.kpis import catalogue
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.instance.private import tables
from bg_assets.local import programs, watching
from bg_assets.logs import setup
from bg_assets.logs.log import logger
from bg_assets.products import in_force
from bg_assets.storage import database
from bg_assets.tracing import configured

READY_SECONDS = 120.0

LOG = logger(__name__)


def up(say: Callable[[str], None]) -> int:
    """Run everything until SIGINT or SIGTERM; returns the exit code.

    Raises CannotStart, and what the database raises.
    """
    config = settings.read()
    if wrong := catalogue.mistake(config.kpi_targets):
        raise settings.BadSetting(wrong)
    say = _undaunted(say)
    with programs.only_one(config.home), _until_stopped() as stopped:
        programs.require_free_port(config.web_port, "BG_WEB_PORT")
        setup.begin("up", config, file=programs.prepare_logs(config.home) / "up.log")
        closed = _door_closed(config)
        if not closed:
            _require_port_of_the_door(config)
        _require_port_of_metrics(config)
        say("database ...")
        for line in [*prepare_databases(), *_remarks(config)]:
            say(f"  {line}")
        for line in check_templates(config):
            say(f"  {line}")
        dagster_home = programs.prepare_dagster_home(config.home)
        env = {"DAGSTER_HOME": str(dagster_home), "BG_HOME": str(config.home)}
        chosen = [
            program
            for program in programs.all_programs(config)
            if not (closed and program.name in {"receiver", "notifications"})
        ]
        say("Dagster's daemon and UI, the webhook door ...")
        with (
            watching.watching(config, say) as watched,
            programs.supervised(config.home, chosen, env, say) as supervisor,
        ):
            if not programs.wait_for_port(config.web_port, supervisor, READY_SECONDS):
                return _did_not_start(say, supervisor, "the UI", "webserver.log")
            if not closed and not programs.wait_for_port(
                config.receiver_port, supervisor, READY_SECONDS
            ):
                return _did_not_start(say, supervisor, "the webhook door", "receiver.log")
            say(f"UI       http://127.0.0.1:{config.web_port}")
            door = f"http://127.0.0.1:{config.receiver_port}/webhooks/SOURCE"
            say(f"webhooks {f'closed: {closed}' if closed else door}")
            say(f"metrics  http://127.0.0.1:{config.metrics_port}/metrics")
            say(f"alerts   {_told_of_alerts(config)}")
            say(f"logs     {config.home / 'logs'}")
            if configured.configured().on:
                say(f"traces   {configured.shown_endpoint()}")
            say("running; Ctrl-C stops everything")
            LOG.info("up_started", web_port=config.web_port, receiver_port=config.receiver_port)
            with watched.of(supervisor.pid):
                return _watch(say, supervisor, stopped)


def _watch(
    say: Callable[[str], None], supervisor: subprocess.Popen[bytes], stopped: threading.Event
) -> int:
    while not stopped.wait(0.5):
        if supervisor.poll() is not None:
            say("the supervisor ended: see supervisord.log in the logs")
            return 1
    say("stopping ...")
    LOG.info("up_stopping")
    return 0


def _require_port_of_the_door(config: settings.Settings) -> None:
    if config.receiver_port == config.web_port:
        raise programs.CannotStart("BG_WEB_PORT and BG_RECEIVER_PORT are the same port")
    programs.require_free_port(config.receiver_port, "BG_RECEIVER_PORT")


def _require_port_of_metrics(config: settings.Settings) -> None:
    if config.metrics_port in (config.web_port, config.receiver_port):
        raise programs.CannotStart("BG_METRICS_PORT is the port of the UI or of the webhook door")
    programs.require_free_port(config.metrics_port, "BG_METRICS_PORT")


def prepare_databases() -> list[str]:
    """Migrate schema bg and let Dagster make its own tables; returns what was done."""
    database.make_missing()
    done = database.migrate(database.bg_url())
    if not _has_dagsters_tables(database.dagster_url()):
        # Dagster takes seconds to import: only here.
        from bg_assets.instance.storage import PooledPostgresStorage

        PooledPostgresStorage(database.dagster_url())
    return done


def _has_dagsters_tables(url: str) -> bool:
    engine = database.make_engine(url, pool_size=1)
    try:
        with database.connect(engine) as conn:
            return tables.are_complete(conn)
    finally:
        engine.dispose()


def _remarks(config: settings.Settings) -> list[str]:
    """What the operator should know of how all this will run, a line each."""
    remark = "" if config.database_url else EmbeddedPostgres(config.home).remark
    return [line for line in (remark, configured.configured().problem) if line]


def _undaunted(say: Callable[[str], None]) -> Callable[[str], None]:
    """Say what can be said: standard error may be a file on a disk that is full."""

    def try_to_say(message: str) -> None:
        with contextlib.suppress(OSError):
            say(message)

    return try_to_say


def check_templates(config: settings.Settings) -> list[str]:
    """What is wrong with templates though the last good ones will do, a line each.

    Raises BadTemplate where a product has none: nothing could be built.
    """
    engine = database.make_engine(database.bg_url(), pool_size=1)
    try:
        warning = in_force.in_force(engine, config.templates, config.products).warning
    finally:
        engine.dispose()
    return [warning] if warning else []


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    before = {name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _told_of_alerts(config: settings.Settings) -> str:
    """Who is told of what is wrong."""
    named = [*config.alerts, *([str(config.alerts_file)] if config.alerts_file else [])]
    return f"to {', '.join(named)}" if named else "none configured: see docs/alerts.md"


def _door_closed(config: settings.Settings) -> str:
    """Why the webhook door can't be opened; empty where it can. Everything else runs without."""
    try:
        encryption.load(config)
    except encryption.KeysUnusable as err:
        return str(err)
    return ""


def _did_not_start(
    say: Callable[[str], None], supervisor: subprocess.Popen[bytes], what: str, log: str
) -> int:
    state = "ended" if supervisor.poll() is not None else f"did not answer in {READY_SECONDS:g} s"
    say(f"{what} {state}: see {log} and supervisord.log in the logs")
    return 1
