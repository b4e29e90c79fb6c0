"""Clients that are slow, endless or malformed: no 5xx, no hang, bounded memory."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine

from bg_assets.encryption import Keys, new_key
from bg_assets.receiver.limits import Limits
from bg_assets_tests.receiver.doors import (
    Door,
    as_a_process,
    event,
    free_port,
    on_a_thread,
    raw,
    signed,
    wait_until,
)

QUICK = Limits(
    head_seconds=0.6, body_seconds=0.6, keep_alive_seconds=1, answer_seconds=0.6,
    linger_seconds=0.5, connections=60, in_hand=40,
)  # fmt: skip


@pytest.fixture
def quick(database_url: str, engine: Engine) -> Iterator[Door]:
    """A receiver that loses patience soon."""
    with on_a_thread(database_url, engine, QUICK) as made:
        made.add()
        yield made


def _post(*lines: str, body: bytes = b"") -> bytes:
    head = ["POST /webhooks/crm HTTP/1.1", "host: x", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def _sent(client: socket.socket, piece: bytes, times: int) -> int:
    """How often the piece could be sent before the server ended the connection."""
    for number in range(times):
        try:
            client.sendall(piece)
        except ConnectionError:
            return number
    return times


def _until_closed(client: socket.socket) -> bytes:
    found = b""
    try:
        while piece := client.recv(65536):
            found += piece
    except ConnectionError:
        pass
    return found


@pytest.mark.parametrize(
    ("first", "more", "status"),
    [
        (b"POST /webhooks/crm HTTP/1.1\r\n", b"x-a: b\r\n", b"408"),
        (b"POST /webhooks/crm HTTP/1.1\r\nx-long: ", b"x", b"408"),
        (b"P", b"", b"408"),
        (b"", b"", b""),
        (_post("content-length: 1000"), b"x", b"408"),
        (_post("transfer-encoding: chunked"), b"1\r\nx\r\n", b"408"),
    ],
)
def test_a_slow_client_is_cut_off(quick: Door, first: bytes, more: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", quick.port), timeout=15) as client:
        client.sendall(first)
        stop = threading.Event()

        def trickle() -> None:
            while more and not stop.wait(0.1):
                try:
                    client.sendall(more)
                except OSError:
                    return

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            found = _until_closed(client)
        finally:
            stop.set()
            thread.join()
    assert found[9:12] == status
    assert found == b"" or b"application/problem+json" in found


def test_a_kept_connection_that_says_nothing_more_is_closed(quick: Door) -> None:
    for last in (b"", b"\r\n", b"GE"):
        with socket.create_connection(("127.0.0.1", quick.port), timeout=15) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
            client.sendall(last)
            _until_closed(client)


def test_a_client_that_takes_no_answer_is_cut_off(quick: Door) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.settimeout(15)
        client.connect(("127.0.0.1", quick.port))
        requests = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 50
        assert _sent(client, requests, 10_000) < 10_000


def test_more_connections_than_fit_are_told_to_come_back(quick: Door) -> None:
    held = [socket.create_connection(("127.0.0.1", quick.port)) for _ in range(60)]
    try:
        time.sleep(0.2)
        answer = raw(quick.port, b"")
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in answer
    finally:
        for one in held:
            one.close()
    wait_until(lambda: quick.deliver().status == 202)


@pytest.mark.parametrize("head", [_post("transfer-encoding: chunked"), b"POST /nothing HTTP/1.1\r\n"
                                  b"host: x\r\ntransfer-encoding: chunked\r\n\r\n"])  # fmt: skip
def test_an_endless_body_is_refused_and_its_connection_ended(quick: Door, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", quick.port), timeout=15) as client:
        client.sendall(head)
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        assert _sent(client, piece, 10_000) < 10_000


def test_memory_stays_bounded_with_100_clients_of_endless_bodies(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    port, key = free_port(), new_key()
    door = Door(port, engine, Keys((key,)))
    door.add()
    with as_a_process(database_url, port, key, tmp_path) as running:
        wait_until(lambda: door.deliver().status == 202)
        process = psutil.Process(running.process.pid)
        before, stop, most = process.memory_info().rss, threading.Event(), [0]

        def watch() -> None:
            while not stop.wait(0.02):
                most[0] = max(most[0], process.memory_info().rss)

        def endless(number: int) -> bytes:
            length = "transfer-encoding: chunked" if number % 2 else "content-length: 99999999999"
            piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
            with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                client.sendall(_post(length))
                try:
                    for _ in range(200):
                        client.sendall(piece)
                except OSError:
                    pass
                return _until_closed(client)

        watching = threading.Thread(target=watch)
        watching.start()
        with ThreadPoolExecutor(100) as pool:
            clients = [pool.submit(endless, number) for number in range(100)]
            # The others are served meanwhile.
            assert door.deliver().status == 202
            answers = [one.result() for one in clients]
        stop.set()
        watching.join()
        assert most[0] - before < 100 << 20
        assert all(one[9:12] in (b"413", b"") for one in answers)
        assert sum(one[9:12] == b"413" for one in answers) > 50
        assert door.deliver().status == 202
        assert running.stop() == 0


_SIGNED = signed(event())
_LINES = [f"{name}: {value}" for name, value in _SIGNED[1].items()]
_LENGTH = f"content-length: {len(_SIGNED[0])}"
CORPUS = [
    b"\r\n\r\n",
    b"\x00" * 100,
    b"\xff" * 40_000,
    b"x" * 100_000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x11" * 200,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET  HTTP/1.1\r\n\r\n",
    b"GET * HTTP/1.1\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\n\r\n",
    b"GET //a/../b HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /%00%ff%zz HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /webhooks/%2e%2e%2f?a=%ff HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /caf\xc3\xa9 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"BREW / HTTP/1.1\r\nhost: x\r\n\r\n",
    b"HEAD /webhooks/crm HTTP/1.1\r\nhost: x\r\n\r\n",
    b"TRACE /webhooks/crm HTTP/1.1\r\nhost: x\r\n\r\n",
    _post(*(f"x-{n}: y" for n in range(150))),
    _post("x-long: " + "y" * 40_000),
    _post("x" * 40_000 + ": y"),
    _post("no colon here"),
    _post(": no name"),
    _post("bad name: x"),
    _post("x-a: b\r\n folded"),
    _post("x-nul: a\x00b"),
    _post("content-length: -1"),
    _post("content-length: 1", "content-length: 2", body=b"ab"),
    _post("content-length: 99999999999999999999999"),
    _post("content-length: 5", "transfer-encoding: chunked", body=b"0\r\n\r\n"),
    _post("transfer-encoding: gzip", body=b"x"),
    _post("transfer-encoding: chunked", body=b"zz\r\n"),
    _post("transfer-encoding: chunked", body=b"fffffffffffffffff\r\n"),
    _post("transfer-encoding: chunked", body=b"-1\r\n"),
    _post("transfer-encoding: chunked", body=b"0\r\nx-trailer: y\r\n\r\n"),
    _post("connection: upgrade", "upgrade: websocket", "sec-websocket-key: x", *_LINES, _LENGTH),
    _post("connection: Upgrade", "upgrade: h2c", *_LINES, _LENGTH, body=_SIGNED[0]),
    _post("expect: 100-continue", *_LINES, _LENGTH, body=_SIGNED[0]),
    _post("expect: the impossible", *_LINES, _LENGTH, body=_SIGNED[0]),
    _post(*_LINES, *_LINES, _LENGTH, body=_SIGNED[0]),
    *(
        _post(*(one for one in _LINES if not one.startswith(name)), f"{name}: {value}", _LENGTH,
              body=_SIGNED[0])
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type",
                     "x-forwarded-for", "svix-id", "content-encoding")
        for value in ("", "\xff\xfe", "nan", "1e999", "-0", "v1,", "v1,\xe9", "v1,=", ",,,",
                      "a" * 5000, "{}", "'; drop", "\t", "%00", "\x85", "v1," + "A" * 43 + "=")
    ),
]  # fmt: skip


def test_malformed_requests_get_a_4xx_or_are_cut_off_and_never_a_5xx(quick: Door) -> None:
    def ask(one: bytes) -> bytes:
        return raw(quick.port, one)

    with ThreadPoolExecutor(8) as pool:
        for sent, answer in zip(CORPUS, pool.map(ask, CORPUS), strict=True):
            for line in answer.split(b"HTTP/1.1 ")[1:]:
                assert line[:1] in b"124", (sent[:200], answer[:300])
            if answer[9:10] == b"4":
                assert b"application/problem+json" in answer or b"HEAD" in sent
    assert quick.deliver().status == 202
    text = quick.get("/metrics").body
    assert b'kind="fault"' not in text


def test_a_prefix_of_a_good_request_is_never_taken(quick: Door) -> None:
    body, headers = signed(event())
    lines = [f"{name}: {value}" for name, value in headers.items()]
    whole = _post(*lines, f"content-length: {len(body)}", body=body)
    cuts = range(0, len(whole), 29)
    with ThreadPoolExecutor(8) as pool:
        for answer in pool.map(lambda cut: raw(quick.port, whole[:cut]), cuts):
            assert answer == b"" or answer[9:10] == b"4"
    assert quick.rows() == []
    assert raw(quick.port, whole)[9:12] == b"202"
