"""`alerts`: who is told of what is wrong, what is wrong now, silences, and what looks."""

import signal
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import FrameType

import click

from bg_assets import settings, terminal
from bg_assets.alerting import configured, watch
from bg_assets.alerting.channels.sending import Channel, NotSent
from bg_assets.cli import alert_list, lookups, session
from bg_assets.domain.alerts.kinds import KINDS
from bg_assets.domain.alerts.wording import REMEDIES, trial_message
from bg_assets.domain.values.near import near
from bg_assets.logs import redaction, setup
from bg_assets.storage import alerts as stored
from bg_assets.storage import claims, database

_SECRETS = ("_URL", "_KEY", "_SECRET", "_PASSWORD")
_MOST_DAYS, _MOST_REASON = 30, 500
_NONE = "none configured: BG_ALERTS or BG_ALERTS_FILE tells whom to tell; see docs/alerts.md"


@click.group()
def alerts() -> None:
    """Be told of what is wrong: by Slack, PagerDuty, Datadog, CloudWatch, e-mail or a webhook.

    BG_ALERTS or BG_ALERTS_FILE says who is told; `bg-assets up` then looks every BG_ALERTS_EVERY
    seconds. What each alert means, and what to do, is in docs/alerts.md.
    """


@alerts.command()
def run() -> None:
    """Look every BG_ALERTS_EVERY seconds, and tell, until Ctrl-C; `bg-assets up` does this.

    Several such processes, on several machines, tell of each thing once.
    """
    with session.clear_errors():
        config = settings.read()
        setup.begin("alerts", config)
        redaction.learn(
            *(value for name, value in config.alerts_variables if name.endswith(_SECRETS))
        )
        found = configured.read(config)
        for mistake in found.mistakes:
            session.say(f"left out: {mistake}")
        if not found.anything:
            session.fail(_NONE, session.USAGE)
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        watch.run(config, stop)


@alerts.command()
@click.argument("channels", metavar="[CHANNEL]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True)
def test(channels: tuple[str, ...], as_json: bool) -> None:
    """Send a message to all channels, or to those named, and say whether it got through.

    It needs no database. PagerDuty opens an incident of severity info, and resolves it.
    """
    with session.clear_errors():
        config = settings.read()
    found = configured.read(config)
    if not found.anything:
        session.fail(_NONE, session.USAGE)
    chosen = _chosen(found, channels)
    with session.working("telling"):
        results = [_tried(one, config.alerts_name) for one in chosen]
    if as_json:
        terminal.print_json({"channels": results, "mistakes": found.mistakes})
    else:
        for one in results:
            terminal.tell(f"{one['channel']} ({one['type']}): {one['error'] or 'told'}")
        for mistake in found.mistakes:
            terminal.tell(f"left out: {mistake}")
    failed = any(one["error"] for one in results) or (found.mistakes and not channels)
    raise SystemExit(session.FAILED if failed else 0)


def _chosen(found: configured.Configured, names: Sequence[str]) -> list[Channel]:
    known = {one.name: one for one in found.channels}
    for name in names:
        if name not in known:
            wrong = [one for one in found.mistakes if f"channel {name}: " in one]
            hint = wrong[0] if wrong else near(name, known)
            session.fail(f"no channel {name} can be told; {hint}", session.USAGE)
    return [known[name] for name in names] or list(known.values())


def _tried(channel: Channel, name: str) -> dict[str, str | None]:
    error = None
    try:
        channel.send(trial_message(name, channel.name, datetime.now(UTC)))
    except NotSent as err:
        error = str(err)
    return {"channel": channel.name, "type": channel.type, "error": error}


@alerts.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those of 90 days that are over.")
@click.option("--kinds", is_flag=True, help="The kinds of alerts that there are, instead.")
@click.option("--json", "as_json", is_flag=True)
def list_(everything: bool, kinds: bool, as_json: bool) -> None:
    """Print what is wrong now, who was told of it and who was not yet, and what is silenced.

    What is only being watched, whether it lasts, is listed as such. Whether it is quiet, and whom
    else to tell, goes by the variables here: those of what runs may be others.
    """
    if kinds:
        _print_kinds(as_json)
        return
    with session.clear_errors():
        config = settings.read()
    found = configured.read(config)
    with session.opened() as engine, database.connect(engine) as conn:
        document = alert_list.document(conn, config, found, everything)
    if as_json:
        terminal.print_json(document)
        return
    for line in alert_list.in_words(document, _NONE):
        terminal.tell(line)


def _print_kinds(as_json: bool) -> None:
    if as_json:
        terminal.print_json([
            {"kind": one.name, "severity": one.severity, "title": one.title,
             "lasts_seconds": one.lasts, "remedy": f"{REMEDIES}#{one.name}"}
            for one in KINDS.values()
        ])  # fmt: skip
        return
    for one in KINDS.values():
        lasts = f", once it has lasted {one.lasts:.0f} s" if one.lasts else ""
        terminal.tell(f"{one.name:<18} {one.severity:<8} {one.title}{lasts}")


@alerts.command()
@click.argument("key")
@click.option("--for", "length", metavar="LENGTH", required=True, help="45s, 30m, 2h or 1d.")
@click.option("--reason", required=True, help="Kept with who said it.")
def silence(key: str, length: str, reason: str) -> None:
    """Tell nobody of an alert, or of all of a kind, for a while.

    KEY is what `bg-assets alerts list` shows, or a kind. Who was told that it began is told that it
    is over.
    """
    seconds = settings.seconds(length)
    if seconds is None or not 0 < seconds <= _MOST_DAYS * 86_400:
        session.fail(
            f"--for takes a length like 30m, 2h or 1d, {_MOST_DAYS}d at most", session.USAGE
        )
    said = " ".join(reason.split())
    if not said or len(said) > _MOST_REASON:
        session.fail(f"--reason takes 1 to {_MOST_REASON} characters", session.USAGE)
    with session.opened() as engine, database.connect(engine) as conn:
        known = {one.key for one in stored.read_open(conn)} | KINDS.keys()
        if key not in known:
            session.fail(f"there is no alert {key}; {near(key, known)}", session.USAGE)
        now = claims.database_now(conn)
        until = now + timedelta(seconds=seconds)
        stored.silence(conn, key, until, lookups.who_types(), said, now)
    terminal.tell(f"nobody is told of {key} until {alert_list.utc(until)}")


@alerts.command()
@click.argument("key")
def unsilence(key: str) -> None:
    """End a silence."""
    with session.opened() as engine, database.connect(engine) as conn:
        now = claims.database_now(conn)
        known = stored.silences(conn, now)
        if not stored.unsilence(conn, key, now):
            session.fail(f"{key} is not silenced; {near(key, known)}".rstrip("; "), session.USAGE)
    terminal.tell(f"{key} is told again")
