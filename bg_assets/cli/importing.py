"""`import companies|people FILE`: a file into the tables, all of it or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import click
import sqlalchemy as sa
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bg_assets import terminal
from bg_assets.cli import session
from bg_assets.files import mapping as mappings
from bg_assets.files.lines import BrokenFile
from bg_assets.files.reading import ImportFile, open_import
from bg_assets.files.rejects import RejectsWriter
from bg_assets.files.rows import Reject
from bg_assets.storage import database, imports
from bg_assets.storage.imports import Imported, Rejected

_ROWS_BETWEEN_UPDATES = 2000


@click.command("import")
@click.argument("kind", type=click.Choice(["companies", "people"]))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--map", "pairs", multiple=True, metavar='title="Job Title"', help="Repeatable.")
@click.option("--map-file", type=click.Path(path_type=Path), help="The same, one a line.")
@click.option("--ignore-unknown", is_flag=True, help="Leave out columns that are not known.")
@click.option("--workspace", default=None, help="Workspace of the companies in the file.")
@click.option("--full-snapshot", is_flag=True, help="Who is not in the file has left.")
@click.option("--allow-leavers", is_flag=True, help="... even if they are more than half.")
@click.option("--strict", is_flag=True, help="End with 1 where a row was rejected.")
@click.option("--json", "as_json", is_flag=True)
def import_file(
    kind: Literal["companies", "people"],
    file: Path,
    pairs: tuple[str, ...],
    map_file: Path | None,
    ignore_unknown: bool,
    workspace: str | None,
    full_snapshot: bool,
    allow_leavers: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Import companies or people from a CSV or CSV.gz file.

    Rejected rows go to FILE.rejects.csv with their reason; all others are in the tables when the
    command ends, or none of them. Control characters in texts become spaces.
    """
    _refuse_what_does_not_go_together(kind, workspace, full_snapshot, allow_leavers)
    with session.clear_errors():
        mapping = mappings.read_file(map_file) if map_file else {}
        mapping |= mappings.parse_options(pairs)
        if file.exists() and not file.is_file():
            session.fail(f"{file} can't be read twice: save it as a file first", session.USAGE)
        opened = open_import(file, kind, mapping, ignore_unknown)
    constants: dict[str, object] = {} if workspace is None else {"workspace": workspace.strip()}
    with opened, session.opened() as engine:
        try:
            done, rejected = _import(engine, opened, constants, full_snapshot, allow_leavers)
        except imports.TooManyLeavers as err:
            session.fail(str(err), session.FAILED)
    rejects = file.with_name(f"{file.name}.rejects.csv") if rejected.rows else None
    _say(kind, done, rejected, rejects, opened.cleaned, as_json)
    if strict and rejected.rows:
        raise SystemExit(session.FAILED)


def _refuse_what_does_not_go_together(
    kind: str, workspace: str | None, full_snapshot: bool, allow_leavers: bool
) -> None:
    if kind == "people" and workspace is not None:
        session.fail("--workspace goes with companies: people follow theirs", session.USAGE)
    if workspace is not None and not (workspace.strip() and workspace.isprintable()):
        session.fail("--workspace takes a name of printable characters", session.USAGE)
    if kind == "companies" and full_snapshot:
        session.fail("--full-snapshot goes with people; see untrack", session.USAGE)
    if allow_leavers and not full_snapshot:
        session.fail("--allow-leavers goes with --full-snapshot", session.USAGE)


def _import(
    engine: sa.Engine,
    opened: ImportFile,
    constants: dict[str, object],
    full_snapshot: bool,
    allow_leavers: bool,
) -> tuple[Imported, Rejected]:
    """The whole of it in one transaction. Raises TooManyLeavers and whatever reading raises."""
    kind, columns = opened.kind, (*opened.columns, *constants)
    # Whatever the database's default: what others write meanwhile is seen, not refused.
    committed = engine.execution_options(isolation_level="READ COMMITTED")
    # The rejects are in place before the commit: where these can't be written, nothing is imported.
    with (
        database.connect(committed) as conn,
        RejectsWriter(opened.path, opened.header) as rejects,
    ):
        with _reading(opened) as step:
            rows = _staged(opened, columns, constants)
            imports.stage(conn, kind, columns, _counted(rows, step))
        with session.working(f"writing {kind}"):
            rejected = imports.judge(conn, kind)
            if full_snapshot and rejected.without_id:
                _refuse_unreadable(rejected.without_id)
            for reject in opened.again(imports.reasons(conn)):
                rejects.write(reject)
            if rejects.count != rejected.rows:
                raise BrokenFile(f"{opened.path.name} changed while it was read: import it again")
            imports.wait_for_others(
                conn, lambda: session.say("waiting for another import to end ...")
            )
            done = imports.apply(
                conn,
                kind,
                columns,
                file=opened.path.name,
                full_snapshot=full_snapshot,
                allow_leavers=allow_leavers,
                again=lambda: session.say("another writer got in between: trying again ..."),
            )
    return done, rejected


def _staged(
    opened: ImportFile, columns: tuple[str, ...], constants: dict[str, object]
) -> Iterator[tuple[object, ...]]:
    """Line, reason and values of each row; of a rejected one the id, so that nobody is missed."""
    last = tuple(constants.values())
    before = columns.index("id")
    after = (None,) * (len(columns) - before - 1)
    for row in opened.rows():
        if isinstance(row, Reject):
            yield (row.line, row.reason, *(None,) * before, opened.key(row), *after)
        else:
            yield (row.line, None, *row.cells, *last)


def _counted(
    rows: Iterator[tuple[object, ...]], step: Callable[[], None]
) -> Iterator[tuple[object, ...]]:
    for number, row in enumerate(rows):
        if number % _ROWS_BETWEEN_UPDATES == 0:
            step()
        yield row


@contextmanager
def _reading(opened: ImportFile) -> Iterator[Callable[[], None]]:
    """A progress bar over the bytes of the file, where somebody watches."""
    bar = Progress(
        TextColumn("reading {task.fields[name]}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=terminal.messages,
        disable=not session.is_terminal(),
        transient=True,
    )
    with bar:
        task = bar.add_task("read", total=opened.size, name=opened.path.name)
        yield lambda: bar.update(task, completed=opened.position)


def _refuse_unreadable(records: int) -> None:
    """Whoever stands in a record that can't be read must not count as a leaver."""
    session.fail(
        f"{records} records have no readable id, so a full snapshot can't tell who "
        "left: mend the file, or import it without --full-snapshot",
        session.FAILED,
    )


def _say(
    kind: str,
    done: Imported,
    rejected: Rejected,
    rejects: Path | None,
    cleaned: int,
    as_json: bool,
) -> None:
    if as_json:
        terminal.print_json(
            {
                "kind": kind,
                "inserted": done.inserted,
                "updated": done.updated,
                "unchanged": done.unchanged,
                "left": done.left,
                "rejected": rejected.rows,
                "rejects_file": rejects and str(rejects),
                "cleaned": cleaned,
            }
        )
        return
    left = f", {done.left} left" if done.left else ""
    terminal.tell(
        f"{kind}: {done.inserted} new, {done.updated} changed, {done.unchanged} as before{left}, "
        f"{rejected.rows} rejected"
    )
    if cleaned:
        what = "1 value" if cleaned == 1 else f"{cleaned:,} values"
        session.say(f"control characters became spaces in {what}")
    if rejects:
        session.say(f"rejects and reasons: {rejects}")
