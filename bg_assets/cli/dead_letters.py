"""`dead`, `requeue` and `discard`: what failed for good, trying it again, and giving up on it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import click
import sqlalchemy as sa

from bg_assets import terminal
from bg_assets.cli import lookups, requesting, session
from bg_assets.domain.values import near
from bg_assets.storage import audit, claims, database, discarding, refreshes
from bg_assets.storage.reports import cancelled as cancelled_refreshes
from bg_assets.storage.reports import dead as dead_refreshes
from bg_assets.storage.reports.dead import DeadRefresh
from bg_assets.storage.webhooks import dead as webhook_dead
from bg_assets.storage.webhooks.dead import DeadEvent

REFRESH, EVENT = "refresh", "event"
_ACTIONS = {REFRESH: audit.REFRESH_DISCARDED, EVENT: audit.EVENT_DISCARDED}
_COMPANIES_AT_ONCE = 1000
_NEAR_AMONG = 1000

_KIND = click.option("--kind", type=click.Choice([REFRESH, EVENT]), help="Only these; else both.")
_ERROR = click.option("--error", metavar="TEXT", help="Only those whose error has this text in it.")
_IDS = click.argument("ids", metavar="[COMPANY|EVENT-ID]...", nargs=-1)
_ALL = click.option("--all", "everything", is_flag=True, help="All that is dead.")
_JSON = click.option("--json", "as_json", is_flag=True)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which dead refreshes and events are meant: ``ids`` None is all; ``until``: dead by then."""

    ids: list[str] | None
    kinds: tuple[str, ...]
    error: str | None
    until: datetime


@click.command(short_help="Print what failed for good, with its attempts.")
@_KIND
@_ERROR
@click.option("--discarded", is_flag=True, help="What somebody gave up on instead, and why.")
@click.option("--cancelled", is_flag=True,
              help="Whose refresh was cancelled instead, and what waits.")  # fmt: skip
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000_000))
@_JSON
def dead(
    kind: str | None, error: str | None, discarded: bool, cancelled: bool, limit: int, as_json: bool
) -> None:
    """Print the refreshes and webhook events that failed for good, with their attempts."""
    kinds = _kinds(kind)
    if cancelled:
        if discarded or error is not None or kind is not None:
            session.fail("--cancelled goes with --limit and --json alone", session.USAGE)
        with session.opened() as engine, database.connect(engine) as conn:
            _print_cancelled(conn, limit, as_json)
        return
    if discarded and error is not None:
        session.fail("--error goes by what is dead: leave it out with --discarded", session.USAGE)
    with session.opened() as engine, database.connect(engine) as conn:
        if discarded:
            _print_discarded(conn, kinds, limit, as_json)
            return
        rows = dead_refreshes.read(conn, limit, error) if REFRESH in kinds else []
        events = webhook_dead.list_dead(conn, limit, None, error) if EVENT in kinds else []
    if as_json:
        terminal.print_json({"refreshes": rows, "events": events})
        return
    for line in [*_refreshes_in_words(rows), *_events_in_words(events)]:
        terminal.tell(line)
    if not rows and not events:
        terminal.tell("nothing is dead" if error is None else "nothing that is dead says so")
        return
    if limit in (len(rows), len(events)):
        session.say(f"the last {limit} of a kind; --limit shows more")
    session.say(
        "try them again with `bg-assets requeue ID...`, `--error TEXT` or `--all`; give up on them "
        "with `bg-assets discard ID... --reason TEXT`"
    )


@click.command(short_help="Try again what failed for good (see `dead`).")
@_IDS
@_ALL
@_KIND
@_ERROR
@click.option("--wait", is_flag=True, help="Until the refreshes are done.")
def requeue(
    ids: tuple[str, ...], everything: bool, kind: str | None, error: str | None, wait: bool
) -> None:
    """Try again what failed for good: refreshes of companies and webhook events (see `dead`)."""
    with session.opened() as engine:
        chosen = _chosen(engine, ids, everything, kind, error)
        companies = _in_portions(engine, chosen, refreshes.requeue)
        events = _replay(engine, chosen)
        if events:
            what = "1 event is" if events == 1 else f"{events} events are"
            terminal.tell(f"{what} pending again; `bg-assets status` tells how far it is")
        if companies:
            requesting.asked(engine, companies, wait)
    if not companies and not events:
        terminal.tell("nothing is dead that fits")


@click.command(short_help="Give up on what failed for good, with a reason.")
@_IDS
@_ALL
@_KIND
@_ERROR
@click.option("--reason", required=True, help="Why; kept in the audit log.")
@click.option("--by", help="Who says so; else the user of this computer.")
@_JSON
def discard(
    ids: tuple[str, ...],
    everything: bool,
    kind: str | None,
    error: str | None,
    reason: str,
    by: str | None,
    as_json: bool,
) -> None:
    """Give up on what failed for good: groups stay as they are, and it is not tried again.

    What is discarded is printed and kept in the audit log; `dead --discarded` lists it.
    """
    if not reason.strip():
        session.fail("--reason is empty: say why, it is kept", session.USAGE)
    who = by or lookups.who_types()
    lost: dict[str, list[str]] = {}
    with session.opened() as engine:
        chosen = _chosen(engine, ids, everything, kind, error)

        def give_up(conn: sa.Connection, companies: Sequence[str]) -> list[str]:
            lost.update(discarding.discard(conn, companies, who, reason))
            return []

        _in_portions(engine, chosen, give_up)
        events = list(_discard_events(engine, chosen, who, reason))
    if as_json:
        listed = [{"company_id": one, "changes": changes} for one, changes in lost.items()]
        terminal.print_json({"refreshes": listed, "events": events})
        return
    for company, changes in lost.items():
        terminal.tell(f"{company}: discarded {', '.join(changes) or 'a refresh without changes'}")
    for event in events:
        terminal.tell(f"{event.id} {event.source} {event.type}: discarded, {event.error}")
    if not lost and not events:
        terminal.tell("nothing is dead that fits")


def _kinds(kind: str | None) -> tuple[str, ...]:
    return (REFRESH, EVENT) if kind is None else (kind,)


def _chosen(
    engine: sa.Engine, ids: tuple[str, ...], everything: bool, kind: str | None, error: str | None
) -> Chosen:
    """What is meant. Ends with exit code 2 where that is unclear, or an id has nothing dead."""
    if bool(ids) + everything + (error is not None) != 1:
        session.fail("name companies or events, or say --all or --error TEXT", session.USAGE)
    kinds = _kinds(kind)
    wanted = list(dict.fromkeys(ids)) if ids else None
    with database.connect(engine) as conn:
        until = claims.database_now(conn)
        if wanted is not None:
            _require(conn, wanted, kinds)
    return Chosen(wanted, kinds, error, until)


def _require(conn: sa.Connection, wanted: Sequence[str], kinds: Sequence[str]) -> None:
    known: set[str] = set()
    if REFRESH in kinds:
        known.update(dead_refreshes.companies(conn, wanted))
    if EVENT in kinds:
        known |= webhook_dead.dead_ids(conn, wanted, None)
    missing = [one for one in wanted if one not in known]
    if not missing:
        return
    candidates = dead_refreshes.companies(conn)[:_NEAR_AMONG] if REFRESH in kinds else []
    if EVENT in kinds:
        candidates += [event.id for event in webhook_dead.list_dead(conn, _NEAR_AMONG)]
    hints = [near.near(one, candidates) for one in missing]
    lines = [
        f"no dead {' or '.join(kinds)} of {one}{f'; {hint}' if hint.startswith('did') else ''}"
        for one, hint in zip(missing, hints, strict=True)
    ]
    session.fail([*lines, "nothing was done; `bg-assets dead` lists what is dead"], session.USAGE)


def _in_portions(
    engine: sa.Engine, chosen: Chosen, act: Callable[[sa.Connection, Sequence[str]], list[str]]
) -> list[str]:
    """Do something to the companies that are meant, each portion in a transaction of its own."""
    if REFRESH not in chosen.kinds:
        return []
    with database.connect(engine) as conn:
        companies = dead_refreshes.companies(conn, chosen.ids, chosen.error)
    done: list[str] = []
    for start in range(0, len(companies), _COMPANIES_AT_ONCE):
        with database.connect(engine) as conn:
            done += act(conn, companies[start : start + _COMPANIES_AT_ONCE])
    return done


def _replay(engine: sa.Engine, chosen: Chosen) -> int:
    if EVENT not in chosen.kinds:
        return 0
    who, done = lookups.who_types(), 0
    while True:
        with database.connect(engine) as conn:
            made = webhook_dead.replay(conn, chosen.ids, None, chosen.until, who, chosen.error)
        if not made:
            return done
        done += made


def _discard_events(
    engine: sa.Engine, chosen: Chosen, who: str, reason: str
) -> Iterator[webhook_dead.DiscardedEvent]:
    while EVENT in chosen.kinds:
        with database.connect(engine) as conn:
            made = webhook_dead.discard(conn, chosen.ids, chosen.until, who, reason, chosen.error)
        if not made:
            return
        yield from made


def _refreshes_in_words(rows: Sequence[DeadRefresh]) -> Iterator[str]:
    for row in rows:
        often = "" if row.deaths == 1 else f", dead {row.deaths} times since its last success"
        changes = "1 change" if row.changes == 1 else f"{row.changes} changes"
        attempts = "1 attempt" if row.attempts == 1 else f"{row.attempts} attempts"
        rest = ""
        if row.not_before is not None and row.not_before > datetime.now(UTC):
            rest = f"; a further change waits until {_utc(row.not_before)}"
        yield (
            f"refresh {row.company_id} {_utc(row.died_at)}, after {attempts}{often}: {row.error}; "
            f"{changes} in no group{rest}"
        )
        for one in row.history:
            run = one.run_id or "that never began"
            yield f"  attempt {one.attempt}, {_utc(one.ended_at)}, run {run}: {one.error}"


def _events_in_words(events: Sequence[DeadEvent]) -> Iterator[str]:
    for event in events:
        who = f"{event.company or '-'} {event.person or '-'}"
        at = _utc(event.occurred_at)
        yield f"event {event.id} {event.source} {event.type} {who} {at}: {event.reason}"
        for number, one in enumerate(event.history[:-1], 1):
            yield f"  attempt {number}, {_utc(one.failed_at)}: {one.reason}"


def _print_discarded(conn: sa.Connection, kinds: Sequence[str], limit: int, as_json: bool) -> None:
    found = dead_refreshes.discarded(conn, limit, [_ACTIONS[kind] for kind in kinds])
    if as_json:
        terminal.print_json({"discarded": found})
        return
    for one in found:
        kind = next(kind for kind, action in _ACTIONS.items() if action == one.action)
        number = len(one.detail.get("changes", ()))
        changes = f", {number} change{'' if number == 1 else 's'}" if kind == REFRESH else ""
        terminal.tell(
            f"{kind} {one.subject} {_utc(one.at)} by {one.actor}{changes}: {one.detail['reason']} "
            f"(it was dead for: {one.detail['error']})"
        )
    if not found:
        terminal.tell("nothing was discarded")


def _print_cancelled(conn: sa.Connection, limit: int, as_json: bool) -> None:
    found = cancelled_refreshes.read(conn, limit)
    if as_json:
        terminal.print_json({"cancelled": found})
        return
    for one in found:
        changes = "1 change waits" if one.changes == 1 else f"{one.changes} changes wait"
        terminal.tell(
            f"{one.company_id} {_utc(one.cancelled_at)}: {one.why or 'cancelled'}; {changes} for "
            "its next refresh"
        )
    if not found:
        terminal.tell("no company waits because its refresh was cancelled")
        return
    if len(found) == limit:
        session.say(f"the last {limit}; --limit shows more")
    session.say("`bg-assets refresh COMPANY...` takes their changes along")


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
