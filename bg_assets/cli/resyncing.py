"""`resync`: where groups are not what people and templates would make of them, and only there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import click
import sqlalchemy as sa
from rich.progress import Progress

from bg_assets import terminal
from bg_assets.cli import lookups, session
from bg_assets.storage import companies, database, experiments, resync, templates
from bg_assets.storage.capture import missed, watch

PORTION = 1000
_MOST_NAMED = 20


@dataclass
class _Compared:
    """What was found: how many were compared, which differ, and how many are of old templates."""

    compared: int = 0
    differing: list[str] = field(default_factory=list)
    of_old_templates: int = 0


@click.command("resync")
@click.argument("ids", metavar="COMPANY...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All companies.")
@click.option("--dry-run", is_flag=True, help="Say what differs, and change nothing.")
@click.option("--json", "as_json", is_flag=True)
def resync_command(ids: tuple[str, ...], everything: bool, dry_run: bool, as_json: bool) -> None:
    """Find companies whose groups are older than their people, and ask for refreshes only there.

    Compared are people, companies and dates with what the last refresh of each company has seen,
    and the templates. Nobody is asked for who waits or is being refreshed already. `up` does this
    by itself after triggers were lost; here it is for what nothing notices, such as writes with
    session_replication_role = replica, or a database that was restored.
    """
    if everything == bool(ids):
        session.fail("name companies, or say --all", session.USAGE)
    with session.opened() as engine:
        with database.connect(engine) as conn:
            lookups.require_companies(conn, ids)
            lost = watch.problems(conn)
            total = companies.count(conn) if everything else len(set(ids))
        bar = Progress(console=terminal.messages, disable=not session.is_terminal(), transient=True)
        with bar:
            task = bar.add_task("comparing", total=total)
            found = _compare(
                engine,
                None if everything else list(ids),
                dry_run,
                lambda done: bar.update(task, completed=done),
            )
    if as_json:
        terminal.print_json(
            {
                "compared": found.compared,
                "differing": found.differing,
                "of_old_templates": found.of_old_templates,
                "raised": not dry_run,
            }
        )
    else:
        _tell(found, dry_run)
    for line in lost:
        session.say(line)
    raise SystemExit(session.FAILED if lost else 0)


def _compare(
    engine: sa.Engine,
    only: Sequence[str] | None,
    dry_run: bool,
    progress: Callable[[int], None],
) -> _Compared:
    """Compare portion by portion, each in a transaction, which a dry run takes back."""
    found = _Compared()
    after, more = "", True
    while more:
        with database.connect(engine) as conn:
            portion = missed.compare(conn, after, PORTION, only=only, skip_waiting=True)
            if portion.number:
                current = {name: one.hash for name, one in templates.read(conn).items()}
                found.of_old_templates += resync.raise_within(
                    conn, current, after, portion.last, only, experiments.arranging(conn)
                )
            if dry_run:
                conn.rollback()
        found.compared += portion.number
        found.differing += portion.differing
        after, more = portion.last, portion.more
        progress(found.compared)
    return found


def _tell(found: _Compared, dry_run: bool) -> None:
    what = "1 company" if found.compared == 1 else f"{found.compared} companies"
    terminal.tell(f"compared {what}")
    then = "nothing was changed" if dry_run else "to be refreshed now"
    if found.differing:
        some = ", ".join(found.differing[:_MOST_NAMED])
        rest = len(found.differing) - _MOST_NAMED
        more = f" and {rest} more" if rest > 0 else ""
        number = len(found.differing)
        who = "1 differs from its" if number == 1 else f"{number} differ from their"
        terminal.tell(f"{who} people, {then}: {some}{more}")
    if found.of_old_templates:
        number = found.of_old_templates
        who = "1 has groups" if number == 1 else f"{number} have groups"
        terminal.tell(f"{who} of an older template, {then}")
    if not (found.differing or found.of_old_templates):
        terminal.tell("all groups are as people and templates make them, or wait for that already")
