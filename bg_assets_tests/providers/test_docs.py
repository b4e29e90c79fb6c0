"""The provider that docs/providers.md shows works as it stands there."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bg_assets import settings
from bg_assets.domain.enrichment.asking import (
    Answer,
    NotChecked,
    PermanentFailure,
    Provider,
    TemporaryFailure,
)
from bg_assets.domain.enrichment.likeness import Verdict, person_likeness
from bg_assets.providers.chosen import chosen
from bg_assets.providers.csv_rows import Observation
from bg_assets_tests.providers.questions import ABOUT_ADA, ABOUT_VANE, ADA

PAGE = settings.PROJECT / "docs/providers.md"
ENTRY = {
    "number": 7,
    "name": "Ada Quill",
    "position": "CFO",
    "email": ADA.email,
    "active": True,
}


class _Directory(BaseHTTPRequestHandler):
    code, body = 200, b""

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self.send_response(self.code)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)


@pytest.fixture
def directory() -> Iterator[type[_Directory]]:
    class Directory(_Directory):
        pass

    with HTTPServer(("127.0.0.1", 0), Directory) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        Directory.port = server.server_address[1]  # type: ignore[attr-defined]
        yield Directory
        server.shutdown()


@pytest.fixture
def provider(
    directory: type[_Directory], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Provider:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "directory.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "directory", raising=False)
    port = directory.port  # type: ignore[attr-defined]
    monkeypatch.setenv("DIRECTORY_URL", f"http://127.0.0.1:{port}")
    return chosen(settings.read({"BG_PROVIDERS": "directory:StaffDirectory"}))["directory"]


def test_it_answers(provider: Provider, directory: type[_Directory]) -> None:
    directory.body = json.dumps(ENTRY).encode()
    assert provider.price(ABOUT_ADA) == 0
    (found,) = provider.ask(ABOUT_ADA, 5).people
    assert (found.title, found.employed_there) == ("CFO", True)
    assert person_likeness(ABOUT_ADA, found).verdict is Verdict.SAME


def test_it_tells_its_failures_apart(provider: Provider, directory: type[_Directory]) -> None:
    directory.code = 404
    assert provider.ask(ABOUT_ADA, 5) == Answer()
    directory.code = 503
    with pytest.raises(TemporaryFailure):
        provider.ask(ABOUT_ADA, 5)
    directory.code, directory.body = 200, b"[]"
    with pytest.raises(PermanentFailure):
        provider.ask(ABOUT_ADA, 5)
    assert provider.price(ABOUT_VANE) is None
    with pytest.raises(NotChecked):
        provider.ask(replace(ABOUT_ADA, person=replace(ADA, email=None)), 5)


def test_the_page_names_every_column_of_a_file_of_observations() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for column in Observation.__dataclass_fields__:
        assert column == "line" or re.search(rf"\b{column}\b", page), column
