"""Datadog, as events: https://docs.datadoghq.com/api/latest/events/#post-an-event (v1)."""

import hashlib
import json
from dataclasses import dataclass, field

from bg_assets import process
from bg_assets.alerting.channels import sending
from bg_assets.domain.alerts.telling import What
from bg_assets.domain.alerts.wording import Message

SITE = "datadoghq.com"
_MOST_KEY = 100
_TYPES = {"critical": "error", "warning": "warning"}


def url_of(site: str) -> str:
    """Where a site of Datadog takes events."""
    return f"https://api.{site}/api/v1/events"


@dataclass(frozen=True, slots=True)
class Datadog:
    """``key`` is an API key."""

    name: str
    least: str
    url: str
    key: str = field(repr=False)
    type: str = "datadog"

    def send(self, message: Message) -> None:
        """Post an event; those of an alert are one group. Raises NotSent."""
        event = {
            "title": message.headline[:500],
            "text": "\n".join(message.lines)[:4000],
            "alert_type": _type(message),
            "aggregation_key": _key(message),
            "host": process.host(),
            "tags": [
                "service:bg_assets", f"installation:{message.name}", f"alert:{message.kind}",
                f"severity:{message.severity}",
            ],
        }  # fmt: skip
        sending.post(self.url, json.dumps(event).encode(), {"DD-API-KEY": self.key})


def _type(message: Message) -> str:
    if message.what is What.TEST:
        return "info"
    return "success" if message.what is What.OVER else _TYPES[message.severity]


def _key(message: Message) -> str:
    key = f"{message.name}:{message.key}"
    return key if len(key) <= _MOST_KEY else hashlib.sha256(key.encode()).hexdigest()
