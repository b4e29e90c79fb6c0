"""`webhook add-source|rotate|revoke|list`: who may send, with which secret."""

import math
import secrets
from datetime import datetime

import click
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from bg_assets import encryption, settings, terminal
from bg_assets.cli import lookups, session
from bg_assets.cli.lazy import LazyGroup
from bg_assets.cli.webhook import options
from bg_assets.domain.webhooks import secrets as webhook_secrets
from bg_assets.domain.webhooks.secrets import Scheme
from bg_assets.domain.webhooks.vendors.table import VENDORS, shipped
from bg_assets.storage import database
from bg_assets.storage.webhooks import adopting, listing, sources
from bg_assets.storage.webhooks.adopting import Adopted
from bg_assets.storage.webhooks.listing import StoredSource
from bg_assets.storage.webhooks.sources import Source

_JSON = click.option("--json", "as_json", is_flag=True)
_NAME = click.argument("name")
_SECRET = click.option(
    "--secret",
    "given",
    metavar="S",
    help="Instead of a generated one; - reads it from standard input.",
)
# What a bucket holds where only its flow is given: four seconds of it.
_BURST_SECONDS = 4


@click.group(
    cls=LazyGroup,
    elsewhere={
        "send": "bg_assets.cli.webhook.send:send",
        "dead": "bg_assets.cli.webhook.dead:dead",
        "replay": "bg_assets.cli.webhook.dead:replay",
        "vendors": "bg_assets.cli.webhook.vendors:vendors",
    },
)
def webhook() -> None:
    """The webhook door: who may send, sending by hand, and events that could not be applied."""


@webhook.command("add-source", short_help="Let a source send events.")
@_NAME
@click.option(
    "--scheme",
    required=True,
    type=click.Choice(webhook_secrets.ALL),
    help="How it signs: standard and plain send events of ours, the others are CRMs' own webhooks.",
)
@_SECRET
@click.option("--workspace", default="default", show_default=True, help="Where it knows people.")
@click.option("--may-create", is_flag=True, help="It may bring people and companies we lack.")
@click.option("--allow", "networks", multiple=True, metavar="CIDR", help="Only from there.")
@click.option("--per-second", type=float, default=500, show_default=True, help="Events a second;")
@click.option("--burst", type=click.IntRange(1, 1_000_000), help="... and at once.")
@_JSON
def add_source(
    name: str,
    scheme: Scheme,
    given: str | None,
    workspace: str,
    may_create: bool,
    networks: tuple[str, ...],
    per_second: float,
    burst: int | None,
    as_json: bool,
) -> None:
    """Let a source send events, and print its secret, this once.

    The secret of hubspot is the client secret of your app, to be given with --secret; of pipedrive
    it is username:password, of salesforce a token that stands in the URL: both are made here unless
    you give them. What to enter in the vendor's screen is printed with the secret. Ids that exports
    of a CRM left here before are those of its first source.

    A source that was revoked comes back with these settings and a new secret; what it has called
    people and companies still counts.
    """
    problem = webhook_secrets.source_problem(name)
    if problem:
        session.fail(problem, session.USAGE)
    workspace = workspace.strip()
    if not (workspace and workspace.isprintable()):
        session.fail("--workspace takes a name of printable characters", session.USAGE)
    if not 0 < per_second <= 1_000_000:
        session.fail("--per-second takes a number above 0, up to 1000000", session.USAGE)
    full = math.ceil(_BURST_SECONDS * per_second) if burst is None else burst
    source = Source(
        name,
        scheme,
        workspace,
        may_create,
        options.networks(networks),
        per_second,
        min(full, 1_000_000),
    )
    secret = _secret(scheme, given)
    with session.opened() as engine:
        opener = encryption.load(settings.read())
        # Whatever the database's default: ids that others wrote meanwhile are seen.
        committed = engine.execution_options(isolation_level="READ COMMITTED")
        with database.connect(committed) as conn:
            try:
                again = sources.add_source(conn, opener, source, secret, lookups.who_types())
                adopted = adopting.adopt(conn, name, scheme, lookups.who_types(), _say_waiting)
            except sources.SourceExists:
                session.fail(
                    f"there is a source {name} already: `bg-assets webhook rotate {name}` gives "
                    "it a new secret",
                    session.USAGE,
                )
    back = " is back: it was revoked before, and its former secrets stay so" if again else ""
    session.say(f"source {name} ({scheme}){back or ' added'}")
    _tell_adopted(scheme, adopted)
    _tell_vendor(name, scheme)
    _show(name, scheme, secret, given, as_json)


@webhook.command(short_help="Give a source a new secret.")
@_NAME
@_SECRET
@click.option("--keep", default="24h", show_default=True, help="How long the old ones stay valid.")
@_JSON
def rotate(name: str, given: str | None, keep: str, as_json: bool) -> None:
    """Give a source a new secret, and print it, this once. The old ones stay valid for a while."""
    duration = options.duration(keep)
    with session.opened() as engine:
        opener = encryption.load(settings.read())
        with database.connect(engine) as conn:
            try:
                scheme = sources.scheme_of(conn, name)
                secret = _secret(scheme, given)
                kept = sources.rotate(conn, opener, name, secret, duration, lookups.who_types())
            except sources.NoSuchSource:
                options.no_such_source(conn, name)
            except sources.SecretInUse:
                session.fail(f"this is a secret of {name} already", session.USAGE)
    old = "its old ones ended" if not kept else f"{kept} of its old ones valid for {keep} at most"
    session.say(f"source {name} has a new secret; {old}")
    _show(name, scheme, secret, given, as_json)


@webhook.command(short_help="End a source, or a secret of it.")
@_NAME
@click.option("--secret-id", type=click.IntRange(1, 2**63 - 1), help="Only this one (see list).")
@_JSON
def revoke(name: str, secret_id: int | None, as_json: bool) -> None:
    """End a source, or one of its secrets: what it signs is refused within a second."""
    with session.opened() as engine, database.connect(engine) as conn:
        stored = {source.id: source for source in listing.list_sources(conn)}
        if name not in stored or stored[name].revoked_at is not None:
            options.no_such_source(conn, name)
        living = [secret.id for secret in stored[name].secrets if secret.revoked_at is None]
        if secret_id is not None and secret_id not in living:
            known = ", ".join(map(str, living)) or "none"
            session.fail(f"no secret {secret_id} of {name}; it has {known}", session.USAGE)
        gone = sources.revoke(conn, name, lookups.who_types(), secret_id)
    if as_json:
        terminal.print_json({"source": name, "revoked": secret_id is None, "secret_ids": gone})
        return
    what = f"source {name}" if secret_id is None else f"secret {secret_id} of {name}"
    terminal.tell(f"{what} is revoked")


@webhook.command("list", short_help="Print the sources.")
@_JSON
def list_command(as_json: bool) -> None:
    """Print the sources and what may be told of their secrets."""
    with session.opened() as engine:
        try:
            opener = encryption.load(settings.read())
        except encryption.KeysUnusable as err:
            opener = None
            session.say(f"no secret can be read: {err}")
        with database.connect(engine) as conn:
            stored = listing.list_sources(conn, opener)
    if as_json:
        terminal.print_json({"sources": stored})
        return
    if not stored:
        terminal.tell("no source: every event is refused. `bg-assets webhook add-source` adds one")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("source", "scheme", "workspace", "creates", "from", "per s", "burst", "secrets"):
        table.add_column(column, overflow="fold")
    for source in stored:
        table.add_row(
            escape(source.id),
            source.scheme,
            escape(source.workspace),
            "yes" if source.may_create else "no",
            ", ".join(source.networks) or "anywhere",
            f"{source.per_second:g}",
            str(source.burst),
            Group(*_told(source)),
        )
    terminal.results.print(table)


def _say_waiting() -> None:
    session.say("waiting for an import to end ...")


def _tell_adopted(scheme: Scheme, adopted: Adopted) -> None:
    """That ids from files are the source's, where there are such."""
    if scheme not in VENDORS:
        return
    system = shipped(scheme).name
    if adopted.people or adopted.companies:
        session.say(
            f"ids of {adopted.people:,} people and {adopted.companies:,} companies imported from "
            f"{system}'s exports are this source's"
        )
    if adopted.left:
        session.say(
            f"{adopted.left:,} ids of {system}'s exports are not: this source has called others "
            "so, or erased them; docs/webhooks.md says how to erase somebody by hand"
        )


def _tell_vendor(name: str, scheme: Scheme) -> None:
    """What to enter in a vendor's screen, as far as it is known here."""
    if scheme not in VENDORS:
        return
    table, public = shipped(scheme), settings.read().receiver_url
    url = f"{public or 'https://YOUR-HOST'}/webhooks/{name}"
    query = f"?{table.signature.parameter}=SECRET" if table.signature.parameter else ""
    session.say(f"in {table.name}, the URL to send to is {url}{query}; docs/webhooks.md has more")
    if public is None:
        session.say("BG_RECEIVER_URL can say what comes before /webhooks, from outside")


def _secret(scheme: Scheme, given: str | None) -> str:
    if given is None and scheme == "hubspot":
        session.fail(
            "HubSpot signs with a secret of its own: --secret - reads the client secret of your "
            "app (in HubSpot: the app, Auth, Client secret)",
            session.USAGE,
        )
    if given is None:
        return webhook_secrets.from_random(scheme, secrets.token_bytes(32))
    text = options.read_secret(given)
    options.check_secret(scheme, text)
    return text


def _show(name: str, scheme: Scheme, secret: str, given: str | None, as_json: bool) -> None:
    if as_json:
        terminal.print_json(
            {"source": name, "scheme": scheme, "secret": secret, "expires_at": None}
        )
    elif given is None:
        session.say("its secret, which is not shown again:")
        terminal.tell(secret)


def _told(source: StoredSource) -> list[str]:
    """Of the secrets those that count, by number and end."""
    if source.revoked_at is not None:
        return [f"revoked {_day(source.revoked_at)}"]
    valid = [one for one in source.secrets if one.valid]
    said = []
    for one in valid:
        end = f" until {_day(one.expires_at)}" if one.expires_at else ""
        said.append(f"{one.id}{end}{'' if one.readable else ': no key opens it'}")
    return said or ["none: refused"]


def _day(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
