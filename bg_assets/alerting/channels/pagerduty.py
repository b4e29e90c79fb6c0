"""PagerDuty, by its Events API v2: https://developer.pagerduty.com/docs/events-api-v2/overview."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from bg_assets import process
from bg_assets.alerting.channels import sending
from bg_assets.domain.alerts.telling import What
from bg_assets.domain.alerts.wording import Message

URL = "https://events.pagerduty.com/v2/enqueue"
_MOST_KEY, _MOST_SUMMARY = 255, 1024


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """``key`` is the integration's routing key."""

    name: str
    least: str
    key: str = field(repr=False)
    url: str = URL
    type: str = "pagerduty"

    def send(self, message: Message) -> None:
        """Open, raise again or resolve the incident of the alert's key. Raises NotSent.

        A trial opens one of severity info and resolves it.
        """
        if message.what is not What.OVER:
            self._post(message, {"event_action": "trigger", "payload": _payload(message)})
        if message.what in (What.OVER, What.TEST):
            self._post(message, {"event_action": "resolve"})

    def _post(self, message: Message, event: dict[str, Any]) -> None:
        document = {"routing_key": self.key, "dedup_key": dedup_key(message), **event}
        sending.post(self.url, json.dumps(document).encode(), {})


def dedup_key(message: Message) -> str:
    """What makes all messages of an alert one incident, whoever sends them."""
    key = f"{message.name}:{message.key}"
    return key if len(key) <= _MOST_KEY else hashlib.sha256(key.encode()).hexdigest()


def _payload(message: Message) -> dict[str, Any]:
    return {
        "summary": f"{message.headline}: {message.said}"[:_MOST_SUMMARY],
        "source": process.host(),
        "severity": "info" if message.what is What.TEST else message.severity,
        "component": message.name,
        "class": message.kind,
        "timestamp": message.since.isoformat(),
        "custom_details": {
            "what": message.said, "what to do": message.todo, "remedy": message.remedy,
        },
    }  # fmt: skip
