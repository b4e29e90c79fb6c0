"""More clients than the door has places, or the process has file descriptors."""

import asyncio
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, text

from bg_assets import settings
from bg_assets.encryption import Keys, new_key
from bg_assets.receiver import descriptors
from bg_assets.receiver.acceptor import Acceptor
from bg_assets.receiver.crowd import Crowd, Full, Place
from bg_assets.receiver.limits import Limits, fitted
from bg_assets.receiver.link import Link
from bg_assets.receiver.meter import Meter
from bg_assets.receiver.networks import networks
from bg_assets_tests.receiver.doors import (
    Door,
    as_a_process,
    event,
    free_port,
    on_a_thread,
    signed,
    wait_until,
)

# Who says nothing keeps the place for longer than a slow machine takes.
SMALL = Limits(
    connections=5, connections_of_one=3, turned_away=2, linger_seconds=1.0, head_seconds=120.0
)


def _entered(crowd: Crowd, peers: Sequence[str | None]) -> list[str]:
    """What each of them is told, in their order."""
    told = []
    for peer in peers:
        try:
            crowd.enter(peer)
            told.append("in")
        except Full as full:
            told.append(full.kind)
    return told


def test_one_address_has_its_limit_and_all_together_have_theirs() -> None:
    crowd = Crowd(SMALL, ())
    peers: Sequence[str | None] = ["192.0.2.1"] * 4 + ["192.0.2.2"] * 3
    assert _entered(crowd, peers) == ["in"] * 3 + ["crowd"] + ["in"] * 2 + ["busy"]


def test_a_place_that_is_given_up_is_free_once() -> None:
    crowd = Crowd(SMALL, ())
    places = [crowd.enter("192.0.2.1") for _ in range(3)]
    for _ in range(2):
        places[0].leave()
    assert crowd.size == 2
    assert _entered(crowd, ["192.0.2.1", "192.0.2.1"]) == ["in", "crowd"]
    for place in places[1:]:
        place.leave()
    assert crowd.size == 1


@pytest.mark.parametrize(
    ("peers", "last"),
    [
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:0:f::3", "2001:db8::4"], "crowd"),
        (["2001:db8::1", "2001:db8:0:1::1", "2001:db8::2", "2001:db8:0:2::1"], "in"),
        (["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"], "crowd"),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"], "in"),
        (["10.0.0.1"] * 5, "in"),
        (["10.0.0.1"] * 6, "busy"),
        ([None] * 4, "in"),
    ],
)
def test_a_client_is_an_address_or_an_ipv6_network_and_a_trusted_proxy_may_have_all(
    peers: Sequence[str | None], last: str
) -> None:
    crowd = Crowd(SMALL, networks(["10.0.0.0/8"]))
    told = _entered(crowd, peers)
    assert (set(told[:-1]), told[-1]) == ({"in"}, last)


@pytest.mark.parametrize(
    ("free", "connections", "of_one", "turned_away"),
    [
        (100_000, 2000, 500, 500),
        (1000, 800, 200, 200),
        (100, 80, 20, 20),
        (16, 13, 3, 3),
        (1, 1, 1, 1),
    ],
)
def test_connections_fit_into_the_file_descriptors_that_are_free(
    free: int, connections: int, of_one: int, turned_away: int
) -> None:
    found = fitted(Limits(), free)
    assert (found.connections, found.connections_of_one, found.turned_away) == (
        connections, of_one, turned_away,
    )  # fmt: skip
    assert free == 1 or connections + turned_away <= free


def test_the_limits_of_who_takes_less_stay() -> None:
    found = fitted(SMALL, 1000)
    assert (found.connections, found.connections_of_one, found.turned_away) == (5, 1, 2)


def test_a_limit_of_open_files_without_room_for_connections_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def limit(most: int) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (most, most))

    limit(10_000)
    used = 10_000 - descriptors.free_for_connections()
    assert used > 40
    limit(used + 16)
    assert 10 < descriptors.free_for_connections() < 20
    limit(used + 5)
    with pytest.raises(descriptors.TooFewDescriptors, match="ulimit -n 1024"):
        descriptors.free_for_connections()
    limit(resource.RLIM_INFINITY)
    assert descriptors.free_for_connections() > 100_000


def _connect(port: int, host: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(host, 0))


def _told(client: socket.socket) -> bytes:
    """All that comes until the door ends the connection."""
    found = b""
    while piece := client.recv(65536):
        found += piece
    return found


@contextmanager
def _all(port: int, hosts: list[str]) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(_connect(port, host)) for host in hosts]


@pytest.fixture
def small(database_url: str, engine: Engine) -> Iterator[Door]:
    """A door with five places, three of them for one address."""
    with on_a_thread(database_url, engine, SMALL) as made:
        made.add()
        yield made


def test_who_finds_no_place_is_told_at_once_and_others_still_do(small: Door) -> None:
    with _all(small.port, ["127.0.0.2"] * 3):
        # It is answered without having sent anything.
        with _connect(small.port, "127.0.0.2") as fourth:
            answer = _told(fourth)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in answer
        assert b"from this address" in answer
        assert small.deliver().status == 202
        with _all(small.port, ["127.0.0.3"] * 2), _connect(small.port, "127.0.0.4") as sixth:
            assert b'"too many connections"' in _told(sixth)
    wait_until(lambda: _places_are_free(small))
    wait_until(lambda: small.rows("select * from bg.audit_log where detail->>'kind' = 'crowd'"))
    wait_until(lambda: small.rows("select * from bg.audit_log where detail->>'kind' = 'busy'"))


def _places_are_free(door: Door) -> bool:
    with _all(door.port, ["127.0.0.2"] * 3) as held:
        for one in held:
            one.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        return all(_told(one).startswith(b"HTTP/1.1 200") for one in held)


def test_who_is_turned_away_gets_to_read_it_though_it_had_sent_a_request(small: Door) -> None:
    body, headers = signed(event())
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST /webhooks/crm HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
    with _all(small.port, ["127.0.0.2"] * 3), _connect(small.port, "127.0.0.2") as fourth:
        fourth.sendall(head.encode() + body)
        assert _told(fourth).startswith(b"HTTP/1.1 503")
    assert small.rows() == []


def test_who_is_turned_away_and_does_not_go_is_closed(small: Door) -> None:
    with _all(small.port, ["127.0.0.2"] * 3), _all(small.port, ["127.0.0.2"] * 6) as more:
        for one in more:
            assert _told(one).startswith(b"HTTP/1.1 503")
        # They never close; still, nothing of them is left: what is sent comes back as a reset.
        for one in more:
            wait_until(lambda one=one: _is_reset(one))


def _is_reset(client: socket.socket) -> bool:
    try:
        client.sendall(b"x")
    except ConnectionError:
        return True
    return False


def test_a_connection_that_could_not_be_taken_in_leaves_its_place() -> None:
    crowd = Crowd(SMALL, ())
    tried: list[Place] = []

    def connect(place: Place) -> asyncio.Protocol:
        tried.append(place)
        raise OSError

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            meter = Meter(Link(settings.read({})))
            acceptor = Acceptor(listener, connect, crowd, SMALL, meter)
            acceptor.start()
            for _ in range(SMALL.connections_of_one + 1):
                reader, writer = await asyncio.open_connection(*listener.getsockname())
                assert await reader.read() == b""
                writer.close()
            acceptor.stop()

    asyncio.run(run())
    assert (len(tried), crowd.size) == (SMALL.connections_of_one + 1, 0)


def test_who_is_still_reading_why_is_closed_when_the_door_stops() -> None:
    crowd = Crowd(SMALL, ())
    assert _entered(crowd, ["127.0.0.1"] * 3) == ["in"] * 3

    async def run(listener: socket.socket) -> Acceptor:
        meter = Meter(Link(settings.read({})))
        limits = replace(SMALL, linger_seconds=3600)
        acceptor = Acceptor(listener, lambda _: asyncio.Protocol(), crowd, limits, meter)
        acceptor.start()
        assert (await asyncio.to_thread(_told, client)).startswith(b"HTTP/1.1 503")
        acceptor.stop()
        return acceptor

    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        _connect(listener.getsockname()[1]) as client,
    ):
        # Held, so that nothing is closed because it is forgotten.
        stopped = asyncio.run(run(listener))
        wait_until(lambda: _is_reset(client))
        del stopped


@pytest.mark.parametrize("most", [1, 3])
def test_as_many_requests_are_in_hand_as_the_limit_says_and_not_one_more(
    database_url: str, engine: Engine, most: int
) -> None:
    with on_a_thread(database_url, engine, Limits(in_hand=most)) as door:
        door.add()
        body, headers = signed(event())
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        length = f"content-length: {len(body)}\r\n"
        head = f"POST /webhooks/crm HTTP/1.1\r\nhost: x\r\n{length}{lines}\r\n".encode()
        with _all(door.port, ["127.0.0.1"] * most) as held:
            for one in held:
                one.sendall(head)
            wait_until(lambda: _received(door) == most)
            answer = door.deliver()
            assert (answer.status, answer.document["detail"]) == (
                503, "too many requests are in hand",
            )  # fmt: skip
            for one in held:
                one.sendall(body)
                assert one.recv(65536)[9:12] in (b"202", b"200")
        assert door.deliver().status == 202


def _received(door: Door) -> int:
    (line,) = (
        one
        for one in door.get("/metrics").body.splitlines()
        if one.startswith(b"bg_webhooks_received_total")
    )
    return int(float(line.split()[1]))


@pytest.mark.parametrize(
    ("version", "continued"), [(b"1.1", True), (b"1.0", False)], ids=["1.1", "1.0"]
)
def test_only_a_client_of_http_1_1_is_told_to_continue(
    door: Door, version: bytes, *, continued: bool
) -> None:
    body, headers = signed(event())
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    head = b"POST /webhooks/crm HTTP/%s\r\nhost: x\r\nexpect: 100-continue\r\n" % version
    with _connect(door.port) as client:
        client.sendall(head + b"content-length: %d\r\n" % len(body) + lines + b"\r\n")
        if continued:
            assert client.recv(65536).startswith(b"HTTP/1.1 100")
        client.sendall(body)
        assert client.recv(65536).startswith(b"HTTP/1.1 202")


def test_idle_clients_take_no_descriptor_that_the_door_needs_and_no_accept_ends_it(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    """With 128 files: 300 idle clients of many addresses, then no descriptor at all for a while."""
    port, key = free_port(), new_key()
    door = Door(port, engine, Keys((key,)))
    door.add()
    with as_a_process(database_url, port, key, tmp_path, files=128) as running:
        process = psutil.Process(running.process.pid)
        wait_until(lambda: door.deliver().status == 202)
        hosts = [f"127.0.1.{number}" for number in range(1, 11)]
        with _all(port, hosts * 30) as idle:
            # None of them is left waiting: each has a place, or is told.
            answers = [one for one in idle if _is_answered(one)]
            wait_until(lambda: process.num_fds() < 128)
            assert len(answers) > 200
            assert b'kind="fault"' not in running.log.read_bytes()
        wait_until(lambda: door.deliver().status == 202)
        wait_until(lambda: _refused(engine, "busy") > 200)

        used = process.num_fds()
        process.rlimit(psutil.RLIMIT_NOFILE, (used, 128))
        with _all(port, hosts):
            wait_until(lambda: b"connections_wait" in running.log.read_bytes())
            before, began = process.cpu_times(), time.monotonic()
            stop = threading.Event()
            stop.wait(2)
            spent = sum(process.cpu_times()[:2]) - sum(before[:2])
            assert spent < 0.8 * (time.monotonic() - began)
            process.rlimit(psutil.RLIMIT_NOFILE, (128, 128))
        wait_until(lambda: door.deliver().status == 202)
        wait_until(lambda: door.get("/readyz").status == 200)
        assert door.send(b"{}", {}).status == 401
        wait_until(lambda: _refused(engine, "no-signature") == 1)
        assert running.stop() == 0
    assert b"Traceback" not in running.log.read_bytes()


def _is_answered(client: socket.socket) -> bool:
    """Whether the door says something within a while: an idle client with a place hears nothing."""
    client.settimeout(0.02)
    try:
        return client.recv(65536).startswith(b"HTTP/1.1 503")
    except TimeoutError:
        return False


def _refused(engine: Engine, kind: str) -> int:
    counted = text("select coalesce(sum(count), 0) from bg.audit_log where detail->>'kind' = :kind")

    with engine.begin() as conn:
        return int(conn.execute(counted, {"kind": kind}).scalar_one())


# What the door does besides answering.


@pytest.fixture
def broken(door: Door) -> Callable[[], None]:
    """Nothing can be written into the audit log, until this is called."""
    statement = "alter table bg.audit_log {} constraint nothing{}"
    with door.engine.begin() as conn:
        conn.execute(text(statement.format("add", " check (actor <> 'receiver') not valid")))

    def mend() -> None:
        with door.engine.begin() as conn:
            conn.execute(text(statement.format("drop", "")))

    return mend


def test_a_chore_that_fails_is_told_by_readyz_and_goes_on_once_it_can(
    door: Door, broken: Callable[[], None]
) -> None:
    door.send(b"{}", {})
    wait_until(lambda: door.get("/readyz").status == 503)
    detail = door.get("/readyz").document["detail"]
    assert "writing the audit log fails with IntegrityError" in detail
    assert "postgres" not in detail
    assert door.deliver().status == 202
    door.send(b"{}", {})
    broken()
    wait_until(lambda: door.get("/readyz").status == 200, 60)
    wait_until(lambda: _refused(door.engine, "no-signature") == 2)
