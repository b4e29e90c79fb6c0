"""kill -9 of the receiver and of PostgreSQL under load: what was acknowledged is there."""

import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from bg_assets.embedded import processes
from bg_assets.embedded.databases import ensure_database
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.encryption import Keys, new_key
from bg_assets.storage import database
from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.receiver.doors import (
    Door,
    as_a_process,
    event,
    free_port,
    over,
    signed,
    wait_until,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def durable() -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, with the durability that users get, and our schema in it."""
    with ExitStack() as stop:
        folder = temporary_folder("bg-home-")
        stop.callback(shutil.rmtree, folder)
        server = EmbeddedPostgres(folder / "home")
        stop.callback(server.destroy)
        stop.enter_context(server.acquire())
        ensure_database(server.url("bg_assets"))
        database.migrate(server.url("bg_assets"))
        yield server


class _Load:
    """Senders that go on until they are stopped, and what they were told."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self.acknowledged: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self._pool = ThreadPoolExecutor(12)
        self._sending = [self._pool.submit(self._send, number) for number in range(12)]

    def _send(self, number: int) -> None:
        one = 0
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._stop.is_set():
            name = f"{number}-{one}"
            body, headers = signed(event(id=name))
            try:
                answer = over(connection, "POST", "/webhooks/crm", body, headers)
            except (OSError, HTTPException):
                connection.close()
                self._stop.wait(0.05)
                continue
            self.statuses[answer.status] += 1
            if answer.status in (200, 202):
                self.acknowledged.add(name)
                one += 1
            else:
                self._stop.wait(0.05)
        connection.close()

    def more(self, count: int) -> None:
        """Wait until so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= wanted, 60)

    def stop(self) -> None:
        """Let them finish what they are at; an error of theirs comes out here."""
        self._stop.set()
        for one in self._sending:
            one.result()
        self._pool.shutdown()


def test_what_was_acknowledged_survives_kills_of_either(
    durable: EmbeddedPostgres, tmp_path: Path
) -> None:
    url, port, key = durable.url("bg_assets"), free_port(), new_key()
    engine = database.make_engine(url)
    door = Door(port, engine, Keys((key,)))
    door.add()
    load = _Load(port)
    try:
        for round_ in range(3):
            with as_a_process(url, port, key, tmp_path) as running:
                load.more(100)
                _kill_postgres(durable)
                time.sleep(0.1 * round_)
                durable.ensure()
                load.more(100)
                running.kill()
        with as_a_process(url, port, key, tmp_path) as running:
            load.more(100)
            load.stop()
            assert running.stop() == 0
        rows = Counter(row.event_id for row in door.rows("select event_id from bg.webhook_events"))
    finally:
        load.stop()
        engine.dispose()
    assert load.acknowledged <= set(rows)
    assert set(rows.values()) == {1}
    # Nothing else than 503 came while the database was away.
    assert set(load.statuses) <= {200, 202, 503}
    assert load.statuses[503] > 0


def _kill_postgres(server: EmbeddedPostgres) -> None:
    found = processes.postmaster(server.data)
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    wait_until(lambda: not server.running())


def test_the_receiver_starts_the_embedded_server_again_where_nobody_else_does(
    durable: EmbeddedPostgres, tmp_path: Path
) -> None:
    port, key = free_port(), new_key()
    engine = database.make_engine(durable.url("bg_assets"))
    door = Door(port, engine, Keys((key,)))
    door.add()
    with as_a_process("", port, key, tmp_path, home=durable.home) as running:
        wait_until(lambda: door.deliver().status == 202)
        _kill_postgres(durable)
        wait_until(lambda: door.deliver().status == 202)
        assert len(door.rows()) == 2
        assert running.stop() == 0
    engine.dispose()
