"""`subscriptions add|list|show|disable|enable|remove|rotate`: who is told, and of what."""

import secrets as randomness
from dataclasses import asdict
from typing import Any

import click

from bg_assets import encryption, settings, terminal
from bg_assets.cli import lookups, session
from bg_assets.cli.lazy import LazyGroup
from bg_assets.cli.subscriptions.options import JSON, NUMBER, day, document, found
from bg_assets.cli.webhook import options as webhook_options
from bg_assets.domain.notifications import messages, targets
from bg_assets.domain.notifications.targets import Allowed
from bg_assets.domain.webhooks import secrets as webhook_secrets
from bg_assets.storage import database
from bg_assets.storage.notifications import listing, subscriptions
from bg_assets.storage.notifications.subscriptions import Subscription, Wish

_SECRET = click.option(
    "--secret",
    "given",
    metavar="S",
    help="Instead of a generated one; - reads it from standard input.",
)


@click.group(
    "subscriptions",
    cls=LazyGroup,
    elsewhere={
        name: f"bg_assets.cli.subscriptions.sending:{name}"
        for name in ("test", "deliveries", "replay")
    },
)
def group() -> None:
    """Who is told when a buyer group changes: signed messages to URLs, tried again for days."""


@group.command(short_help="Subscribe a URL.")
@click.argument("url")
@click.option("--workspace", default="default", show_default=True, help="Of whose companies.")
@click.option("--product", "products", multiple=True, metavar="P", help="Only these; repeatable.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(messages.KINDS),
    help="Only such news; repeatable.",
)
@click.option("--names", is_flag=True, help="Messages say people's names, read as they are sent.")
@click.option("--private", is_flag=True, help="It may stand in a private network, or on this host.")
@click.option("--insecure", is_flag=True, help="It may be http, which anybody on the way reads.")
@_SECRET
@JSON
def add(url: str, as_json: bool, given: str | None, **wanted: Any) -> None:
    """Tell this URL of changed groups from now on, and print the secret that signs, this once.

    A message is sent as Standard Webhooks (https://www.standardwebhooks.com) says. `subscriptions
    test ID` sends one to try it; `subscriptions replay ID --from TIME` sends what was before.
    """
    allowed = Allowed(wanted["insecure"], wanted["private"])
    wrong = targets.problem(url, allowed)
    if wrong:
        session.fail(wrong, session.USAGE)
    workspace = wanted["workspace"].strip()
    if not (workspace and workspace.isprintable()):
        session.fail("--workspace takes a name of printable characters", session.USAGE)
    secret = _secret(given)
    with session.opened() as engine:
        opener = encryption.load(settings.read())
        with database.connect(engine) as conn:
            for product in wanted["products"]:
                lookups.require_products(conn, product)
            wish = Wish(url, **{**wanted, "workspace": workspace})
            number = subscriptions.add(conn, opener, wish, secret, lookups.who_types())
    session.say(f"subscription {number} to {targets.target(url).shown} added")
    _show_secret(number, secret, given, as_json=as_json)


@group.command("list", short_help="Print the subscriptions.")
@JSON
def list_command(as_json: bool) -> None:
    """Print the subscriptions, and how many messages of each wait or are dead."""
    with session.opened() as engine, database.connect(engine) as conn:
        known = subscriptions.read(conn)
        counts = {one.id: one for one in listing.counts(conn)}
    if as_json:
        shown = [{**document(one), **_counts(counts.get(one.id))} for one in known]
        terminal.print_json({"subscriptions": shown})
        return
    if not known:
        terminal.tell("nobody is told: `bg-assets subscriptions add URL` adds somebody")
        return
    for one in known:
        count = _counts(counts.get(one.id))
        state = "failing" if one.status == "active" and one.failing_since else one.status
        terminal.tell(
            f"{one.id} {targets.target(one.url).shown}: {state}; workspace {one.workspace}; "
            f"products {', '.join(one.products) or 'all'}; kinds {', '.join(one.kinds) or 'all'}; "
            f"{count['waiting']} wait, {count['dead']} dead"
        )


@group.command(short_help="Print one subscription, its URL too.")
@NUMBER
@JSON
def show(number: int, as_json: bool) -> None:
    """Print a subscription: where it goes, what it is told, and how that went."""
    with session.opened() as engine, database.connect(engine) as conn:
        one = found(conn, number)
        counts = {count.id: count for count in listing.counts(conn)}.get(number)
    if as_json:
        terminal.print_json({**document(one), "url": one.url, **_counts(counts)})
        return
    for name, value in _lines(one, _counts(counts)):
        terminal.tell(f"{name:<13} {value}")


@group.command(short_help="Send nothing more for now.")
@NUMBER
@JSON
def disable(number: int, as_json: bool) -> None:
    """Send nothing more: what waits stays, and of what happens meanwhile nothing is noted for it.

    `enable` goes on with what waits.
    """
    with session.opened() as engine, database.connect(engine) as conn:
        found(conn, number)
        changed = subscriptions.disable(conn, number, lookups.who_types())
    _told(number, "disabled", changed, as_json=as_json)


@group.command(short_help="Send again, what waits first.")
@NUMBER
@JSON
def enable(number: int, as_json: bool) -> None:
    """Send again, what waits first.

    What happened while a subscription was switched off for failing is kept, and sent by `replay`.
    """
    with session.opened() as engine, database.connect(engine) as conn:
        before = found(conn, number)
        changed = subscriptions.enable(conn, number, lookups.who_types())
        missed = listing.missed(conn, number, before.status_since) if changed else 0
    _told(number, "active", changed, as_json=as_json, missed=missed)
    if missed:
        since = before.status_since.strftime("%Y-%m-%dT%H:%M:%S+00:00")
        session.say(
            f"messages that were not sent meanwhile: {missed}; "
            f"`bg-assets subscriptions replay {number} --from {since}` sends them"
        )


@group.command(short_help="End a subscription.")
@NUMBER
@JSON
def remove(number: int, as_json: bool) -> None:
    """End a subscription; what waits for it is not sent."""
    with session.opened() as engine, database.connect(engine) as conn:
        found(conn, number)
        subscriptions.remove(conn, number, lookups.who_types())
    _told(number, "removed", True, as_json=as_json)


@group.command(short_help="Give a subscription a new secret.")
@NUMBER
@_SECRET
@click.option("--keep", default="24h", show_default=True, help="How long the old ones sign too.")
@JSON
def rotate(number: int, given: str | None, keep: str, as_json: bool) -> None:
    """Give a subscription a new secret, and print it, this once.

    For a while messages carry a signature of both, so that the receiver may change when it likes.
    """
    duration = webhook_options.duration(keep)
    secret = _secret(given)
    with session.opened() as engine:
        opener = encryption.load(settings.read())
        with database.connect(engine) as conn:
            found(conn, number)
            try:
                kept = subscriptions.rotate(
                    conn, opener, number, secret, duration, lookups.who_types()
                )
            except subscriptions.SecretInUse:
                session.fail(f"this is a secret of {number} already", session.USAGE)
    old = "its old ones ended" if not kept else f"{kept} of its old ones signs too, for {keep}"
    session.say(f"subscription {number} has a new secret; {old}")
    _show_secret(number, secret, given, as_json=as_json)


def _secret(given: str | None) -> str:
    if given is None:
        return webhook_secrets.from_random("standard", randomness.token_bytes(32))
    text = webhook_options.read_secret(given)
    webhook_options.check_secret("standard", text)
    return text


def _show_secret(number: int, secret: str, given: str | None, *, as_json: bool) -> None:
    if as_json:
        terminal.print_json({"subscription": number, "secret": secret})
    elif given is None:
        session.say("its secret, which is not shown again:")
        terminal.tell(secret)


def _counts(found: listing.Counts | None) -> dict[str, int]:
    counted = {"pending": 0, "dead": 0} if found is None else asdict(found)
    return {"waiting": counted["pending"], "dead": counted["dead"]}


def _told(number: int, status: str, changed: bool, *, as_json: bool, **more: int) -> None:
    if as_json:
        terminal.print_json({"subscription": number, "status": status, "changed": changed, **more})
        return
    terminal.tell(f"subscription {number} is {status}{'' if changed else ' already'}")


def _lines(one: Subscription, counts: dict[str, int]) -> list[tuple[str, str]]:
    why = f": {one.status_reason}" if one.status_reason else ""
    allowed = [name for name in ("private", "insecure") if getattr(one, name)]
    lines = [
        ("url", one.url),
        ("workspace", one.workspace),
        ("products", ", ".join(one.products) or "all"),
        ("kinds", ", ".join(one.kinds) or "all"),
        ("names", "yes, read as each message is sent" if one.names else "no: ids and titles"),
        ("allowed", ", ".join(allowed) or "https to public addresses"),
        ("status", f"{one.status} since {day(one.status_since)}{why}"),
        ("secrets", str(one.secrets)),
        ("last success", day(one.last_success_at)),
        ("waiting", str(counts["waiting"])),
        ("dead", str(counts["dead"])),
    ]
    if one.failing_since:
        lines.append(("failing since", day(one.failing_since)))
    if one.paused_until:
        lines.append(("paused until", day(one.paused_until)))
    return lines
