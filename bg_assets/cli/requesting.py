"""`refresh`, `backfill` and `untrack`: asking for something to happen to companies."""

import time

import click
import sqlalchemy as sa
from rich.progress import Progress

from bg_assets import terminal
from bg_assets.cli import lookups, session
from bg_assets.instance import state
from bg_assets.storage import companies, database, priorities, refreshes
from bg_assets.storage.reports import counts

_WAIT = click.option("--wait", is_flag=True, help="Until it is done.")
_IDS = click.argument("ids", metavar="COMPANY...", nargs=-1, required=True)


@click.command()
@_IDS
@_WAIT
def refresh(ids: tuple[str, ...], wait: bool) -> None:
    """Recompute the groups of companies now, whenever they were refreshed last."""
    wanted = list(dict.fromkeys(ids))
    with session.opened() as engine:
        with database.connect(engine) as conn:
            lookups.require_companies(conn, ids)
            refreshes.request_by_hand(conn, wanted)
        asked(engine, wanted, wait)


@click.command()
@click.argument("ids", metavar="COMPANY...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All companies.")
@_WAIT
def backfill(ids: tuple[str, ...], everything: bool, wait: bool) -> None:
    """Recompute the groups of many companies, behind everything more urgent."""
    if everything == bool(ids):
        session.fail("name companies, or say --all", session.USAGE)
    with session.opened() as engine:
        with database.connect(engine) as conn:
            lookups.require_companies(conn, ids)
            wanted = companies.all_ids(conn) if everything else list(dict.fromkeys(ids))
            refreshes.request_by_hand(conn, wanted, priority=priorities.BACKFILL, asked="backfill")
        asked(engine, wanted, wait)


@click.command()
@_IDS
def untrack(ids: tuple[str, ...]) -> None:
    """Stop tracking companies: their groups go, their history stays.

    Importing a company again takes it back.
    """
    with session.opened() as engine, database.connect(engine) as conn:
        lookups.require_companies(conn, ids)
        gone = companies.untrack(conn, ids)
    what = "1 company is" if len(gone) == 1 else f"{len(gone)} companies are"
    terminal.tell(f"{what} no longer tracked; their groups go within seconds")


def asked(engine: sa.Engine, ids: list[str], wait: bool) -> None:
    """Say what was asked for; or wait for it, and end with exit code 1 where some of it failed."""
    number = len(ids)
    what = "1 company is" if number == 1 else f"{number} companies are"
    if not wait:
        terminal.tell(f"{what} to be refreshed; `bg-assets status` tells how far it is")
        return
    if state.read(database.dagster_url()).daemon != "running":
        session.say("Dagster's daemon is not running: nothing happens until `bg-assets up` does")
    dead = _wait(engine, ids)
    if dead:
        who = "1 company" if dead == 1 else f"{dead} companies"
        session.fail(f"{who} failed for good: see `bg-assets dead`", session.FAILED)
    terminal.tell("done")


def _wait(engine: sa.Engine, ids: list[str]) -> int:
    """Wait until the refreshes of these companies are over; returns how many are dead."""
    bar = Progress(console=terminal.messages, disable=not session.is_terminal(), transient=True)
    with bar:
        task = bar.add_task("refreshing", total=len(ids))
        while True:
            began = time.monotonic()
            with database.connect(engine) as conn:
                under_way, dead = counts.read_progress(conn, ids)
            bar.update(task, completed=len(ids) - under_way)
            if under_way == 0:
                return dead
            # However many companies, looking takes a tenth of the time at most.
            time.sleep(max(0.5, 9 * (time.monotonic() - began)))
