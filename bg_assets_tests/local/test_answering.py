"""Who answers, who listens and says nothing, and who is not there: told apart by real sockets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bg_assets.local import answering, programs
from bg_assets.local.answering import Answer


class _Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(500)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "SECONDS", 0.2)


def test_any_status_is_an_answer() -> None:
    with served() as port:
        assert answering.of_http(port, "/x") is Answer.GIVEN


def test_where_nobody_listens_nobody_hangs(tmp_path: Path) -> None:
    assert answering.of_http(programs.free_port(), "/x") is Answer.NOBODY
    assert answering.of_code_server(tmp_path / "none.sock") is Answer.NOBODY


def test_who_takes_connections_and_says_nothing_gives_none(impatient: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert answering.of_http(silent.getsockname()[1], "/x") is Answer.NONE


def test_a_code_server_that_says_nothing_gives_none(impatient: None, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        assert answering.of_code_server(tmp_path / "s") is Answer.NONE


def test_who_hangs_up_is_ending() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hasty:
        hanging_up = threading.Thread(target=lambda: hasty.accept()[0].close())
        hanging_up.start()
        assert answering.of_http(hasty.getsockname()[1], "/x") is Answer.NOBODY
        hanging_up.join()
