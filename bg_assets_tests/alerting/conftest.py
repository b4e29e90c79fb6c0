"""A server that stands for vendors, and an installation without rows to watch."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bg_assets import encryption
from bg_assets_tests.alerting import servers
from bg_assets_tests.alerting.servers import Web


@pytest.fixture
def vendor() -> Iterator[Web]:
    """An HTTP server of this machine."""
    with servers.web() as made:
        yield made


@pytest.fixture
def installation(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The variables of an installation on a fresh database, whose URL it is."""
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    monkeypatch.setenv("BG_DAGSTER_URL", database_url)
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", encryption.new_key())
    monkeypatch.setenv("BG_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return database_url
