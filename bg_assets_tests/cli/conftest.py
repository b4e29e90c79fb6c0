"""The command on a fresh database, by the variables that a user would set."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bg_assets import encryption
from bg_assets_tests.cli.command import Command


@pytest.fixture
def bg(
    database_url: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """bg-assets on a migrated database without rows."""
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    # Where no daemon ever ran; else a second database would be made.
    monkeypatch.setenv("BG_DAGSTER_URL", database_url)
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", encryption.new_key())
    monkeypatch.setenv("BG_HOME", str(tmp_path / "home"))
    before = signal.getsignal(signal.SIGTERM)
    yield Command(engine, tmp_path)
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def unused_port() -> int:
    """A port on which nothing listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
