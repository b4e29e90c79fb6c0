"""The process that keeps the embedded PostgreSQL running while everything is up.

Run as ``python -m bg_assets.embedded.keeper``: it holds a lease and starts the server again when
it died, until SIGTERM or SIGINT. The server ends with it unless others still hold leases.
"""

import logging
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from bg_assets import settings
from bg_assets.embedded import EmbeddedUnavailable
from bg_assets.embedded.server import EmbeddedPostgres

WATCH_SECONDS = 0.25
RETRY_SECONDS = 10.0

log = logging.getLogger("bg_assets.embedded.keeper")


def main() -> int:
    """Keep the server of BG_HOME; 0 after a signal, 1 when it can't run here, 2 for a setting."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)sZ postgres %(message)s"
    )
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    try:
        home = settings.read().home
    except settings.BadSetting as err:
        log.error("%s", err)
        return 2
    return keep(home, stop)


def keep(home: Path, stop: threading.Event) -> int:
    """Hold a lease on the home's server and restart it within half a second, until ``stop``."""
    server = EmbeddedPostgres(home)
    try:
        lease = server.acquire()
    except EmbeddedUnavailable as err:
        log.error("can't run: %s", err)
        return 1
    log.info("ready: %s", server.psql_url("bg_assets"))
    if server.remark:
        log.warning("%s", server.remark)
    try:
        _watch(server, stop)
    finally:
        lease.release()
    log.info("left running for others" if server.leased() else "stopped")
    return 0


def _watch(server: EmbeddedPostgres, stop: threading.Event) -> None:
    pause = WATCH_SECONDS
    while not stop.wait(pause):
        if server.running():
            continue
        log.warning("the server is gone, starting it again")
        try:
            server.ensure()
        except EmbeddedUnavailable as err:
            # A full disk may be emptied, so this goes on, more and more slowly.
            pause = min(pause * 2, RETRY_SECONDS)
            log.error("not started, next try in %.1f s: %s", pause, err)
        else:
            pause = WATCH_SECONDS
            log.info("ready again")


if __name__ == "__main__":
    sys.exit(main())
