"""`up`: everything running until Ctrl-C, with the URLs printed."""

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from bg_assets import products, settings
from bg_assets.local import programs
from bg_assets.storage import database

READY_SECONDS = 120.0


def up(say: Callable[[str], None]) -> int:
    """Run everything until SIGINT or SIGTERM; returns the exit code.

    Raises CannotStart, and what the database raises.
    """
    config = settings.read()
    with programs.only_one(config.home), _until_stopped() as stopped:
        programs.require_free_port(config.web_port, "BG_WEB_PORT")
        say("database ...")
        for line in prepare_databases():
            say(f"  {line}")
        for line in check_templates(config):
            say(f"  {line}")
        dagster_home = programs.prepare_dagster_home(config.home)
        env = {"DAGSTER_HOME": str(dagster_home), "BG_HOME": str(config.home)}
        say("Dagster's daemon and UI ...")
        with programs.supervised(config.home, programs.all_programs(config), env) as supervisor:
            if not programs.wait_for_port(config.web_port, supervisor, READY_SECONDS):
                return _did_not_start(say, supervisor)
            say(f"UI       http://127.0.0.1:{config.web_port}")
            say(f"logs     {config.home / 'logs'}")
            say("running; Ctrl-C stops everything")
            while not stopped.wait(0.5):
                if supervisor.poll() is not None:
                    say("the supervisor ended: see supervisord.log in the logs")
                    return 1
            say("stopping ...")
    return 0


def prepare_databases() -> list[str]:
    """Migrate schema bg and let Dagster make its own tables; returns what was done."""
    done = database.migrate(database.bg_url())
    # Dagster takes seconds to import: only here.
    from bg_assets.instance.storage import PooledPostgresStorage

    PooledPostgresStorage(database.dagster_url())
    return done


def check_templates(config: settings.Settings) -> list[str]:
    """What is wrong with templates though the last good ones will do, a line each.

    Raises BadTemplate where a product has none: nothing could be built.
    """
    engine = database.make_engine(database.bg_url(), pool_size=1)
    try:
        warning = products.in_force(engine, config.templates, config.products).warning
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


def _did_not_start(say: Callable[[str], None], supervisor: subprocess.Popen[bytes]) -> int:
    state = "ended" if supervisor.poll() is not None else f"did not answer in {READY_SECONDS:g} s"
    say(f"the UI {state}: see webserver.log and supervisord.log in the logs")
    return 1
