"""What `alerts list` prints: each alert with who was told, when, and what the others wait for."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.alerting import away, configured
from bg_assets.alerting.telling import by_key
from bg_assets.domain.alerts.lives import Alert
from bg_assets.domain.alerts.telling import Rules, Told, ended_untold, waits_for
from bg_assets.domain.alerts.wording import REMEDIES
from bg_assets.storage import alerts as stored
from bg_assets.storage import claims

_INDENT = " " * 16
Known = dict[tuple[int, str], Told]


def document(
    conn: sa.Connection, config: settings.Settings, found: configured.Configured, everything: bool
) -> dict[str, Any]:
    """Channels, quiet hours, alerts and silences; ``everything``: also alerts that are over."""
    now = claims.database_now(conn)
    known = stored.read_open(conn)
    over = stored.read_over(conn, now - timedelta(seconds=stored.KEEP_SECONDS))
    told = stored.read_told(conn, [one.id for one in [*known, *over]])
    silenced = stored.silences(conn, now)
    rules = {
        one.name: Rules(one.least, config.alerts_repeat, found.quiet) for one in found.channels
    }

    mine = away.load(config.home).episodes
    of_mine = {(one.id, name): each for one, told in mine for name, each in told.items()}

    def shown(alerts: list[Alert], told: Known) -> list[dict[str, Any]]:
        owed = _owed(alerts, told, now)
        return [
            _shown(one, told, is_silenced)
            | {"untold": list(_untold(one, told, rules, is_silenced, owed, now))}
            for one in alerts
            if everything or one.resolved_at is None
            for is_silenced in [stored.is_silenced(one, silenced)]
        ]

    return {
        "channels": [
            {"channel": one.name, "type": one.type, "severity": one.least}
            for one in found.channels
        ],
        "quiet": None
        if found.quiet is None
        else {"hours": found.quiet.in_words, "now": found.quiet.holds(now)},
        "mistakes": found.mistakes,
        "alerts": [*shown([*known, *over], told), *shown([one for one, _ in mine], of_mine)],
        "silences": [asdict(one) for one in silenced.values()],
    }  # fmt: skip


def _owed(alerts: list[Alert], told: Known, now: datetime) -> set[tuple[int, str]]:
    """Of which ends channels are still to be told, by the alert's id and the channel's name."""
    names = {name for _, name in told}
    oldest = now - timedelta(seconds=stored.TELL_SECONDS)
    return {
        (alert.id, name)
        for same in by_key(alerts)
        for name in names
        for alert, _ in ended_untold([(one, told.get((one.id, name), Told())) for one in same])
        if alert.resolved_at is not None and alert.resolved_at >= oldest
    }


def _untold(
    alert: Alert,
    told: Known,
    rules: dict[str, Rules],
    is_silenced: bool,
    owed: set[tuple[int, str]],
    now: datetime,
) -> Iterator[dict[str, Any]]:
    for name, mine in rules.items():
        known = told.get((alert.id, name), Told())
        if alert.resolved_at is not None and (alert.id, name) not in owed:
            continue
        why = waits_for(alert, known, mine, is_silenced, now)
        if why:
            yield {"channel": name, "waits_for": why}


def _shown(alert: Alert, told: Known, is_silenced: bool) -> dict[str, Any]:
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
                "over_told_at": one.over_at,
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


def in_words(document: dict[str, Any], none: str) -> Iterator[str]:
    """A line each; ``none`` is what to say where nobody is told."""
    if not document["channels"]:
        yield f"channels: {none}"
    for one in document["channels"]:
        yield f"channel {one['channel']} ({one['type']}): {one['severity']} and graver"
    if quiet := document["quiet"]:
        yield f"quiet hours: {quiet['hours']}" + ("; now: warnings wait" if quiet["now"] else "")
    for mistake in document["mistakes"]:
        yield f"left out: {mistake}"
    for one in document["alerts"]:
        silenced = ", silenced" if one["silenced"] else ""
        yield (
            f"{one['state']:<7} {one['severity']:<8} {one['key']}{silenced}, since "
            f"{utc(one['since'])}: {one['said']}"
        )
        if one["state"] != "over" and one["todo"]:
            yield f"{_INDENT} -> {one['todo']}; see {one['remedy']}"
        if one["state"] != "watched":
            yield from _who(one)
    if not document["alerts"]:
        yield "nothing is wrong, as far as was looked"
    for one in document["silences"]:
        yield f"silenced {one['key']} until {utc(one['until'])} by {one['by']}: {one['reason']}"


def _who(alert: dict[str, Any]) -> Iterator[str]:
    """Who was told, and who was not."""
    waits = {one["channel"]: one["waits_for"] for one in alert["untold"]}
    for told in alert["told"]:
        name = told["channel"]
        parts = [f"told {utc(told['told_at'])}"] if told["told_at"] else []
        parts += [f"its end {utc(told['over_told_at'])}"] if told["over_told_at"] else []
        if name in waits or told["error"]:
            failed = f", {told['tries']} times: {told['error']}" if told["error"] else ""
            end = " its end" if parts and alert["state"] == "over" else ""
            later = f"; {waits.pop(name)}" if name in waits else ""
            parts.append(f"not told{end}{failed}{later}")
        if parts:
            yield f"{_INDENT} {name}: {', '.join(parts)}"
    for name, why in waits.items():
        yield f"{_INDENT} {name}: not told; {why}"
    if not alert["told"] and not alert["untold"]:
        yield f"{_INDENT} nobody was told"


def utc(moment: datetime) -> str:
    """To the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
