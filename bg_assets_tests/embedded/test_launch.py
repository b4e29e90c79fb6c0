"""What PostgreSQL is started with."""

import shutil
import subprocess
from pathlib import Path

from bg_assets.embedded import launch, processes

GB = 1 << 30


def test_postgresql_keeps_an_eighth_of_the_memory_within_bounds() -> None:
    assert launch.buffers(GB // 2) == 128
    assert launch.buffers(2 * GB) == 256
    assert launch.buffers(64 * GB) == 512


def test_a_server_that_is_ending_is_waited_for_and_its_traces_go(tmp_path: Path) -> None:
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    program = tmp_path / "postgres"
    shutil.copy(shutil.which("sleep") or "", program)
    lock = sockets / f"{processes.SOCKET_FILE}.lock"
    ending = subprocess.Popen([program, "1"], cwd="/")
    lock.write_text(f"{ending.pid}\n{tmp_path / 'data'}\n")
    processes.clear(tmp_path / "data", sockets)
    assert ending.wait() == 0
    assert not lock.exists()
