"""`backup` and `restore`: both databases in one file, and back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import click
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from bg_assets import settings, terminal
from bg_assets.backups import making, restoring
from bg_assets.backups.archive import Archive, NoBackup
from bg_assets.backups.servers import Databases
from bg_assets.backups.transfer import TransferFailed
from bg_assets.cli import lookups, session
from bg_assets.embedded.clients import NoClients
from bg_assets.embedded.databases import ensure_database
from bg_assets.local import programs
from bg_assets.storage import database

_Told = Callable[[int], None]


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def backup(file: Path, as_json: bool) -> None:
    """Write schema bg and Dagster's tables to FILE, while everything runs.

    FILE appears whole or not at all, replaces what was there, and is closed to other users: names
    and addresses are in it. The keys are not, only what tells them apart: keep them elsewhere.
    Needs pg_dump of the server's version, which the embedded PostgreSQL brings along.
    """
    with session.opened(), _errors():
        config = settings.read()
        where = Databases(database.bg_url(), database.dagster_url())
        with _bar("dumping", None) as told:
            made = making.make(file, where, config, lookups.who_types(), told)
    if as_json:
        known = {"bytes": made.size, "seconds": made.seconds, **asdict(made.manifest)}
        terminal.print_json({"file": str(file), **known})
    session.say(f"{decimal(made.size)} written to {file} in {made.seconds:.1f} s")
    if made.manifest.encrypted and not made.manifest.keys:
        session.say(
            "BG_ENCRYPTION_KEYS is not set here, so the backup can't tell which keys open what "
            "webhooks brought: keep them with it"
        )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--check", is_flag=True, help="Only read FILE and tell what is in it.")
@click.option("--replace", is_flag=True, help="Drop what the databases hold.")
@click.option("--without-keys", is_flag=True, help="Though keys that open it are lost.")
@click.option("--json", "as_json", is_flag=True, help="Print what is in it, and was done, as JSON.")
def restore(file: Path, check: bool, replace: bool, without_keys: bool, as_json: bool) -> None:
    """Put what FILE holds into the databases, which must be empty and used by nobody.

    FILE is read to its end first. Each database is replaced in one transaction: what goes wrong
    leaves it as it was. Refreshes that were under way are asked for anew, so start everything as
    usual afterwards. A backup holds statements that are carried out: restore only what you trust.
    """
    with session.clear_errors(), _errors(), Archive(file) as archive:
        config = settings.read()
        with _bar("reading", archive.size) as told:
            archive.verify(told)
        known = {"file": str(file), "bytes": file.stat().st_size, **asdict(archive.manifest)}
        if check:
            _tell_known(known, as_json)
            return
        restoring.check_version(archive, metadata.version("dagster"))
        if not without_keys:
            restoring.check_keys(archive, config)
        # Nobody starts everything meanwhile.
        with programs.only_one(config.home):
            where = _databases()
            restoring.check_target(where, replace=replace)
            with _bar("restoring", archive.size) as told:
                done = restoring.restore(archive, where, lookups.who_types(), told)
    if as_json:
        terminal.print_json({**known, **asdict(done)})
    for line in done.migrated:
        session.say(line)
    session.say(
        f"restored as of {archive.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC; under way then: "
        f"refreshes asked for anew {done.refreshes_asked}, runs ended {done.runs_ended}"
    )


def _databases() -> Databases:
    """Where the two are, made where they are missing."""
    url = database.bg_url()
    ensure_database(url)
    return Databases(url, database.dagster_url())


def _tell_known(known: dict[str, object], as_json: bool) -> None:
    if as_json:
        terminal.print_json(known)
        return
    terminal.tell(
        f"whole: made at {known['made_at']:%Y-%m-%d %H:%M:%S} UTC, schema {known['schema']}, "
        f"Dagster {known['dagster']}, PostgreSQL's programs {known['program']}"
    )


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[_Told]:
    """A bar for bytes, where somebody watches; without a total it only counts them."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(
        *columns,
        console=terminal.messages,
        disable=not session.is_terminal(),
        transient=True,
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda number: bar.advance(task, number)


@contextmanager
def _errors() -> Iterator[None]:
    """Errors of this kind as one line and an exit code."""
    try:
        yield
    except (restoring.Refused, programs.CannotStart, NoClients) as err:
        session.fail(str(err), session.USAGE)
    except (NoBackup, TransferFailed) as err:
        session.fail(str(err), session.FAILED)
