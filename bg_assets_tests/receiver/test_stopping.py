"""The receiver as a process: it starts without a database, and stops when what it has is done."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from bg_assets.encryption import Keys, new_key
from bg_assets.receiver.limits import Limits
from bg_assets.receiver.server import listening
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.receiver.doors import (
    ROOT,
    Door,
    as_a_process,
    event,
    free_port,
    on_a_thread,
    signed,
    wait_until,
)


def test_a_stop_finishes_what_is_in_hand_and_refuses_what_is_new(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    port, key = free_port(), new_key()
    door = Door(port, engine, Keys((key,)))
    door.add()
    with as_a_process(database_url, port, key, tmp_path) as running:
        body, headers = signed(event(id="in-hand"))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        first = (
            f"POST /webhooks/crm HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{head}\r\n"
        )
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(first.encode() + body[:10])
            wait_until(lambda: b"bg_webhooks_received_total 1.0" in door.get("/metrics").body)
            running.process.terminate()
            wait_until(lambda: b"receiver_stopping" in running.log.read_bytes())
            late = door.deliver()
            assert (late.status, late.headers["connection"]) == (503, "close")
            assert late.document["title"] == "Service Unavailable"
            assert int(late.headers["retry-after"]) >= 1
            client.sendall(body[10:])
            answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 202")
        assert b"connection: close" in answer
        assert running.process.wait(20) == 0
    assert [row.event_id for row in door.rows()] == ["in-hand"]
    log = running.log.read_text()
    assert '"receiver_started", "process": "receiver"' in log
    assert f'"address": "http://127.0.0.1:{port}"' in log
    assert "Holm" not in log
    assert "Traceback" not in log


def test_an_idle_receiver_stops_soon_although_connections_are_kept(
    database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    with (
        as_a_process(database_url, port, new_key(), tmp_path) as running,
        socket.create_connection(("127.0.0.1", port), timeout=20) as client,
    ):
        client.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        # It waits for its requests for 10 s, and for none here.
        running.process.terminate()
        assert running.process.wait(9) == 0


def test_a_client_that_never_ends_its_body_holds_up_a_stop_only_while_others_may_finish(
    database_url: str, engine: Engine
) -> None:
    patient = Limits(body_seconds=600, drain_seconds=1)
    # The door ends first, and has half a minute for it.
    with ExitStack() as at_last, on_a_thread(database_url, engine, patient) as door:
        client = socket.create_connection(("127.0.0.1", door.port), timeout=20)
        at_last.enter_context(client)
        client.sendall(b"POST /webhooks/crm HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
        wait_until(lambda: b"bg_webhooks_received_total 1.0" in door.get("/metrics").body)


def test_a_port_on_which_the_door_has_just_ended_connections_is_had_at_once() -> None:
    port = free_port()
    with listening("127.0.0.1", port, share_port=False) as listener:
        client = socket.create_connection(("127.0.0.1", port), timeout=20)
        taken, _ = listener.accept()
        # Whoever ends a connection first keeps its port for a minute.
        taken.close()
        assert client.recv(1) == b""
        client.close()
    with listening("127.0.0.1", port, share_port=False) as listener:
        assert listener.getsockname()[1] == port


@pytest.mark.slow
def test_it_starts_without_a_database_and_takes_events_once_that_is_there(
    postgres: Cluster, template: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    port, key = free_port(), new_key()
    url = make_url(postgres.url("bg_test_late_" + key[:8].lower().replace("-", "_")))
    name = str(url.database)
    shown = url.render_as_string(hide_password=False)
    with as_a_process(shown, port, key, tmp_path) as running:
        door = Door(port, _engine(shown, request), Keys((key,)))
        assert door.get("/healthz").status == 200
        away = door.get("/readyz")
        assert (away.status, away.document["title"]) == (503, "Service Unavailable")
        assert name not in away.document["detail"]
        answer = door.deliver()
        assert (answer.status, answer.document["title"]) == (503, "Service Unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        postgres.run(f"create database {name} template {template}")
        request.addfinalizer(lambda: postgres.drop(shown))
        door.add()
        wait_until(lambda: door.get("/readyz").status == 200)
        assert door.deliver().status == 202
        assert running.stop() == 0
    log = running.log.read_text()
    # Once, not for each request.
    assert log.count("database_away") == 1
    assert "Traceback" not in log


def _engine(url: str, request: pytest.FixtureRequest) -> Engine:
    from sqlalchemy import create_engine

    engine = create_engine(url)
    request.addfinalizer(engine.dispose)
    return engine


def test_a_schema_that_is_not_there_is_not_ready(postgres: Cluster, tmp_path: Path) -> None:
    port = free_port()
    with as_a_process(postgres.maintenance_url, port, new_key(), tmp_path):
        door = Door(port, None, Keys((new_key(),)))  # type: ignore[arg-type]
        answer = door.get("/readyz")
        assert answer.status == 503
        assert "bg-assets migrate" in answer.document["detail"]
        assert door.deliver().status == 503


def _run(port: int, **more: str) -> "subprocess.CompletedProcess[str]":
    code = (
        "from bg_assets import settings\nfrom bg_assets.receiver import server\n"
        "try:\n server.run(settings.read())\nexcept Exception as err:\n print(err)"
    )
    env = {**os.environ, "BG_RECEIVER_PORT": str(port), **more}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=env, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip


def test_a_busy_port_is_an_error_that_names_the_variable(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _run(port, BG_DATABASE_URL=database_url, BG_ENCRYPTION_KEYS=new_key())
    assert f"port {port} is busy" in done.stdout
    assert "BG_RECEIVER_PORT" in done.stdout


def test_without_keys_it_does_not_start_and_says_what_to_do(database_url: str) -> None:
    done = _run(free_port(), BG_DATABASE_URL=database_url, BG_ENCRYPTION_KEYS="")
    assert "BG_ENCRYPTION_KEYS" in done.stdout


def test_it_knows_nothing_of_what_takes_long_to_load(
    database_url: str, tmp_path: Path, databases: Callable[[], str]
) -> None:
    code = (
        "import sys\nfrom bg_assets.receiver import server\n"
        "print([one for one in ('dagster', 'pandas', 'numpy', 'grpc') if one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
