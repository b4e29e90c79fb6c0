"""Real processes: two tell of each thing once, whichever dies; a stop is heard at once."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bg_assets_tests.alerting.scenes import SECRET
from bg_assets_tests.alerting.servers import Web
from bg_assets_tests.cli.command import Command
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
    return [(one["type"][6:], one["data"]["key"]) for one in vendor.documents]


@pytest.mark.slow
def test_two_processes_tell_once_and_the_other_goes_on_when_one_is_killed(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    bg = Command(engine, tmp_path)
    with running(tmp_path / "a", vendor) as one, running(tmp_path / "b", vendor) as other:
        looking = "select count(*) from bg.workers where kind = 'alerts'"
        eventually("both look", 60, lambda: bg.value(looking) == 2)
        bg.execute("alter table bg.people disable trigger capture_people_update")
        eventually("it is told", 30, lambda: heard(vendor) == [("raised", "capture-lost")])
        rounds = "select seen_at from bg.alerts"
        seen = bg.value(rounds)
        eventually("some rounds pass", 30, lambda: (bg.value(rounds) - seen).total_seconds() > 4)
        assert heard(vendor) == [("raised", "capture-lost")]
        holder = bg.value("select holder from bg.alert_sender")
        first, second = (one, other) if f" {one.pid} " in holder else (other, one)
        first.kill()
        # The lease of who was killed runs out.
        bg.execute("update bg.alert_sender set until = clock_timestamp()")
        bg.execute("alter table bg.people enable trigger capture_people_update")
        bg.execute("update bg.alerts set since = since - interval '1 hour', "
                   "seen_at = seen_at - interval '1 hour'")  # fmt: skip
        eventually("its end is told", 30, lambda: len(heard(vendor)) == 2)
        assert heard(vendor)[1] == ("over", "capture-lost")
        began = time.monotonic()
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=20) == 0
        assert time.monotonic() - began < 5
        assert bg.value("select holder from bg.alert_sender") == ""
        ended = "select count(*) from bg.workers where kind = 'alerts' and ended_at is not null"
        assert bg.value(ended) == 1
