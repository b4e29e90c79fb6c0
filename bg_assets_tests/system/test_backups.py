"""A backup of the running system, restored elsewhere: it starts clean, and nothing runs twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from bg_assets.instance.statuses import NOT_OVER
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import stream, world
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.system, pytest.mark.slow]

SETTINGS = {"BG_REFRESH_INTERVAL": "0", "BG_SETTLE": "0.2", "BG_MAX_ATTEMPTS": "2"}
PROGRAMS = ("postgres", "code", "daemon")
START_SECONDS = 120
_LEAVE = """
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname in ('bg_assets', 'dagster') and pid <> pg_backend_pid()
"""


@contextmanager
def _stack(template_home: Path) -> Iterator[Stack]:
    with stacks.stack_in(template_home, SETTINGS) as made:
        yield made


def test_it_is_made_under_load_and_restored_into_another_server(
    template_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "backup"
    with _stack(template_home) as first:
        first.start(*PROGRAMS)
        companies = world.grow(first, "saved-", 40, seconds=START_SECONDS)
        with stream.streaming(first, companies, seed=11) as changes:
            eventually(lambda: changes.written > 40, 30, "the stream flows")
            # So that runs and refreshes are under way in any case.
            with world.writes_blocked(first):
                eventually(lambda: world.blocked_runs(first), 30, "a run is about to write")
                made = first.cli("backup", str(file))
            assert made.returncode == 0, made.stderr
            eventually(lambda: changes.written > 80, 30, "the stream flows on")
        world.settle(first, companies, START_SECONDS)
        last = first.value("select max(finished_at) from bg.buyer_group_refresh_log")

    with _stack(template_home) as second:
        second.execute(_LEAVE)
        second.engine.dispose()
        done = second.cli("restore", str(file), "--json")
        assert done.returncode == 0, done.stderr
        under_way = second.rows(
            "select company_id, attempt, outages from bg.buyer_group_refresh_log "
            "where status = 'requested'"
        )
        assert under_way
        assert second.value(
            "select count(*) from bg.buyer_group_refresh_log where status = 'running'"
        ) == 0  # fmt: skip
        in_progress = dg.RunsFilter(statuses=NOT_OVER)
        assert second.instance.get_runs(in_progress) == []
        assert second.value("select max(finished_at) from bg.buyer_group_refresh_log") < last
        stream.watch(second)
        second.start(*PROGRAMS)
        stream.assert_nothing_lost_and_nothing_twice(second, companies, START_SECONDS)
        eventually(
            lambda: not second.instance.get_runs(in_progress), 30, "no run is in progress any more"
        )
        for company in companies[:5]:
            run_id, _ = world.shown_by_dagster(second, world.GROUPS, company)
            assert run_id == world.log_of(second, company)[-1].run_id
        # It goes on as any other.
        world.retitle(second, f"{companies[0]}-2", "Chief Accountant")
        world.settle(second, companies)
        world.assert_groups_as_recomputed(second, companies)
    with capsys.disabled():
        print(f"\n  {made.stderr.strip()}; {done.stderr.strip()}")  # noqa: T201
