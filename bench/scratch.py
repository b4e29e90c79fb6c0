"""A PostgreSQL of a bench's own, which is gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from bg_assets.embedded.databases import ensure_database
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.storage import database


@dataclass(frozen=True, slots=True)
class Scratch:
    """A server with schema bg in a folder that nobody else uses; ``engine`` leads to its tables."""

    folder: Path
    server: EmbeddedPostgres
    engine: sa.Engine


@contextmanager
def scratch(pool_size: int = 5) -> Iterator[Scratch]:
    """The tables of bg_assets, empty, as long as the context lasts."""
    with ExitStack() as stop:
        folder = Path(tempfile.mkdtemp(prefix="bg-bench-"))
        stop.callback(shutil.rmtree, folder)
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder / "home")
        stop.callback(server.destroy)
        stop.enter_context(server.acquire())
        url = server.url("bg_assets")
        ensure_database(url)
        database.migrate(url)
        engine = database.make_engine(url, pool_size=pool_size)
        stop.callback(engine.dispose)
        yield Scratch(folder, server, engine)
