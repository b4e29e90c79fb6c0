"""`alerts`: who is told of what is wrong, what is wrong now, silences, and what looks."""

import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

import click
import sqlalchemy as sa

from bg_assets import settings, terminal
from bg_assets.alerting import away, configured, watch
from bg_assets.alerting.channels.sending import Channel, NotSent
from bg_assets.cli import lookups, session
from bg_assets.domain.alerts.kinds import KINDS
from bg_assets.domain.alerts.lives import Alert
from bg_assets.domain.alerts.telling import Told
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
    """Print what is wrong now, who was told of it, and what is silenced.

    What is only being watched, whether it lasts, is listed as such.
    """
    if kinds:
        _print_kinds(as_json)
        return
    with session.clear_errors():
        config = settings.read()
    found = configured.read(config)
    with session.opened() as engine, database.connect(engine) as conn:
        document = _document(conn, config, found, everything)
    if as_json:
        terminal.print_json(document)
        return
    for line in _in_words(document):
        terminal.tell(line)


def _document(
    conn: sa.Connection, config: settings.Settings, found: configured.Configured, everything: bool
) -> dict[str, Any]:
    now = claims.database_now(conn)
    known = stored.read_open(conn)
    if everything:
        known += stored.read_over(conn, now - timedelta(seconds=stored.KEEP_SECONDS))
    told = stored.read_told(conn, [one.id for one in known])
    silenced = stored.silences(conn, now)
    shown = [_shown(one, told, stored.is_silenced(one, silenced)) for one in known]
    mine = away.load(config.home)
    for alert, mine_told in mine.episodes:
        if everything or alert.resolved_at is None:
            of_mine = {(alert.id, name): one for name, one in mine_told.items()}
            shown.append(_shown(alert, of_mine, False))
    return {
        "channels": [
            {"channel": one.name, "type": one.type, "severity": one.least}
            for one in found.channels
        ],
        "mistakes": found.mistakes,
        "alerts": shown,
        "silences": [asdict(one) for one in silenced.values()],
    }  # fmt: skip


def _shown(
    alert: Alert, told: dict[tuple[int, str], Told], is_silenced: bool
) -> dict[str, Any]:  # fmt: skip
    return {
        "key": alert.key,
        "kind": alert.kind,
        "severity": alert.severity,
        "state": _state(alert),
        "silenced": is_silenced,
        "said": alert.said,
        "todo": alert.todo,
        "since": alert.since,
        "raised_at": alert.raised_at,
        "seen_at": alert.seen_at,
        "resolved_at": alert.resolved_at,
        "remedy": f"{REMEDIES}#{alert.kind}",
        "told": [
            {
                "channel": name,
                "told_at": one.told_at,
                "tries": one.tries,
                "error": one.error or None,
            }
            for (number, name), one in told.items()
            if number == alert.id
        ],
    }


def _state(alert: Alert) -> str:
    if alert.resolved_at is not None:
        return "over"
    return "watched" if alert.raised_at is None else "open"


def _in_words(document: dict[str, Any]) -> Iterator[str]:
    if not document["channels"]:
        yield f"channels: {_NONE}"
    for one in document["channels"]:
        yield f"channel {one['channel']} ({one['type']}): {one['severity']} and graver"
    for mistake in document["mistakes"]:
        yield f"left out: {mistake}"
    for one in document["alerts"]:
        silenced = ", silenced" if one["silenced"] else ""
        yield (
            f"{one['state']:<7} {one['severity']:<8} {one['key']}{silenced}, since "
            f"{_utc(one['since'])}: {one['said']}"
        )
        if one["state"] != "over" and one["todo"]:
            yield f"{'':<16} -> {one['todo']}; see {one['remedy']}"
        for told in one["told"]:
            if told["error"]:
                yield f"{'':<16} {told['channel']} not told, {told['tries']} times: {told['error']}"
    if not document["alerts"]:
        yield "nothing is wrong, as far as was looked"
    for one in document["silences"]:
        yield f"silenced {one['key']} until {_utc(one['until'])} by {one['by']}: {one['reason']}"


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
    terminal.tell(f"nobody is told of {key} until {_utc(until)}")


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


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
