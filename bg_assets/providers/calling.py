"""One HTTP call to somebody who may answer slowly, endlessly, or elsewhere: bounded in all of it.

Knows nothing of what is asked or answered.
"""

import contextlib
import logging
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

MOST_BYTES = 4 << 20
_PIECE = 1 << 16
_THREAD = "a call to a provider"
_WITH_A_BODY = frozenset({200, 404})


@dataclass(frozen=True, slots=True)
class Said:
    """What a server answered: its code, its headers by their name in small letters, its body.

    The body is read of 200 and 404 alone; that of a refusal may repeat what was asked.
    """

    code: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Unanswered(Exception):
    """No whole answer came. ``sent``: whether the server may have got the question."""

    def __init__(self, reason: str, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class Unreadable(Exception):
    """An answer that is not read: too large, or compressed though that was not asked for."""


def call(
    method: str,
    url: str,
    seconds: float,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    document: Any = None,
    most: int = MOST_BYTES,
) -> Said:
    """Ask once, over a connection of its own, and give what was answered within so many seconds.

    The time is that of the whole call, name lookup and every byte of the answer included. params:
    for the address; document: sent as JSON. A body of more than ``most`` bytes is refused while it
    comes. No redirect is followed, so that headers go to that host alone; no proxy and no password
    of this machine's settings is used; certificates are verified. Raises Unanswered, Unreadable;
    no message names the address, the headers or what was sent.
    """
    line = _Line()
    outcome: SimpleQueue[Said | Exception] = SimpleQueue()

    def work() -> None:
        _here.line = line
        try:
            outcome.put(_answer(method, url, seconds, headers, params, document, most))
        except Exception as err:
            outcome.put(err)

    # In a thread, since a name lookup can't be interrupted, nor a read by anything but its end.
    threading.Thread(target=work, name=_THREAD, daemon=True).start()
    try:
        said = outcome.get(timeout=seconds)
    except Empty:
        raise Unanswered(f"no whole answer within {seconds:g} s", line.sent) from None
    finally:
        line.cut()
    if isinstance(said, Said):
        return said
    raise _told(said, line.sent) from None


def _answer(
    method: str,
    url: str,
    seconds: float,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None,
    document: Any,
    most: int,
) -> Said:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", _Adapter())
        session.mount("https://", _Adapter())
        with session.request(
            method,
            url,
            params=params,
            json=document,
            # What is not compressed can't be larger than it looks.
            headers={**headers, "accept": "application/json", "accept-encoding": "identity"},
            # Whoever waits gives up first, and cuts the line.
            timeout=seconds + 1,
            allow_redirects=False,
            stream=True,
        ) as response:
            known = {name.lower(): value for name, value in response.headers.items()}
            body = b""
            if response.status_code in _WITH_A_BODY:
                body = _body(response, known, most)
            return Said(response.status_code, known, body)


def _body(response: requests.Response, headers: Mapping[str, str], most: int) -> bytes:
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Unreadable("the answer is compressed, which was not asked for")
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > most:
        raise Unreadable(f"the answer has more than {most:,} bytes")
    body = bytearray()
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > most:
            raise Unreadable(f"the answer has more than {most:,} bytes")
    return bytes(body)


def _told(err: Exception, sent: bool) -> Exception:
    """What is told of an error: requests names the address in its own, with all that is in it."""
    if isinstance(err, Unreadable):
        return err
    if isinstance(err, requests.exceptions.SSLError):
        return Unanswered("no connection: its certificate or encryption is not accepted", False)
    if isinstance(err, requests.Timeout):
        return Unanswered("no answer in time", sent)
    if isinstance(err, requests.RequestException | OSError):
        return Unanswered("the connection broke off" if sent else "no connection", sent)
    return Unanswered(f"the call failed with {type(err).__name__}", sent)


class _Line:
    """The connections of one call, which whoever waits for it can cut."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._is_cut = False
        self.sent = False

    def add(self, connection: socket.socket) -> None:
        with self._lock:
            if self._is_cut:
                connection.close()
                raise OSError("nobody waits for this any more")
            # Of its own, since encryption takes the other one over.
            self._ends.append(connection.dup())
            self.sent = True

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()


_here = threading.local()


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        # urllib3 2.x has no public place between connecting and encrypting.
        connection = super()._new_conn()
        _here.line.add(connection)
        return connection


class _EncryptedConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        _here.line.add(connection)
        return connection


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _EncryptedConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _EncryptedPool}


def _is_of_others(record: logging.LogRecord) -> bool:
    return record.threadName != _THREAD


# At level DEBUG it logs addresses, and with them names and e-mails.
logging.getLogger("urllib3.connectionpool").addFilter(_is_of_others)
