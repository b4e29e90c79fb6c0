"""The daemon waits for the code servers of its workspace, and not for ever."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bg_assets.instance.awaiting import wait_for_code
from bg_assets_tests.conftest import temporary_folder


@pytest.fixture
def place() -> Iterator[Path]:
    """Where a socket may be: paths of sockets are short."""
    folder = temporary_folder("bg-await-")
    yield folder / "code.sock"
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()


def _never(_: float) -> None:
    raise AssertionError("it waited")


def _workspace(folder: Path, text: str) -> list[str]:
    file = folder / "workspace.yaml"
    file.write_text(text)
    return ["dagster-daemon", "run", "-w", str(file)]


def _named(folder: Path, place: Path) -> list[str]:
    return _workspace(
        folder, f"load_from: [{{grpc_server: {{socket: {place}, location_name: x}}}}]"
    )


def test_it_goes_on_as_soon_as_the_server_answers(tmp_path: Path, place: Path) -> None:
    looks: list[float] = []
    with socket.socket(socket.AF_UNIX) as server:

        def rest(seconds: float) -> None:
            looks.append(seconds)
            if len(looks) == 3:
                server.bind(str(place))
                server.listen()

        assert wait_for_code(_named(tmp_path, place), 60, rest)
    assert len(looks) == 3


def test_a_server_that_is_there_is_not_waited_for(tmp_path: Path, place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen()
        assert wait_for_code(_named(tmp_path, place), 60, _never)


def test_a_server_that_never_comes_is_not_waited_for_for_ever(tmp_path: Path, place: Path) -> None:
    # What a killed one has left behind answers nobody.
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(place))
    assert not wait_for_code(_named(tmp_path, place), 0.1)


@pytest.mark.parametrize(
    "text",
    [
        "", "- 1", "load_from: 3", "load_from: [3]", "load_from: [{grpc_server: 3}]", "a: [",
        "load_from: [{grpc_server: {host: localhost, port: 4000}}]",
        "load_from: [{python_module: bg_assets.definitions}]",
    ],
)  # fmt: skip
def test_nothing_is_waited_for_where_no_socket_is_named(tmp_path: Path, text: str) -> None:
    assert wait_for_code(_workspace(tmp_path, text), 60, _never)
    assert wait_for_code(["dagster-daemon", "run"], 60, _never)
    assert wait_for_code(["-w", str(tmp_path / "none.yaml")], 60, _never)
