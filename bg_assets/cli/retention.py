"""`retention`: what is kept for how long, what would go, and letting go of it now."""

from collections import Counter
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import click
import sqlalchemy as sa
from rich.table import Table

from bg_assets import settings, terminal
from bg_assets.cli import session
from bg_assets.instance import retention as letting_go
from bg_assets.local import programs
from bg_assets.settings import Settings
from bg_assets.storage import claims, database
from bg_assets.storage.retention import rounds
from bg_assets.storage.retention.policy import policy

# By hand it takes as long as it takes.
_NO_BOUND = 10 * 365 * 86_400.0


@click.command()
@click.option("--dry-run", is_flag=True, help="Count what would go, and let go of nothing.")
@click.option("--json", "as_json", is_flag=True)
def retention(dry_run: bool, as_json: bool) -> None:
    """Let go of what has been kept long enough, now, and print the policy.

    Dagster's schedule `retention` does the same by itself: a round of each kind a day, some
    seconds in five minutes. The times are those of BG_RETENTION_CHANGES and the like where
    bg-assets runs; `forever` keeps everything. What is still needed stays, however old:
    docs/retention.md says what that is.

    Small steps that rest as long as they take: it may be stopped, or killed, at any moment.
    --dry-run looks at whole tables; of refreshes and runs it counts some that stay, since
    something needs them, and refreshes go once their changes have.

    Ends with exit code 1 where somebody held what was to go.
    """
    with session.opened() as engine:
        with database.connect(engine) as conn:
            own = settings.shared(settings.read())
            names = [name for name in own if name.startswith("BG_RETENTION_")]
            config = session.settings_in_force(conn, *names)
            now = claims.database_now(conn)
        held_up: list[str] = []
        if dry_run:
            with session.working("counting"):
                numbers: dict[str, int | None] = letting_go.counts(engine, config, now)
        else:
            with session.working("letting go"):
                numbers, held_up = _let_go(engine, config)
        with database.connect(engine) as conn:
            found = _documents(config, numbers, rounds.read(conn), now, dry_run=dry_run)
    if as_json:
        terminal.print_json({"dry_run": dry_run, "retention": found, "held_up": held_up})
    else:
        terminal.results.print(_table(found, dry_run=dry_run))
    if held_up:
        names_of = ", ".join(held_up)
        session.fail(f"somebody holds rows that were to go, try again: {names_of}", session.FAILED)


def _let_go(engine: sa.Engine, config: Settings) -> tuple[dict[str, int | None], list[str]]:
    """How many rows of each kind went, and the kinds of which some were held."""
    went: Counter[str] = Counter()
    with _instance() as instance:
        done = letting_go.turn(
            engine, instance, config, _NO_BOUND, anew=True,
            told=lambda kept, removed: went.update({kept.name: removed}),
        )  # fmt: skip
    return {
        one.name: None if one.seconds is None else went[one.name] for one in policy(config)
    }, done.held_up


def _instance() -> Any:
    if not letting_go.has_runs():
        return nullcontext(None)
    # Importing Dagster takes seconds.
    from bg_assets.instance import cancelling

    return cancelling.instance_in(programs.prepare_dagster_home(settings.read().home))


def _documents(
    config: Settings,
    numbers: dict[str, int | None],
    standing: dict[str, rounds.Standing],
    now: datetime,
    *,
    dry_run: bool,
) -> list[dict[str, Any]]:
    found = []
    for one in policy(config):
        known = standing.get(one.name, rounds.Standing())
        found.append(
            {
                "name": one.name,
                "what": one.what,
                "variable": one.variable,
                "seconds": one.seconds,
                "would_go" if dry_run else "removed": numbers[one.name],
                "removed_ever": known.removed,
                "last_round": known.done and datetime.fromisoformat(known.done),
                "behind_since": None if one.seconds is None else known.behind_since(now),
            }
        )
    return found


def _table(found: list[dict[str, Any]], *, dry_run: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "kept for", "would go" if dry_run else "went", "last round", ""):
        table.add_column(heading, overflow="fold")
    for one in found:
        number = one["would_go" if dry_run else "removed"]
        table.add_row(
            one["what"],
            _days(one["seconds"]),
            "" if number is None else str(number),
            _utc(one["last_round"]) if one["last_round"] else "none yet",
            f"behind since {_utc(one['behind_since'])}" if one["behind_since"] else "",
        )
    return table


def _days(seconds: float | None) -> str:
    if seconds is None:
        return "ever"
    days = seconds / 86_400
    return f"{days:.0f} days" if days >= 2 else f"{seconds / 3600:.0f} hours"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
