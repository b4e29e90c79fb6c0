"""`subscriptions test|deliveries|replay`, and `notifications`: messages, and who sends them."""

from collections.abc import Iterator
from datetime import datetime

import click
import sqlalchemy as sa

from bg_assets import encryption, settings, terminal
from bg_assets.cli import session
from bg_assets.cli.subscriptions.options import JSON, NUMBER, Moment, day, found
from bg_assets.domain.notifications import targets
from bg_assets.storage import claims, database
from bg_assets.storage.notifications import listing, subscriptions
from bg_assets.storage.notifications.listing import Delivery


@click.command(short_help="Send a message to try it.")
@NUMBER
@JSON
def test(number: int, as_json: bool) -> None:
    """Send one message of the type buyer_group.test, now and once, and print what came of it.

    It goes to subscriptions that are switched off too. Ends with exit code 1 where it is not taken.
    """
    # It loads an HTTP client.
    from bg_assets.notifications import testing

    with session.opened() as engine:
        opener = encryption.load(settings.read())
        with database.connect(engine) as conn:
            one = found(conn, number)
            keys = subscriptions.signing_keys(conn, opener, number)
        if not keys:
            session.fail(
                f"no secret of subscription {number} can be read: see `bg-assets doctor`",
                session.FAILED,
            )
        answer = testing.send(one, keys)
    where = targets.target(one.url).shown
    if as_json:
        terminal.print_json(
            {"to": where, "accepted": answer.accepted, "code": answer.code,
             "error": answer.error or None}
        )  # fmt: skip
    elif answer.accepted:
        terminal.tell(f"{where} took it: {answer.code}")
    else:
        terminal.tell(f"{where} did not take it: {answer.error}")
    raise SystemExit(0 if answer.accepted else session.FAILED)


@click.command(short_help="Print what became of its messages.")
@NUMBER
@click.option(
    "--status", type=click.Choice(("pending", "delivered", "dead")), help="Only such ones."
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000))
@JSON
def deliveries(number: int, status: str | None, limit: int, as_json: bool) -> None:
    """Print the last messages to a subscription and what became of each, the newest first.

    A message that is not taken is tried ten times in three days, then it is dead. Until then the
    later ones of its company wait.
    """
    with session.opened() as engine, database.connect(engine) as conn:
        found(conn, number)
        listed = listing.deliveries(conn, number, limit, status)
    if as_json:
        terminal.print_json({"deliveries": listed})
        return
    if not listed:
        terminal.tell("no message" if status is None else f"no {status} message")
    for one in listed:
        terminal.tell(_in_words(one))
    if any(one.status == "dead" for one in listed):
        session.say(f"send them again with `bg-assets subscriptions replay {number} --from TIME`")


@click.command(short_help="Send again what was told since a time.")
@NUMBER
@click.option("--from", "since", required=True, type=Moment(), help="Like 2026-11-01 (UTC), or 3d.")
@click.option("--to", "until", type=Moment(), help="Up to this one; now without it.")
@JSON
def replay(number: int, since: datetime, until: datetime | None, as_json: bool) -> None:
    """Send again all messages of a time that it wants, those it never got too, in their order.

    Each has the webhook-id that it had before, by which a receiver knows it again. Messages are
    kept for BG_RETENTION_OUTBOX.
    """
    done = 0
    with session.opened() as engine:
        with database.connect(engine) as conn:
            one = found(conn, number)
            end = until or claims.database_now(conn)
        for made in _rounds(engine, number, since, end):
            done += made
    if as_json:
        terminal.print_json({"subscription": number, "replayed": done})
        return
    terminal.tell(f"{done} message{' is' if done == 1 else 's are'} to be sent again")
    if one.status != "active":
        session.say(f"it is {one.status}: `bg-assets subscriptions enable {number}` sends them")


@click.command(short_help="Run the sender of notifications alone.")
def notifications() -> None:
    """Run the sender of notifications alone, until Ctrl-C.

    `up` runs one; several, on one machine or more, share the work.
    """
    from bg_assets.notifications import service

    with session.clear_errors():
        raise SystemExit(service.run(settings.read()))


def _rounds(engine: sa.Engine, number: int, since: datetime, until: datetime) -> Iterator[int]:
    """Each round in a transaction of its own; how many messages each made wait."""
    after: tuple[datetime, int] | None = (since, 0)
    while after is not None:
        with database.connect(engine) as conn:
            made, after = listing.replay(conn, number, after, until)
        yield made


def _in_words(one: Delivery) -> str:
    attempts = "1 attempt" if one.attempts == 1 else f"{one.attempts} attempts"
    error = f": {one.last_error}" if one.last_error and one.status != "delivered" else ""
    coming = f", next {day(one.next_attempt_at)}" if one.next_attempt_at else ""
    return (
        f"{one.webhook_id} {one.company_id} {one.product} {'+'.join(one.kinds)} "
        f"{day(one.created_at)}: {one.status} after {attempts}{coming}{error}"
    )
