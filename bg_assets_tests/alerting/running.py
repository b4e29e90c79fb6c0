"""Real processes that look every second, and what a vendor heard of them."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bg_assets_tests.alerting.scenes import SECRET
from bg_assets_tests.alerting.servers import Web
from bg_assets_tests.conftest import ROOT

RUN = ("-c", "from bg_assets.cli.main import main; main()", "alerts", "run")


@contextlib.contextmanager
def running(home: Path, vendor: Web) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that looks every second, of a machine of its own as far as its home goes."""
    home.mkdir(exist_ok=True)
    variables = {
        "BG_HOME": str(home), "BG_ALERTS": "webhook", "BG_ALERTS_EVERY": "1",
        "BG_ALERTS_WEBHOOK_URL": vendor.url, "BG_ALERTS_WEBHOOK_SECRET": SECRET,
    }  # fmt: skip
    with (home / "alerts.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *RUN], env={**os.environ, **variables}, cwd=ROOT,
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def eventually(what: str, seconds: float, done: object) -> None:
    """Wait until it is so."""
    assert callable(done)
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def heard(vendor: Web) -> list[tuple[str, str]]:
    """As (event, key), in order."""
    return [(one["type"][6:], one["data"]["key"]) for one in vendor.documents]
