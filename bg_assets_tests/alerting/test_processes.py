"""Real processes: two tell of each thing once, whichever dies; a stop is heard at once."""

import signal
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from bg_assets_tests.alerting.running import eventually, heard, running
from bg_assets_tests.alerting.servers import Web
from bg_assets_tests.cli.command import Command


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

        def is_told_over() -> bool:
            # Again, since a round under way may have seen it before and note it after this.
            bg.execute("update bg.alerts set since = since - interval '1 hour', "
                       "seen_at = seen_at - interval '1 hour' "
                       "where seen_at > now() - interval '30 minutes'")  # fmt: skip
            return len(heard(vendor)) == 2

        eventually("its end is told", 30, is_told_over)
        assert heard(vendor)[1] == ("over", "capture-lost")
        began = time.monotonic()
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=20) == 0
        assert time.monotonic() - began < 5
        assert bg.value("select holder from bg.alert_sender") == ""
        ended = "select count(*) from bg.workers where kind = 'alerts' and ended_at is not null"
        assert bg.value(ended) == 1
