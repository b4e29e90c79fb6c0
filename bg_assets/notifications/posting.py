"""One attempt to hand a message over by HTTP: to an address that is allowed, within a time.

No redirect is followed, no proxy is asked, and of what is answered only the beginning is read.
"""

import contextlib
import functools
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from bg_assets.domain.notifications import targets
from bg_assets.domain.notifications.schedule import GONE, Answer
from bg_assets.domain.notifications.targets import Allowed, Target
from bg_assets.domain.webhooks.retrying import retry_after

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 15.0
# Of the whole attempt, however slowly the answer drips.
ATTEMPT_SECONDS = 20.0
_MOST_BYTES = 64 * 1024
# Of a host that stands for several: one that does not answer must not be the end.
_MOST_ADDRESSES = 3
_POOLS = 200


class _Refused(Exception):
    """Nothing may be sent there; the message says why."""


class _Call(threading.local):
    """The attempt of this thread: the connection over which it sends, in a box."""

    box: list[HTTPConnection] | None = None


_CALL = _Call()


class _Plain(HTTPConnection):
    def request(self, *args: Any, **options: Any) -> None:
        """Send, having told the attempt over which connection."""
        if _CALL.box is not None:
            _CALL.box.append(self)
        super().request(*args, **options)


class _Secure(_Plain, HTTPSConnection):
    """The same over TLS."""


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


class Poster:
    """Posts messages; connections are kept. For any number of threads."""

    def __init__(self, attempt_seconds: float = ATTEMPT_SECONDS) -> None:
        self._seconds = attempt_seconds
        self._pools: dict[tuple[bool, str, str, int], urllib3.HTTPConnectionPool] = {}
        self._guard = threading.Lock()

    def post(self, url: str, allowed: Allowed, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a body once, and say what came of it; never raises for what the other side does."""
        where = targets.target(url)
        until = time.monotonic() + self._seconds
        try:
            addresses = _addresses(where, allowed)
        except _Refused as err:
            return Answer(None, str(err))
        answer = Answer(None, "no address")
        for address in addresses[:_MOST_ADDRESSES]:
            left = until - time.monotonic()
            if left <= 0:
                return Answer(None, "no answer in time")
            answer, reached = self._try(where, address, dict(headers), body, left)
            if reached:
                return answer
        return answer

    def _try(
        self,
        where: Target,
        address: str,
        headers: dict[str, str],
        body: bytes,
        left: float,
        again: bool = True,
    ) -> tuple[Answer, bool]:
        """What came of it, and whether anybody was there."""
        timeout = urllib3.Timeout(
            connect=min(CONNECT_SECONDS, left), read=min(ANSWER_SECONDS, left)
        )
        until = time.monotonic() + left
        try:
            with _ended_after(left):
                response = self._pool(where, address).urlopen(
                    "POST", where.path, body=body, headers={**headers, "host": _host(where)},
                    retries=False, redirect=False, assert_same_host=False, timeout=timeout,
                    preload_content=False,
                )  # fmt: skip
                _read(response)
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            return Answer(None, "no connection"), False
        except urllib3.exceptions.SSLError:
            return Answer(None, "no trust in its certificate, or no TLS"), True
        except urllib3.exceptions.TimeoutError:
            return Answer(None, "no answer in time"), True
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as err:
            is_late = time.monotonic() >= until
            if again and not is_late and _let_go(err):
                return self._try(
                    where, address, headers, body, until - time.monotonic(), again=False
                )
            return Answer(None, "no answer in time" if is_late else "no whole answer"), True
        return _answer(response), True

    def _pool(self, where: Target, address: str) -> urllib3.HTTPConnectionPool:
        key = (where.secure, where.host, address, where.port)
        with self._guard:
            if key not in self._pools:
                if len(self._pools) >= _POOLS:
                    self._pools.pop(next(iter(self._pools))).close()
                self._pools[key] = _new_pool(where, address)
            return self._pools[key]


def _let_go(err: Exception) -> bool:
    """Whether a connection kept from before was closed by the other side as it was used again."""
    cause = err.args[-1] if isinstance(err, urllib3.exceptions.ProtocolError) else None
    return isinstance(cause, http.client.RemoteDisconnected | ConnectionResetError)


@functools.cache
def _trust() -> ssl.SSLContext:
    """Who is trusted: this machine's authorities, and those of certifi where it has none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _new_pool(where: Target, address: str) -> urllib3.HTTPConnectionPool:
    """Connections to an address that was found good: the name is not looked up again."""
    if where.secure:
        return _SecurePool(
            address, where.port, maxsize=8, ssl_context=_trust(), server_hostname=where.host,
            assert_hostname=where.host,
        )  # fmt: skip
    return _PlainPool(address, where.port, maxsize=8)


def _addresses(where: Target, allowed: Allowed) -> list[str]:
    """The addresses of the host that are allowed. Raises _Refused where there is none."""
    try:
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _Refused("its host has no address") from None
    texts = list(dict.fromkeys(str(one[4][0]) for one in found))
    refusals = {
        text: targets.refusal(where.secure, ipaddress.ip_address(text.partition("%")[0]), allowed)
        for text in texts
    }
    good = [text for text, why in refusals.items() if not why]
    if not good:
        raise _Refused(next(iter(refusals.values()), "its host has no address"))
    return good


def _host(where: Target) -> str:
    host = f"[{where.host}]" if ":" in where.host else where.host
    return host if where.port == (443 if where.secure else 80) else f"{host}:{where.port}"


def _read(response: urllib3.BaseHTTPResponse) -> None:
    """Read a short answer, so that the connection can be used again; leave a long or a slow one.

    Its first line has said all that counts.
    """
    with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):
        if len(response.read(_MOST_BYTES, decode_content=False)) < _MOST_BYTES:
            response.release_conn()
            return
    response.close()


@contextlib.contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """Break the connection of this thread once the time is over: a read at a time has its own."""
    box: list[HTTPConnection] = []

    def end() -> None:
        made = box[-1].sock if box else None
        if made is not None:
            with contextlib.suppress(OSError):
                made.shutdown(socket.SHUT_RDWR)

    _CALL.box = box
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _CALL.box = None


def _answer(response: urllib3.BaseHTTPResponse) -> Answer:
    code = response.status
    if 200 <= code < 300:
        return Answer(code)
    if 300 <= code < 400:
        return Answer(code, f"HTTP {code}: it points elsewhere, and no redirect is followed")
    what = f"HTTP {code}{': gone' if code == GONE else ''}"
    asked = {name.lower(): text for name, text in response.headers.items()}
    return Answer(code, what, retry_after(asked, datetime.now(UTC)))
