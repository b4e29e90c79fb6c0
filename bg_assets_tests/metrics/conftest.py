"""An exporter on a fresh database, in this process, and one as a user starts it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from bg_assets import settings
from bg_assets.local.programs import free_port
from bg_assets.metrics import collector, server
from bg_assets.metrics.link import Link
from bg_assets_tests.metrics.scraped import Samples, parsed

Running = tuple["Exporter", "subprocess.Popen[bytes]"]
Exporting = Callable[..., AbstractContextManager[Running]]


@dataclass(frozen=True, slots=True)
class Exporter:
    """Where one listens."""

    url: str

    def get(self, path: str = "/metrics") -> requests.Response:
        """What it answers."""
        return requests.get(self.url + path, timeout=10)

    def scrape(self) -> Samples:
        """All samples that it tells."""
        return parsed(self.get().text)


@pytest.fixture
def environment(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The variables of an exporter on a fresh database, set here too."""
    found = {
        "BG_DATABASE_URL": database_url,
        # Where no daemon ever ran; else a second database would be made.
        "BG_DAGSTER_URL": database_url,
        "BG_HOME": str(tmp_path / "home"),
        "BG_METRICS_PORT": str(free_port()),
    }
    for name, text in found.items():
        monkeypatch.setenv(name, text)
    return found


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is told twice."""
    for name in ("QUICK", "SLOW"):
        sections = tuple(replace(one, every=0.0) for one in getattr(collector, name))
        monkeypatch.setattr(collector, name, sections)


@pytest.fixture
def exporter(environment: dict[str, str]) -> Iterator[Exporter]:
    """An exporter on a thread of this process."""
    config = settings.read()
    link = Link(config)
    with server.serving(config, link) as url:
        yield Exporter(url.removesuffix("/metrics"))
    link.close()


@pytest.fixture
def exporting(environment: dict[str, str]) -> Exporting:
    """Runs one as a process of its own, with further variables, until a block ends."""

    @contextmanager
    def run(log: Path, **more: str) -> Iterator[Running]:
        env = {**os.environ, **environment, **more}
        command = Path(sys.executable).with_name("bg-assets")
        with log.open("wb") as out:
            process = subprocess.Popen([command, "metrics"], env=env, stdout=out, stderr=out)
        try:
            yield Exporter(f"http://127.0.0.1:{env['BG_METRICS_PORT']}"), process
        finally:
            process.kill()
            process.wait()

    return run
