"""Making a backup while everything runs: Dagster's tables first, schema bg after them.

Each dump is of one moment; no snapshot spans two databases. The later one is the truth: all that
Dagster knows as done stands in it. The other way round a group could be lost that Dagster shows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

import sqlalchemy as sa

from bg_assets import encryption
from bg_assets.backups import archive, servers, transfer
from bg_assets.backups.archive import Manifest
from bg_assets.backups.servers import Databases
from bg_assets.embedded import clients
from bg_assets.instance.private import tables
from bg_assets.settings import Settings
from bg_assets.storage import audit, database
from bg_assets.storage.capture import watch
from bg_assets.writing import WholeFile

ACTION = "backup"
_MODE = 0o600
_ENCRYPTED = sa.text("""
    select exists (select from bg.webhook_secrets)
        or exists (select from bg.webhook_events where payload <> '')
""")


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that is in its place: what is in it, its bytes, and the seconds that it took."""

    manifest: Manifest
    size: int
    seconds: float


def make(
    path: Path, where: Databases, config: Settings, actor: str, progress: Callable[[int], None]
) -> Made:
    """Write both databases into one file, whole or not at all, closed to other users.

    Raises NoClients, TransferFailed, KeysUnusable, OSError, DatabaseUnreachable.
    """
    with servers.connected(where.dagster) as conn:
        there = servers.qualified(conn, tables.TABLES)
        of_dagster = clients.choose(clients.installed(), servers.major(conn))
    with servers.connected(where.bg) as conn:
        of_bg = clients.choose(clients.installed(), servers.major(conn))
        # What happened to triggers since the last look can't be told of restored ones.
        watch.keep_watch(conn, every=0)
        made_at = _now(conn)
    with WholeFile(path, _MODE, keep_mode=False) as file:
        keys = encryption.names(config)
        writer = archive.Writer(file.text.buffer)
        objects = [f"--table={table}" for table in there]
        dump = transfer.dump(of_dagster, where.dagster, objects) if there else iter(())
        writer.add(archive.DAGSTER, _told(dump, progress))
        with servers.connected(where.bg) as conn:
            revision = database.revision(conn) or ""
        dump = transfer.dump(of_bg, where.bg, ["--schema=bg"])
        writer.add(archive.BG, _told(dump, progress))
        with servers.connected(where.bg) as conn:
            encrypted = bool(conn.execute(_ENCRYPTED).scalar())
            ended_at = _now(conn)
        manifest = Manifest(
            made_at=made_at,
            schema=revision,
            dagster=metadata.version("dagster"),
            program=max(of_dagster.major, of_bg.major),
            tables=tuple(there),
            # Those of before and after: a rotation may end between the dumps.
            keys=tuple(dict.fromkeys((*encryption.names(config), *keys))),
            encrypted=encrypted,
        )
        writer.close(manifest)
    size = path.stat().st_size if path.is_file() else writer.size
    made = Made(manifest, size, (ended_at - made_at).total_seconds())
    with servers.connected(where.bg) as conn:
        told = {"bytes": made.size, "made_at": made_at.isoformat(), "seconds": made.seconds}
        audit.record(conn, actor, ACTION, path.name, detail=told)
    return made


def _now(conn: sa.Connection) -> datetime:
    now: datetime = conn.execute(sa.text("select clock_timestamp()")).scalar_one()
    return now


def _told(content: Iterator[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    for chunk in content:
        progress(len(chunk))
        yield chunk
