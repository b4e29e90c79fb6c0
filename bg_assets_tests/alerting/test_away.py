"""A database that is away is told without it, once, over restarts too; and so is its return."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bg_assets import encryption, process
from bg_assets.alerting import away
from bg_assets.alerting.watch import Watch
from bg_assets.domain.alerts.kinds import DATABASE_AWAY, GONE_SECONDS, KINDS
from bg_assets.embedded.databases import ensure_database
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.storage import database
from bg_assets_tests.alerting.scenes import settled_for
from bg_assets_tests.alerting.servers import Web
from bg_assets_tests.conftest import HOME_PREFIX, NOT_DURABLE, temporary_folder

KEY = f"database-away:{process.host()}"
LASTS = KINDS[DATABASE_AWAY].lasts


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedPostgres]:
    """A server of its own, which may be stopped, with our schema."""
    folder = temporary_folder(HOME_PREFIX)
    made = EmbeddedPostgres(folder, options=NOT_DURABLE)
    try:
        with made.acquire():
            url = made.url("bg_assets")
            ensure_database(url)
            database.migrate(url)
            (tmp_path / "home").mkdir()
            monkeypatch.setenv("BG_HOME", str(tmp_path / "home"))
            monkeypatch.setenv("BG_DATABASE_URL", url)
            monkeypatch.setenv("BG_DAGSTER_URL", url)
            monkeypatch.setenv("BG_ENCRYPTION_KEYS", encryption.new_key())
            yield made
    finally:
        made.destroy()
        shutil.rmtree(folder)


def told(vendor: Web, watch: Watch, seconds: float) -> list[tuple[str, str]]:
    """What the vendor is told by a look, so many seconds from the beginning."""
    before = len(vendor.requests)
    watch.ahead = timedelta(seconds=seconds)
    watch.round()
    return [(one["type"][6:], one["data"]["key"]) for one in vendor.documents[before:]]


@pytest.mark.slow
def test_a_database_that_stops_is_told_and_its_return_over_restarts_of_the_watch(
    server: EmbeddedPostgres, vendor: Web
) -> None:
    config = settled_for(vendor)
    first = Watch(config)
    assert told(vendor, first, 0) == []
    server.stop(force=True)
    assert told(vendor, first, 10) == []
    assert told(vendor, first, 10 + LASTS) == [("raised", KEY)]
    assert "does not answer" in vendor.documents[0]["data"]["said"]
    # Another process of this home knows what was told.
    second = Watch(config)
    assert told(vendor, second, 60 + LASTS) == []
    assert told(vendor, second, 4 * 3600 + 10 + LASTS) == [("again", KEY)]
    server.ensure()
    assert told(vendor, second, 4 * 3600 + 20 + LASTS) == []
    third = Watch(config)
    end = 4 * 3600 + 20 + LASTS + GONE_SECONDS
    assert told(vendor, third, end) == [("over", KEY)]
    assert told(vendor, third, end + 30) == []
    assert not (config.home / away.FILE).exists()


def test_a_file_that_can_not_be_written_keeps_the_alert_in_memory(
    vendor: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_DATABASE_URL", f"postgresql://x@/nothing?host={tmp_path}")
    monkeypatch.setenv("BG_HOME", str(tmp_path / "not" / "there"))
    watch = Watch(settled_for(vendor))
    assert told(vendor, watch, 0) == []
    assert told(vendor, watch, LASTS) == [("raised", KEY)]
    assert told(vendor, watch, LASTS + 30) == []


def test_a_channel_that_fails_is_tried_again_while_the_database_is_away(
    vendor: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_DATABASE_URL", f"postgresql://x@/nothing?host={tmp_path}")
    monkeypatch.setenv("BG_HOME", str(tmp_path))
    watch = Watch(settled_for(vendor))
    told(vendor, watch, 0)
    vendor.answers = [(503, {})]
    assert told(vendor, watch, LASTS) == [("raised", KEY)]
    assert told(vendor, watch, LASTS + 5) == []
    assert told(vendor, watch, LASTS + 30) == [("raised", KEY)]
    assert len({one.headers["webhook-id"] for one in vendor.requests}) == 1
    assert told(vendor, watch, LASTS + 60) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"alert": {"kind": 5}, "told": {}}', "\x00"])
def test_an_odd_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / away.FILE).write_text(text)
    assert away.load(tmp_path).alert is None
