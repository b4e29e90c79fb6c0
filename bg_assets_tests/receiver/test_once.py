"""Each event once, however often, from however many and through however many processes it comes."""

import base64
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine

from bg_assets.encryption import Keys, new_key
from bg_assets.storage.webhooks import sources
from bg_assets_tests.receiver.doors import (
    STANDARD,
    Door,
    as_a_process,
    event,
    free_port,
    over,
    signed,
    wait_until,
)


def test_one_event_from_50_connections_at_once_is_one_row_and_one_202(door: Door) -> None:
    body, headers = signed(event(id="the-one"))
    ready = threading.Barrier(50)

    def send(_: int) -> tuple[int, bool]:
        ready.wait()
        answer = door.send(body, headers)
        return answer.status, answer.document["duplicate"]

    with ThreadPoolExecutor(50) as pool:
        answers = Counter(pool.map(send, range(50)))
    assert answers == {(202, False): 1, (200, True): 49}
    assert [row.event_id for row in door.rows()] == ["the-one"]


def _retrying(
    door: Door, port: int, number: int, count: int, secret: Callable[[], str]
) -> set[str]:
    """Send events until each is acknowledged, cutting some off; returns the ids acknowledged."""
    chance = Random(number)
    names = [f"sender-{number}-{one}" for one in range(count)]
    for name in names:
        _deliver(port, name, secret, chance)
    return set(names)


def _deliver(port: int, name: str, secret: Callable[[], str], chance: Random) -> None:
    acknowledged = False
    while not acknowledged:
        body, headers = signed(event(id=name), secret())
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        with suppress(OSError, HTTPException), closing(connection):
            if chance.random() < 0.05:
                # Goes away without waiting for the answer.
                connection.request("POST", "/webhooks/crm", body, headers)
                continue
            answer = over(connection, "POST", "/webhooks/crm", body, headers)
            assert answer.status in (200, 202), answer.body
            acknowledged = True
            if chance.random() < 0.1:
                assert over(connection, "POST", "/webhooks/crm", body, headers).status == 200


@pytest.mark.slow
def test_20_senders_of_500_events_with_retries_leave_each_acknowledged_id_once(
    door: Door,
) -> None:
    with ThreadPoolExecutor(20) as pool:
        found = pool.map(lambda n: _retrying(door, door.port, n, 500, lambda: STANDARD), range(20))
        acknowledged = set().union(*found)
    assert len(acknowledged) == 10_000
    stored = Counter(row.event_id for row in door.rows("select event_id from bg.webhook_events"))
    assert set(stored) == acknowledged
    assert set(stored.values()) == {1}


def test_no_validly_signed_event_is_refused_while_secrets_rotate(door: Door) -> None:
    valid, stop = [STANDARD], threading.Event()

    def rotate() -> None:
        for number in range(6):
            fresh = f"the {number}th key of thirty-two bytes".encode()
            text = "whsec_" + base64.b64encode(fresh).decode()
            with door.engine.begin() as conn:
                sources.rotate(conn, door.keys, "crm", text, timedelta(hours=24), "test")
            # At once: it is the receiver that must have seen it.
            valid[0] = text
            time.sleep(0.3)
        stop.set()

    def send(_: int) -> int:
        count = 0
        while not stop.is_set():
            answer = door.send(*signed(event(), valid[0]))
            assert answer.status == 202, answer.body
            count += 1
        return count

    with ThreadPoolExecutor(9) as pool:
        rotating = pool.submit(rotate)
        sent = sum(pool.map(send, range(8)))
        rotating.result()
    assert sent > 20
    assert len(door.rows()) == sent
    # The first one has a day left still.
    assert door.send(*signed(event(), STANDARD)).status == 202


def test_two_processes_share_a_port_and_a_rate(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    port, key = free_port(), new_key()
    door = Door(port, engine, Keys((key,)))
    door.add()
    door.add("slow", per_second=0.01, burst=10)
    with (
        as_a_process(database_url, port, key, tmp_path, share_port=True) as first,
        as_a_process(database_url, port, key, tmp_path, share_port=True) as second,
    ):
        wait_until(lambda: door.get("/readyz").status == 200)
        body, headers = signed(event(id="the-one"))
        with ThreadPoolExecutor(20) as pool:
            answers = Counter(pool.map(lambda _: door.send(body, headers).status, range(40)))
        assert answers == {202: 1, 200: 39}
        answers = Counter(door.deliver(path="/webhooks/slow").status for _ in range(31))
        assert answers == {202: 10, 429: 21}
        # Either would have answered all if the other had not; of 71 no two have the same share.
        counts = _received(door, 30)
        assert len(counts) == 2
        assert (first.stop(), second.stop()) == (0, 0)


def _received(door: Door, times: int) -> set[bytes]:
    """The counters of the processes that answer on the port."""
    found = set()
    for _ in range(times):
        text = door.get("/metrics").body
        (line,) = (one for one in text.splitlines() if one.startswith(b"bg_webhooks_received_t"))
        found.add(line)
    return found
