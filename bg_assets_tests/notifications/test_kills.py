"""Senders and receiver are killed in turn: nothing is lost, doubled or out of its order."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from bg_assets import encryption
from bg_assets.encryption import Keys
from bg_assets.storage import database
from bg_assets.storage.notifications import subscriptions
from bg_assets.storage.notifications.subscriptions import Wish
from bg_assets_tests.conftest import ROOT
from bg_assets_tests.storage.notifications.subscribers import SECRET, tell
from bg_assets_tests.storage.rows import company, rows, value

COMPANIES = [f"c{number:02}" for number in range(15)]
ROUNDS = 40
KILLS = 14
PENDING = "select count(*) from bg.deliveries where status = 'pending'"
# As in life, only faster.
SENDER = """
from bg_assets import settings
from bg_assets.notifications import service
from bg_assets.notifications.sender import Pace
service.run(settings.read(), Pace(waits=(0.0, *[0.15] * 400), attempt_seconds=1, lease_seconds=1.5))
"""


class Killable:
    """A process that is started again whenever it is killed."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path) -> None:
        self._command, self._env, self._log = command, env, log
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as out:
            return subprocess.Popen(
                self._command, env=self._env, stdin=subprocess.PIPE, stdout=out, stderr=out,
                cwd=ROOT,
            )  # fmt: skip

    def kill(self) -> None:
        """End it without a word, and start another."""
        self.end()
        self.process = self._start()

    def end(self) -> None:
        """End it for good."""
        assert self.process.stdin is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process.stdin.close()


@contextmanager
def running(database_url: str, key: str, port: int, folder: Path) -> Iterator[list[Killable]]:
    """Two senders and the receiver."""
    env = {**os.environ, "BG_DATABASE_URL": database_url, "BG_ENCRYPTION_KEYS": key,
           "BG_HOME": str(folder)}  # fmt: skip
    keeping = [sys.executable, "-m", "bg_assets_tests.notifications.keeping", str(port)]
    made = [
        Killable([sys.executable, "-c", SENDER], env, folder / "log"),
        Killable([*keeping, str(folder / "got")], env, folder / "log"),
        Killable([sys.executable, "-c", SENDER], env, folder / "log"),
    ]
    try:
        yield made
    finally:
        for one in made:
            one.end()


@pytest.mark.slow
def test_with_senders_and_receiver_killed_in_turn_each_message_comes_once_and_in_order(
    engine: sa.Engine, database_url: str, unused_port: int, tmp_path: Path
) -> None:
    key = encryption.new_key()
    url = f"http://127.0.0.1:{unused_port}/"
    with engine.begin() as conn:
        wish = Wish(url, "default", private=True)
        subscriptions.add(conn, Keys((key,)), wish, SECRET, "tester")
    for name in COMPANIES:
        company(engine, name)

    def write() -> None:
        writer = database.make_engine(database_url, pool_size=1)
        for number in range(ROUNDS):
            tell(writer, *COMPANIES, number=number)
            time.sleep(0.25)
        writer.dispose()

    chance = random.Random(18)
    with running(database_url, key, unused_port, tmp_path) as processes:
        writing = threading.Thread(target=write)
        writing.start()
        for victim in itertools.islice(itertools.cycle(processes), KILLS):
            time.sleep(chance.uniform(0.6, 1.2))
            victim.kill()
        writing.join()
        end = time.monotonic() + 60
        while value(engine, PENDING) and time.monotonic() < end:
            time.sleep(0.1)

    assert {row["status"] for row in rows(engine, "select status from bg.deliveries")} == {
        "delivered"
    }
    lines = [json.loads(line) for line in (tmp_path / "got").read_text().splitlines()]
    # As the standard has it: a receiver knows by the id what it had before.
    firsts = {message_id: (who, refresh) for message_id, who, refresh in reversed(lines)}
    order = dict.fromkeys(message_id for message_id, _, _ in lines)
    got: dict[str, list[str]] = {}
    for message_id in order:
        who, refresh = firsts[message_id]
        got.setdefault(who, []).append(refresh)
    wanted = [f"00000000-0000-4000-8000-{number:012}" for number in range(ROUNDS)]
    assert got == dict.fromkeys(COMPANIES, wanted)
    assert "Traceback" not in (tmp_path / "log").read_text()
