"""`import companies|people FILE`: a file into the tables, all of it or nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bg_assets.cli import session
from bg_assets.files import mapping as mappings
from bg_assets.files.reading import ImportFile, open_import
from bg_assets.files.rejects import RejectsWriter
from bg_assets.files.rows import Reject
from bg_assets.storage import database, imports


@dataclass(slots=True)
class Seen:
    """What went by while a file was read: rejects by line, and the ids of rejected records."""

    rejects: dict[int, str] = field(default_factory=dict)
    rejected_ids: list[str] = field(default_factory=list)
    unreadable: int = 0


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
    command ends, or none of them.
    """
    if kind == "people" and workspace is not None:
        session.fail("--workspace goes with companies: people follow theirs", session.USAGE)
    if kind == "companies" and full_snapshot:
        session.fail("--full-snapshot goes with people; see untrack", session.USAGE)
    with session.clear_errors():
        mapping = mappings.read_file(map_file) if map_file else {}
        mapping |= mappings.parse_options(pairs)
        opened = open_import(file, kind, mapping, ignore_unknown)
    constants: dict[str, object] = {} if workspace is None else {"workspace": workspace}
    with session.opened() as engine, opened, RejectsWriter(file, opened.header) as rejects:
        seen = Seen()
        try:
            with database.connect(engine) as conn:
                columns = (*opened.columns, *constants)
                imports.stage(conn, kind, columns, _values(opened, seen, constants))
                seen.rejects |= imports.reject_staged(conn, kind)
                if full_snapshot:
                    _refuse_unreadable(seen)
                    imports.protect(conn, seen.rejected_ids)
                done = imports.apply(
                    conn, kind, columns,
                    full_snapshot=full_snapshot, allow_leavers=allow_leavers,
                )  # fmt: skip
                # Before the commit: where these can't be written, nothing is imported.
                if seen.rejects:
                    for reject in opened.again(seen.rejects):
                        rejects.write(reject)
                rejects.close()
        except imports.TooManyLeavers as err:
            session.fail(str(err), session.FAILED)
    _say(kind, done, seen, rejects.path, as_json)
    if strict and seen.rejects:
        raise SystemExit(session.FAILED)


def _values(
    opened: ImportFile, seen: Seen, constants: dict[str, object]
) -> Iterator[tuple[object, ...]]:
    """The line and the values of each good row, the constants last."""
    bar = Progress(
        TextColumn("reading {task.fields[name]}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=session.messages,
        disable=not session.is_terminal(),
        transient=True,
    )
    with bar:
        task = bar.add_task("read", total=opened.size, name=opened.path.name)
        for number, row in enumerate(opened.rows()):
            if number % 2000 == 0:
                bar.update(task, completed=opened.position)
            if isinstance(row, Reject):
                _remember(row, opened, seen)
            else:
                yield (row.line, *row.cells, *constants.values())


def _remember(reject: Reject, opened: ImportFile, seen: Seen) -> None:
    seen.rejects[reject.line] = reject.reason
    person = opened.key(reject)
    if person is None:
        seen.unreadable += 1
    else:
        seen.rejected_ids.append(person)


def _refuse_unreadable(seen: Seen) -> None:
    """Whoever stands in a record that can't be read must not count as a leaver."""
    if seen.unreadable:
        session.fail(
            f"{seen.unreadable} records have no readable id, so a full snapshot can't tell who "
            "left: mend the file, or import it without --full-snapshot",
            session.FAILED,
        )


def _say(kind: str, done: imports.Imported, seen: Seen, rejects: Path, as_json: bool) -> None:
    if as_json:
        session.print_json(
            {
                "kind": kind,
                "inserted": done.inserted,
                "updated": done.updated,
                "unchanged": done.unchanged,
                "left": done.left,
                "rejected": len(seen.rejects),
                "rejects_file": str(rejects) if seen.rejects else None,
            }
        )
        return
    left = f", {done.left} left" if done.left else ""
    click.echo(
        f"{kind}: {done.inserted} new, {done.updated} changed, {done.unchanged} as before{left}, "
        f"{len(seen.rejects)} rejected"
    )
    if seen.rejects:
        session.messages.print(f"rejects and reasons: {session.escape(str(rejects))}")
