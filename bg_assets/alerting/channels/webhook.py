"""A webhook of one's own, signed as https://www.standardwebhooks.com says."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bg_assets.alerting.channels import sending
from bg_assets.domain.alerts.wording import Message
from bg_assets.domain.webhooks.signatures import signed_headers


@dataclass(frozen=True, slots=True)
class Webhook:
    """``key`` is what the secret stands for. An event tried again keeps its id."""

    name: str
    least: str
    url: str = field(repr=False)
    key: bytes = field(repr=False)
    type: str = "webhook"

    def send(self, message: Message) -> None:
        """Post the event, signed now. Raises NotSent."""
        body = json.dumps(document(message)).encode()
        now = datetime.now(UTC)
        sending.post(
            self.url, body, signed_headers("standard", self.key, message.id, now, body)
        )  # fmt: skip


def document(message: Message) -> dict[str, object]:
    """The event: ``alert.raised``, ``worse``, ``again``, ``over`` or ``test``."""
    return {
        "type": f"alert.{message.what}",
        "timestamp": message.at.isoformat(),
        "data": {
            "installation": message.name,
            "key": message.key,
            "kind": message.kind,
            "severity": message.severity,
            "title": message.title,
            "said": message.said,
            "todo": message.todo,
            "since": message.since.isoformat(),
            "remedy": message.remedy,
        },
    }
