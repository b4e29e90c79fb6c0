"""Sending events to a webhook door: signed, one after another, again where it was busy or away."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import requests

from bg_assets.domain.webhooks.retrying import retry_after
from bg_assets.domain.webhooks.secrets import Scheme
from bg_assets.domain.webhooks.signatures import signed_headers

# What says that the same event may well be taken later.
_LATER = frozenset({429, 502, 503, 504})
_CONNECT_SECONDS, _ANSWER_SECONDS = 5, 30
_DIFFERS = "the event of this id was stored before, with another body, which stays"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0


@dataclass(frozen=True, slots=True)
class Signer:
    """How a source signs: ``key`` is what its secret stands for."""

    scheme: Scheme
    key: bytes

    def __repr__(self) -> str:
        return f"Signer({self.scheme})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door said to an event: ``code`` is None where it never answered.

    ``status`` is its word (accepted, duplicate, refused, unreachable, not sent), ``detail`` the
    reason of a refusal or what is odd, ``field`` what it is about, ``tries`` how often it was sent.
    """

    code: int | None
    status: str
    detail: str | None
    field: str | None
    tries: int

    @property
    def taken(self) -> bool:
        """Whether the door has the event."""
        return self.status in {"accepted", "duplicate"}


class Sender:
    """Posts to one URL over one connection. To be closed."""

    def __init__(
        self, url: str, signer: Signer, tries: int, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._url, self._signer, self._tries, self._sleep = url, signer, tries, sleep
        self._session = requests.Session()
        # Neither a proxy nor a password of this machine's is any business of the door's.
        self._session.trust_env = False

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def not_sent(self, problem: str | None) -> Answer:
        """What stands for the answer to an event that can't be sent."""
        return Answer(None, "not sent", problem, None, 0)

    def send(self, event_id: str, body: bytes) -> Answer:
        """Post the event, signed anew for each try, until it is answered for good."""
        for number in range(1, self._tries + 1):
            answer, pause = self._try(event_id, body, number)
            if pause is None or number == self._tries:
                return answer
            self._sleep(pause)
        raise AssertionError("unreachable")

    def _try(self, event_id: str, body: bytes, number: int) -> tuple[Answer, float | None]:
        """The answer, and how long to wait before another try; None where there is no use."""
        signed = signed_headers(
            self._signer.scheme, self._signer.key, event_id, datetime.now(UTC), body
        )
        try:
            response = self._session.post(
                self._url,
                data=body,
                headers={"content-type": "application/json", **signed},
                timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
                allow_redirects=False,
            )
        except (requests.ConnectionError, requests.Timeout) as err:
            why = "no answer in time" if isinstance(err, requests.Timeout) else "no connection"
            return Answer(None, "unreachable", why, None, number), _backoff(number)
        document = _document(response)
        if response.status_code in {200, 202}:
            status = "duplicate" if document.get("duplicate") is True else "accepted"
            detail = _DIFFERS if document.get("differs") is True else None
            return Answer(response.status_code, status, detail, None, number), None
        detail = _text(document.get("detail")) or _text(document.get("title")) or response.reason
        answer = Answer(
            response.status_code, "refused", detail, _text(document.get("field")), number
        )
        if response.status_code not in _LATER:
            return answer, None
        headers = {name.lower(): text for name, text in response.headers.items()}
        asked = retry_after(headers, datetime.now(UTC))
        return answer, _backoff(number) if asked is None else min(asked, _LONGEST_PAUSE)


def _backoff(number: int) -> float:
    """Twice as long each time, and not all senders at once."""
    pause: float = min(_FIRST_PAUSE * 2.0 ** (number - 1), _LONGEST_PAUSE)
    # Not for secrecy.
    return pause * random.uniform(0.5, 1.0)


def _document(response: requests.Response) -> dict[str, object]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
