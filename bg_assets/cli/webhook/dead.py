"""`webhook dead|replay`: events that could not be applied, and trying them again."""

from collections.abc import Iterator
from datetime import datetime

import click
import sqlalchemy as sa
from rich.progress import Progress

from bg_assets import terminal
from bg_assets.cli import lookups, session
from bg_assets.domain.values import near
from bg_assets.storage import claims, database
from bg_assets.storage.webhooks import dead as webhook_dead

_NEAR_AMONG = 1000


@click.command(short_help="Print the events that could not be applied.")
@click.option("--source", metavar="NAME", help="Only those of this source.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--json", "as_json", is_flag=True)
def dead(source: str | None, limit: int, as_json: bool) -> None:
    """Print the events that could not be applied, the last received first, and why."""
    with session.opened() as engine, database.connect(engine) as conn:
        events = webhook_dead.list_dead(conn, limit, source)
        _, number = webhook_dead.counts(conn)
    if as_json:
        terminal.print_json({"events": events})
        return
    if not events:
        terminal.tell("no dead event")
        return
    for event in events:
        at = f"{event.occurred_at.astimezone():%Y-%m-%d %H:%M}"
        who = f"{event.company or '-'} {event.person or '-'}"
        terminal.tell(f"{event.id} {event.source} {event.type} {who} {at}: {event.reason}")
    if source is None and number > len(events):
        session.say(f"{len(events)} of {number}; --limit shows more")
    session.say("try them again with `bg-assets webhook replay EVENT-ID...` or `--all`")


@click.command(short_help="Make dead events pending again.")
@click.argument("ids", metavar="EVENT-ID...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead events.")
@click.option("--source", metavar="NAME", help="Only those of this source.")
@click.option("--json", "as_json", is_flag=True)
def replay(ids: tuple[str, ...], everything: bool, source: str | None, as_json: bool) -> None:
    """Make dead events pending again, so that the next tick tries to apply them."""
    if everything == bool(ids):
        session.fail("name events, or say --all", session.USAGE)
    chosen = None if everything else list(dict.fromkeys(ids))
    done = 0
    with session.opened() as engine:
        with database.connect(engine) as conn:
            if chosen is not None:
                _require(conn, chosen, source)
            until = claims.database_now(conn)
            _, number = webhook_dead.counts(conn)
        bar = Progress(console=terminal.messages, disable=not session.is_terminal(), transient=True)
        with bar:
            task = bar.add_task("replaying", total=number if chosen is None else len(chosen))
            for made in _rounds(engine, chosen, source, until):
                done += made
                bar.update(task, completed=done)
    if as_json:
        terminal.print_json({"replayed": done})
        return
    what = "1 event is" if done == 1 else f"{done} events are"
    terminal.tell(f"{what} pending again; `bg-assets status` tells how far it is")


def _rounds(
    engine: sa.Engine, ids: list[str] | None, source: str | None, until: datetime
) -> Iterator[int]:
    """Make events pending again, each round in a transaction of its own; how many each made."""
    who = lookups.who_types()
    while True:
        with database.connect(engine) as conn:
            made = webhook_dead.replay(conn, ids, source, until, who)
        if not made:
            return
        yield made


def _require(conn: sa.Connection, ids: list[str], source: str | None) -> None:
    """End with exit code 2 and near matches where no dead event has the id."""
    known = webhook_dead.dead_ids(conn, ids, source)
    missing = [event_id for event_id in ids if event_id not in known]
    if not missing:
        return
    candidates = [event.id for event in webhook_dead.list_dead(conn, _NEAR_AMONG, source)]
    close = [near.near(event_id, candidates) for event_id in missing]
    lines = [
        f"no dead event {event_id}{f'; {hint}' if hint.startswith('did') else ''}"
        for event_id, hint in zip(missing, close, strict=True)
    ]
    session.fail(lines, session.USAGE)
