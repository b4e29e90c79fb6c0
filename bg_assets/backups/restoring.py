"""Putting a backup in place of what a database holds: each database in one transaction.

Dagster's tables come first, and all runs in them that were under way are over before schema bg is
there: whatever ends this early, no run finds a refresh to work on. Refreshes that were under way
are asked for anew, as their next attempt, which counts as none of those they may have.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets import encryption
from bg_assets.backups import servers, transfer
from bg_assets.backups.archive import BG, DAGSTER, Archive, NoBackup
from bg_assets.backups.servers import Databases
from bg_assets.embedded import clients
from bg_assets.embedded.clients import Clients
from bg_assets.instance.private import tables
from bg_assets.settings import Settings
from bg_assets.storage import audit, claims, database, refreshes
from bg_assets.storage.capture import watch

ACTION = "restore"
_OVER = "restored from a backup, in which it was under way"
# Who holds a lock on what is to be replaced is not waited for: sessions were looked for.
_NO_WAITING = "set local lock_timeout = '10s';"
_GONE_SECONDS = 1.0
# No outage uses up an attempt, so the number of those allowed does not matter.
_ANY_NUMBER = 1
_TABLES_OF_BG = sa.text("""
    select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'bg' order by 1
""")


class Refused(Exception):
    """The backup is not restored, and nothing was touched; the message says what is in the way."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done, a line each, and how much is asked for or was ended that was under way."""

    migrated: tuple[str, ...]
    runs_ended: int
    refreshes_asked: int


def check_keys(archive: Archive, config: Settings) -> None:
    """Raises Refused where a key is not here that opens what is in the backup; KeysUnusable."""
    missing = set(archive.manifest.keys) - set(encryption.names(config))
    if archive.manifest.encrypted and missing:
        place = (
            "BG_ENCRYPTION_KEYS"
            if config.database_url or config.encryption_keys
            else str(config.home / encryption.FILE)
        )
        raise Refused(
            f"{len(missing)} of the {len(archive.manifest.keys)} keys of that installation are not "
            f"here, and what webhooks brought can't be read without: put them into {place} first, "
            "or restore with --without-keys, if they are lost"
        )


def check_version(archive: Archive, installed: str) -> None:
    """Raises Refused where a newer bg_assets or Dagster made it. ``installed``: Dagster's here."""
    manifest = archive.manifest
    if not database.is_known(manifest.schema):
        raise Refused(
            f"its schema bg ({manifest.schema or 'none'}) is not one that this code knows: install "
            "the bg_assets that made it, or a newer one"
        )
    if _numbers(manifest.dagster) > _numbers(installed):
        raise Refused(
            f"it was made with Dagster {manifest.dagster}, and here is {installed}: install that "
            "version, or a newer one"
        )


def check_target(where: Databases, *, replace: bool) -> None:
    """Raises Refused where something runs on the databases or, without ``replace``, holds data."""
    with servers.connected(where.bg) as conn:
        full, dependents = servers.rows_of_bg(conn), servers.dependents(conn)
    with servers.connected(where.dagster) as conn:
        full += ["Dagster's runs"] if servers.has_runs(conn) else []
    if using := _sessions(where):
        raise Refused(
            f"sessions are open on the databases ({', '.join(using)}): stop what uses them on "
            "every machine, receivers too"
        )
    if full and not replace:
        raise Refused(
            f"there is something in the target already ({', '.join(full)}): name an empty one, or "
            "restore with --replace, which drops all that is there"
        )
    if dependents:
        raise Refused(
            f"others' objects stand on schema bg and would be dropped ({', '.join(dependents)}): "
            "drop them first, and make them again afterwards"
        )


def restore(
    archive: Archive, where: Databases, actor: str, progress: Callable[[int], None]
) -> Restored:
    """Replace what the databases of the settings hold. All checks are the caller's.

    Raises NoClients before anything is touched; NoBackup, TransferFailed and DatabaseUnreachable
    leave each database as it was or as it is in the backup: restore again then.
    """
    # Dagster takes seconds to import: only here.
    from bg_assets.instance import restored

    programs = {name: _clients(url, archive) for name, url in _targets(where).items()}
    plain = [table for table in archive.manifest.tables if servers.is_plain(table)]
    if len(plain) != len(archive.manifest.tables):
        raise NoBackup("the backup names tables that Dagster has not")
    with servers.connected(where.dagster) as conn:
        there = servers.qualified(conn, tables.TABLES)
    drops = [f"drop table if exists {table} cascade;" for table in sorted({*there, *plain})]
    dump = _told(archive.read(DAGSTER), progress) if plain else None
    transfer.load(programs[DAGSTER], where.dagster, _before(*drops), dump)
    ended = restored.end_runs(_OVER)
    dump = _told(archive.read(BG), progress)
    transfer.load(programs[BG], where.bg, _before("drop schema if exists bg cascade;"), dump)
    with servers.connected(where.bg) as conn:
        watch.take_as_written(conn)
    migrated = database.migrate(where.bg)
    with servers.connected(where.bg) as conn:
        asked = _ask_anew(conn)
        made_at = archive.manifest.made_at.isoformat()
        audit.record(conn, actor, ACTION, None, detail={"made_at": made_at, "asked": asked})
    _count_rows(where, plain)
    return Restored(tuple(migrated), ended, asked)


def _sessions(where: Databases) -> list[str]:
    """Who uses the databases; what was stopped just now has a second to be gone."""
    end = time.monotonic() + _GONE_SECONDS
    while True:
        using = []
        for url in dict.fromkeys((where.bg, where.dagster)):
            with servers.connected(url) as conn:
                using += servers.sessions(conn)
        if not using or time.monotonic() > end:
            return using
        time.sleep(0.1)


def _targets(where: Databases) -> dict[str, str]:
    return {DAGSTER: where.dagster, BG: where.bg}


def _clients(url: str, archive: Archive) -> Clients:
    with servers.connected(url) as conn:
        server = servers.major(conn)
    return clients.choose(clients.installed(), server, archive.manifest.program)


def _before(*statements: str) -> str:
    return "\n".join([_NO_WAITING, *statements])


def _ask_anew(conn: sa.Connection) -> int:
    """Give back the changes of all refreshes under way; their next attempts wait for their turn."""
    now = claims.database_now(conn)
    held = [pair for one in refreshes.under_way(conn) for pair in one.refreshes]
    again, _ = refreshes.release(conn, held, _OVER, now, _ANY_NUMBER, outage=True)
    # The processes of where it was saved are none of this system.
    conn.exec_driver_sql("delete from bg.workers")
    return len(again)


def _count_rows(where: Databases, tables_of_dagster: list[str]) -> None:
    """Let the server look at what it was given: plans made on no figures are slow ones."""
    with servers.connected(where.bg) as conn:
        for table in conn.execute(_TABLES_OF_BG).scalars().all():
            conn.exec_driver_sql(f"analyze {table}")
    with servers.connected(where.dagster) as conn:
        for table in tables_of_dagster:
            conn.exec_driver_sql(f"analyze {table}")


def _told(content: Iterator[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    for chunk in content:
        progress(len(chunk))
        yield chunk


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
