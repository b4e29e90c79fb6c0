"""What channels share: one bounded HTTP request, and what became of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from bg_assets.domain.alerts.wording import Message
from bg_assets.domain.webhooks.retrying import retry_after

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS, ANSWER_SECONDS = 5, 10
# What will be refused again as it is; it is tried again, seldom.
HOPELESS_SECONDS = 3600.0
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class NotSent(Exception):
    """A message did not get through; the text says why, and holds no secret and no address.

    ``wait``: not before so many seconds, where there is a reason for it. ``unsure``: it may have
    got through all the same.
    """

    def __init__(self, why: str, wait: float | None = None, *, unsure: bool = False) -> None:
        super().__init__(why)
        self.wait = wait
        self.unsure = unsure

    @property
    def is_refusal(self) -> bool:
        """Whether the same message would be refused again."""
        return self.wait == HOPELESS_SECONDS


class Channel(Protocol):
    """Somebody to tell; ``least`` is the least severity that it wants."""

    @property
    def name(self) -> str:
        """What it is called in settings, lists and errors."""

    @property
    def type(self) -> str:
        """What it is: slack, pagerduty and so on."""

    @property
    def least(self) -> str:
        """The least severity that it wants to know of."""

    def send(self, message: Message) -> None:
        """Tell it. Raises NotSent."""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Post once: no redirect is followed, the answer's body is not read. Raises NotSent."""
    # Costs 0.1 s, which whoever only reads settings does not pay.
    import requests

    with requests.Session() as session:
        # A proxy of this machine's is used, a password that it keeps for the host is not.
        session.auth = _unchanged
        try:
            response = session.post(
                url,
                data=body,
                headers={"content-type": "application/json", **headers},
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
            )
        except requests.Timeout as err:
            unsure = not isinstance(err, requests.ConnectTimeout)
            raise NotSent("no answer in time", unsure=unsure) from None
        except requests.RequestException as err:
            # Its text repeats the address, which may be the secret.
            raise NotSent(f"no connection ({type(err).__name__})") from None
        headers = {name.lower(): text for name, text in response.headers.items()}
        status, later = response.status_code, retry_after(headers, datetime.now(UTC))
        response.close()
    _judge(status, later)


def _judge(status: int, later: float | None) -> None:
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        why = f"it answered {status}: redirects are not followed, so set the address it means"
        raise NotSent(why, HOPELESS_SECONDS)
    if status in _LATER or status >= 500:
        raise NotSent(f"it answered {status}", later)
    raise NotSent(f"it refuses with {status}: check the secret and address", HOPELESS_SECONDS)


def _unchanged(request: "requests.PreparedRequest") -> "requests.PreparedRequest":
    return request
