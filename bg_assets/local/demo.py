"""`demo`: sample companies, a real daemon, some changes, and what came of them.

It works in a folder of its own with an embedded PostgreSQL of its own.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.embedded import privacy
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.local import demo_changes, demo_webhooks, programs, up
from bg_assets.local.demo_changes import Step
from bg_assets.storage import database
from bg_assets.storage.reports import counts as overview
from bg_assets.storage.webhooks import dead
from bg_assets.terminal import Terminal

FIRST_BUILD_SECONDS = 120.0
CHANGE_SECONDS = 60.0
_IGNORED = (
    "BG_DATABASE_URL",
    "BG_DAGSTER_URL",
    "BG_PRODUCTS",
    "BG_TEMPLATES",
    "BG_ENCRYPTION_KEYS",
    "BG_TRUSTED_PROXIES",
)

_RUNS = sa.text("""
    select count(distinct run_id) as runs, count(*) as refreshes,
        count(distinct company_id) as companies
    from bg.buyer_group_refresh_log where status = 'completed'
""")
_SINCE = sa.text("""
    select r.company_id, r.run_id, r.diff, min(c.kind) as kind, count(*) as changes,
        extract(epoch from r.finished_at - max(c.occurred_at))::float as seconds
    from bg.buyer_group_refresh_log as r
    join bg.changes as c on c.refresh_id = r.id
    where r.status = 'completed' and r.requested_at >= :since
    group by r.id
""")

Show = Callable[[Terminal, sa.Connection, str], None]


class DemoFailed(Exception):
    """Something did not come out as it must; the message says what."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """One refresh that a change led to: ``seconds`` from the last change to the group's commit."""

    company_id: str
    run_id: str
    seconds: float
    changes: int
    diff: dict[str, dict[str, list[object]]]


def demo(companies: int, seed: int, show: Show) -> int:
    """Run through; returns the exit code: 0 when just the right companies were refreshed.

    ``show`` prints the groups of a company, as `bg-assets show` does.
    """
    out = Terminal(soft_wrap=True)
    privacy.close(settings.read().home)
    home = settings.read().home / privacy.DEMO
    with programs.only_one(home):
        os.environ["BG_HOME"] = str(home)
        for name in _IGNORED:
            os.environ.pop(name, None)
        os.environ["BG_RECEIVER_PORT"] = str(programs.free_port())
        _remove(home)
        try:
            with _stack(out, home, companies, seed) as engine:
                _run_through(out, engine, show)
        except DemoFailed as err:
            out.print(f"[bold red]demo failed:[/] {err}; logs in {home / 'logs'}")
            return 1
        finally:
            EmbeddedPostgres(home).destroy()
    out.print()
    out.print("demo done. `make up` runs all of this for your own data; the README goes on there.")
    return 0


@contextmanager
def _stack(out: Terminal, home: Path, companies: int, seed: int) -> Iterator[sa.Engine]:
    """The database with the sample in it and the daemon running on it."""
    with EmbeddedPostgres(home).acquire():
        up.prepare_databases()
        engine = database.make_engine(database.bg_url())
        try:
            counts = demo_changes.import_sample(engine, home / "sample", companies, seed)
            out.print(
                f"{counts.companies} invented companies with {counts.people} people imported "
                f"into {home} (your own data is not touched)"
            )
            env = {
                "BG_HOME": str(home),
                "DAGSTER_HOME": str(programs.prepare_dagster_home(home)),
            }
            wanted = [
                program
                for program in programs.all_programs(settings.read())
                if program.name not in ("webserver", "metrics")
            ]
            out.print("starting Dagster's daemon and the webhook door ...")
            with programs.supervised(home, wanted, env) as supervisor:
                _wait(engine, supervisor, FIRST_BUILD_SECONDS)
                yield engine
        finally:
            engine.dispose()


def _run_through(out: Terminal, engine: sa.Engine, show: Show) -> None:
    with database.connect(engine) as conn:
        first = conn.execute(_RUNS).one()
    out.print(f"first groups: {first.companies} companies in {_number(first.runs, 'run')}")
    out.print()
    with database.connect(engine) as conn:
        since = conn.execute(sa.text("select clock_timestamp()")).scalar_one()
    try:
        steps = demo_changes.make(engine)
    except demo_webhooks.NotTaken as err:
        raise DemoFailed(str(err)) from None
    _wait(engine, None, CHANGE_SECONDS)
    with database.connect(engine) as conn:
        rows = conn.execute(_SINCE, {"since": since}).all()
    done = [
        Refreshed(row.company_id, row.run_id, row.seconds, row.changes, row.diff) for row in rows
    ]
    _print(out, steps, done)
    _check(steps, done)
    out.print()
    out.print("the first of these companies now (`bg-assets show`):")
    with database.connect(engine) as conn:
        show(out, conn, steps[0].companies[0])


def _wait(engine: sa.Engine, supervisor: subprocess.Popen[bytes] | None, seconds: float) -> None:
    """Wait until nothing is pending. Raises DemoFailed after ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if supervisor is not None and supervisor.poll() is not None:
            raise DemoFailed("the supervisor of the daemon ended")
        with database.connect(engine) as conn:
            # In this order: an event that is no longer pending has made its changes.
            events, lost = dead.counts(conn)
            now = overview.read_overview(conn, 0)
        if now.dead or lost:
            raise DemoFailed(f"{now.dead} companies and {lost} webhook events failed for good")
        if now.changes == 0 and events == 0:
            return
        time.sleep(0.2)
    raise DemoFailed(
        f"after {seconds:g} s {now.changes} changes are not in a group, {events} events pending"
    )


def _print(out: Terminal, steps: list[Step], done: list[Refreshed]) -> None:
    settle = settings.read().settle
    out.print(
        f"[bold]what changed[/], and after how long the groups stood (BG_SETTLE: {settle:g} s)"
    )
    for step in steps:
        mine = [refresh for refresh in done if refresh.company_id in step.companies]
        runs = len({refresh.run_id for refresh in mine})
        slowest = max((refresh.seconds for refresh in mine), default=0.0)
        out.print(f"  {step.what}: {_some(step.companies)}")
        out.print(
            f"    {len(mine)} refreshed in {_number(runs, 'run')}, {slowest:.1f} s after the last "
            f"of {_number(sum(refresh.changes for refresh in mine), 'change')}; {_news(mine)}"
        )
    refreshed = {refresh.company_id for refresh in done}
    changed = {company for step in steps for company in step.companies}
    out.print(
        f"[bold]{len(changed)} companies changed, {len(refreshed)} were refreshed, each once, in "
        f"{_number(len({refresh.run_id for refresh in done}), 'run')}[/]"
    )


def _some(companies: tuple[str, ...]) -> str:
    shown = ", ".join(companies[:3])
    return shown if len(companies) <= 3 else f"{shown} and {len(companies) - 3} more"


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _news(done: list[Refreshed]) -> str:
    counts = {"joined": 0, "left": 0, "role_changed": 0}
    for one in done:
        for diff in one.diff.values():
            for name in counts:
                counts[name] += len(diff.get(name, []))
    said = [f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number]
    return ", ".join(said) or "same members"


def _check(steps: list[Step], done: list[Refreshed]) -> None:
    """Just the companies that changed, each once."""
    changed = sorted({company for step in steps for company in step.companies})
    refreshed = sorted(one.company_id for one in done)
    if changed != refreshed:
        odd = sorted(set(changed) ^ set(refreshed)) or ["one more than once"]
        raise DemoFailed(f"{len(changed)} companies changed, refreshed were others: {odd[:5]}")


def _remove(home: Path) -> None:
    EmbeddedPostgres(home).destroy()
    (home / "keys").unlink(missing_ok=True)
    for name in ("dagster", "logs", "sample"):
        shutil.rmtree(home / name, ignore_errors=True)
