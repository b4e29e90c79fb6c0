"""Amazon CloudWatch, as a metric that is 1 while an alert lasts and 0 when it is over.

With boto3 (the extra `alerts`), which finds its credentials as AWS's tools do.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bg_assets.alerting.channels.sending import ANSWER_SECONDS, CONNECT_SECONDS, NotSent
from bg_assets.domain.alerts.telling import What
from bg_assets.domain.alerts.wording import Message

NAMESPACE, METRIC = "bg_assets", "Alert"
_MOST_VALUE = 255


@dataclass(frozen=True)
class CloudWatch:
    """``region`` None for the one that AWS's own settings name; ``url`` for another endpoint."""

    name: str
    least: str
    region: str | None
    namespace: str = NAMESPACE
    url: str | None = None
    type: str = "cloudwatch"

    def send(self, message: Message) -> None:
        """Put the metric. Raises NotSent."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.put_metric_data(Namespace=self.namespace, MetricData=[_data(message)])
        except ClientError as err:
            code = err.response.get("Error", {}).get("Code", "an error")
            raise NotSent(f"it refuses: {code}") from None
        except BotoCoreError as err:
            raise NotSent(f"not sent ({type(err).__name__})") from None

    @cached_property
    def _client(self) -> Any:
        # Costs half a second, which only who uses it pays.
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"total_max_attempts": 1},
        )
        return boto3.client(
            "cloudwatch", region_name=self.region, endpoint_url=self.url, config=config
        )


def _data(message: Message) -> dict[str, Any]:
    lasts = message.what not in (What.OVER, What.TEST)
    dimensions = {"Installation": message.name, "Kind": message.kind, "Alert": message.key}
    return {
        "MetricName": METRIC,
        "Dimensions": [
            {"Name": name, "Value": _plain(value)} for name, value in dimensions.items()
        ],
        "Timestamp": message.at,
        "Value": 1.0 if lasts else 0.0,
        "Unit": "Count",
    }


def _plain(text: str) -> str:
    """A dimension takes ASCII and does not begin with a colon."""
    return text.encode("ascii", "replace").decode().lstrip(":")[:_MOST_VALUE] or "-"
