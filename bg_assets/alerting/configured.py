"""Which channels there are, by BG_ALERTS with variables, or a YAML file; and what is wrong there.

Secrets come from variables alone: a file names them, as env:NAME.
"""

import importlib.util
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from bg_assets import settings
from bg_assets.alerting.channels import datadog, mail, pagerduty
from bg_assets.alerting.channels.cloudwatch import NAMESPACE, CloudWatch
from bg_assets.alerting.channels.datadog import Datadog
from bg_assets.alerting.channels.mail import Mail
from bg_assets.alerting.channels.pagerduty import PagerDuty
from bg_assets.alerting.channels.sending import Channel
from bg_assets.alerting.channels.slack import Slack
from bg_assets.alerting.channels.webhook import Webhook
from bg_assets.domain.alerts.kinds import SEVERITIES, WARNING
from bg_assets.domain.alerts.telling import BadQuietHours, Quiet, quiet_hours
from bg_assets.domain.values.near import near
from bg_assets.domain.webhooks import secrets

_PREFIX = "env:"
_MOST_NAME = 63


class BadChannel(Exception):
    """A channel can't be told of anything as it is configured; the message says what it takes."""


@dataclass(frozen=True, slots=True)
class Configured:
    """Who is to be told, in order; when warnings wait; and what is wrong, a line each.

    What is right works, whatever is wrong beside it.
    """

    channels: tuple[Channel, ...]
    quiet: Quiet | None
    mistakes: tuple[str, ...]

    @property
    def anything(self) -> bool:
        """Whether somebody wants to be told of alerts at all."""
        return bool(self.channels or self.mistakes)


def read(config: settings.Settings) -> Configured:
    """The channels of this installation; none where none are configured."""
    channels: dict[str, Channel] = {}
    mistakes: list[str] = []
    for name, where, fields in (*_of_variables(config), *_of_file(config, mistakes)):
        try:
            if name in channels:
                raise BadChannel("there are two of this name")
            channels[name] = _channel(name, fields)
        except BadChannel as err:
            mistakes.append(f"{where}: channel {name}: {err}")
    quiet = None
    try:
        quiet = quiet_hours(config.alerts_quiet)
    except BadQuietHours as err:
        mistakes.append(f"BG_ALERTS_QUIET {err}")
    return Configured(tuple(channels.values()), quiet, tuple(mistakes))


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of a channel; ``secret`` gives those that are never written in a file."""

    given: Mapping[str, Any]
    secret: Callable[[str, Any], str]

    def text(self, name: str, default: str | None = None) -> str:
        """A field that is a text; a file may name a variable for it too."""
        found = self.given.get(name)
        if found is None or found == "":
            if default is None:
                raise BadChannel(f"{name} is missing")
            return default
        if not isinstance(found, str | int):
            raise BadChannel(f"{name} takes a text")
        text = str(found).strip()
        return self.secret(name, text) if text.startswith(_PREFIX) else text

    def hidden(self, name: str, default: str | None = None) -> str:
        """A field that is a secret."""
        found = self.given.get(name)
        if found is None or found == "":
            if default is None:
                raise BadChannel(f"{name} is missing")
            return default
        return self.secret(name, found)

    def one_of(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """A field that is one of some words."""
        found = self.text(name, default)
        if found not in allowed:
            raise BadChannel(f"{name} takes {', '.join(allowed)}, not {found!r}")
        return found


def _of_variables(config: settings.Settings) -> list[tuple[str, str, _Fields]]:
    """Those of BG_ALERTS: each is a type, and its fields are BG_ALERTS_TYPE_FIELD."""
    found = []
    for name in config.alerts:
        prefix = f"BG_ALERTS_{name.upper()}_"
        fields = {
            variable.removeprefix(prefix).lower(): value.strip()
            for variable, value in config.alerts_variables
            if variable.startswith(prefix)
        }
        given = {**fields, "type": name}
        found.append((name, "BG_ALERTS", _Fields(given, lambda _, value: str(value))))
    return found


def _of_file(
    config: settings.Settings, mistakes: list[str]
) -> list[tuple[str, str, _Fields]]:  # fmt: skip
    path = config.alerts_file
    if path is None:
        return []
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as err:
        mistakes.append(f"BG_ALERTS_FILE: {path}: {err.strerror}")
        return []
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        mark = getattr(err, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        mistakes.append(f"BG_ALERTS_FILE: {path} is no YAML{line}")
        return []
    known = document.get("channels") if isinstance(document, dict) else None
    if not isinstance(known, dict) or not all(isinstance(one, dict) for one in known.values()):
        mistakes.append(f"BG_ALERTS_FILE: {path} takes `channels:`, and below it names with fields")
        return []
    return [(str(name), str(path), _Fields(fields, _referred)) for name, fields in known.items()]


def _referred(name: str, value: object) -> str:
    """The secret of a field in a file, which only names a variable."""
    if not isinstance(value, str) or not value.startswith(_PREFIX):
        raise BadChannel(
            f"{name} takes env:NAME, the variable that holds it, not the secret itself"
        )
    variable = value.removeprefix(_PREFIX)
    found = settings.referred(variable)
    if not found:
        raise BadChannel(f"{name}: the variable {variable} is not set")
    return found


def _channel(name: str, fields: _Fields) -> Channel:
    if not name.isprintable() or not 0 < len(name) <= _MOST_NAME:
        raise BadChannel(f"its name takes 1 to {_MOST_NAME} printable characters")
    kind = fields.text("type")
    if kind not in _TYPES:
        raise BadChannel(f"there is no type {kind!r}; {near(kind, _TYPES)}")
    made, allowed = _TYPES[kind]
    takes = (*allowed, "severity")
    unknown = [str(one) for one in fields.given if one not in ("type", *takes)]
    if unknown:
        raise BadChannel(f"{kind} has no field {unknown[0]}; {near(unknown[0], takes)}")
    return made(name, fields.one_of("severity", SEVERITIES, WARNING), fields)


def _slack(name: str, least: str, fields: _Fields) -> Channel:
    return Slack(name, least, _url(fields.hidden("url")))


def _pagerduty(name: str, least: str, fields: _Fields) -> Channel:
    return PagerDuty(name, least, fields.hidden("key"), _url(fields.text("url", pagerduty.URL)))


def _datadog(name: str, least: str, fields: _Fields) -> Channel:
    url = fields.text("url", datadog.url_of(fields.text("site", datadog.SITE)))
    return Datadog(name, least, _url(url), fields.hidden("key"))


def _cloudwatch(name: str, least: str, fields: _Fields) -> Channel:
    if importlib.util.find_spec("boto3") is None:
        raise BadChannel("boto3 is missing: pip install 'bg-assets[alerts]'")
    url = fields.text("url", "")
    return CloudWatch(
        name, least, fields.text("region", "") or None, fields.text("namespace", NAMESPACE),
        _url(url) if url else None,
    )  # fmt: skip


def _email(name: str, least: str, fields: _Fields) -> Channel:
    host = fields.text("host")
    tls = fields.one_of("tls", mail.SECURITIES, mail.STARTTLS)
    if tls == mail.NONE and not _is_here(host):
        raise BadChannel("tls: none is for a mail server on this machine alone")
    to = fields.given.get("to")
    several = to if isinstance(to, list) else str(to or "").split(",")
    addresses = tuple(str(one).strip() for one in several if str(one).strip())
    sender = fields.text("from")
    for address in (sender, *addresses):
        if "@" not in address or not address.isprintable() or "," in address:
            raise BadChannel("from and to take addresses like ops@example.com")
    if not addresses:
        raise BadChannel("to is missing")
    port = fields.text("port", "465" if tls == mail.TLS else "587")
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        raise BadChannel(f"port takes a number, not {port!r}")
    trusted = fields.text("trusted", "")
    if trusted and not Path(trusted).is_file():
        raise BadChannel(f"trusted: there is no file {trusted}")
    return Mail(
        name, least, host, int(port), tls, sender, addresses, fields.text("user", ""),
        fields.hidden("password", ""), trusted or None,
    )  # fmt: skip


def _webhook(name: str, least: str, fields: _Fields) -> Channel:
    key = secrets.key_of("standard", fields.hidden("secret"))
    if key is None:
        raise BadChannel(f"secret takes {secrets.expected('standard')}")
    return Webhook(name, least, _url(fields.text("url")), key)


def _url(text: str) -> str:
    """An address that may be posted to: https, or http on this machine. Not repeated in errors."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadChannel("url takes an address like https://example.com/…") from None
    if not host or parts.scheme not in ("http", "https"):
        raise BadChannel("url takes an address like https://example.com/…")
    if parts.username or parts.password:
        raise BadChannel("url takes no user and password")
    if parts.scheme == "http" and not _is_here(host):
        raise BadChannel("url takes https; http is for this machine alone")
    return text


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_TYPES: dict[str, tuple[Callable[[str, str, _Fields], Channel], tuple[str, ...]]] = {
    "slack": (_slack, ("url",)),
    "pagerduty": (_pagerduty, ("key", "url")),
    "datadog": (_datadog, ("key", "site", "url")),
    "cloudwatch": (_cloudwatch, ("region", "namespace", "url")),
    "email": (
        _email, ("host", "port", "tls", "user", "password", "from", "to", "trusted")
    ),
    "webhook": (_webhook, ("url", "secret")),
}  # fmt: skip
TYPES = tuple(_TYPES)
