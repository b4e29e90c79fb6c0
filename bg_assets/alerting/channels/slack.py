"""Slack, by an incoming webhook: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""

import json
from dataclasses import dataclass, field

from bg_assets.alerting.channels import sending
from bg_assets.domain.alerts.wording import Message


@dataclass(frozen=True, slots=True)
class Slack:
    """``url`` is the webhook's address, which is its secret."""

    name: str
    least: str
    url: str = field(repr=False)
    type: str = "slack"

    def send(self, message: Message) -> None:
        """Post the message. Raises NotSent."""
        lines = [f"*{_escaped(message.headline)}*", *map(_escaped, message.lines)]
        sending.post(self.url, json.dumps({"text": "\n".join(lines)}).encode(), {})


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
