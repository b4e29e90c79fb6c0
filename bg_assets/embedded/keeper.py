"""The process that keeps the embedded PostgreSQL running while everything is up.

Run as ``python -m bg_assets.embedded.keeper``: it holds a lease and starts the server again when
it died, until SIGTERM or SIGINT. The server ends with it unless others still hold leases.
"""

import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from bg_assets import settings
from bg_assets.embedded import EmbeddedUnavailable
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.logs import setup
from bg_assets.logs.log import logger

WATCH_SECONDS = 0.25
RETRY_SECONDS = 10.0

LOG = logger("bg_assets.embedded.keeper")


def main() -> int:
    """Keep the server of BG_HOME; 0 after a signal, 1 when it can't run here, 2 for a setting."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    try:
        config = settings.read()
    except settings.BadSetting as err:
        sys.stderr.write(f"{err}\n")
        return 2
    setup.begin("postgres", config)
    return keep(config.home, stop)


def keep(home: Path, stop: threading.Event) -> int:
    """Hold a lease on the home's server and restart it within half a second, until ``stop``."""
    server = EmbeddedPostgres(home)
    try:
        lease = server.acquire()
    except EmbeddedUnavailable as err:
        LOG.error("postgres_failed", reason=str(err))
        return 1
    LOG.info("postgres_ready", url=server.psql_url("bg_assets"))
    if server.remark:
        LOG.warning("postgres_remark", remark=server.remark)
    try:
        _watch(server, stop)
    finally:
        lease.release()
    if server.leased():
        LOG.info("postgres_left")
    else:
        LOG.info("postgres_stopped")
    return 0


def _watch(server: EmbeddedPostgres, stop: threading.Event) -> None:
    pause = WATCH_SECONDS
    while not stop.wait(pause):
        if server.running():
            continue
        LOG.warning("postgres_gone")
        try:
            server.ensure()
        except EmbeddedUnavailable as err:
            # A full disk may be emptied, so this goes on, more and more slowly.
            pause = min(pause * 2, RETRY_SECONDS)
            LOG.error("postgres_not_started", seconds=pause, reason=str(err))
        else:
            pause = WATCH_SECONDS
            LOG.info("postgres_ready")


if __name__ == "__main__":
    sys.exit(main())
