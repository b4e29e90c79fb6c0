"""`import companies|people FILE`: a file into the tables, all of it or nothing."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import click
import sqlalchemy as sa
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bg_assets import settings, terminal
from bg_assets.cli import import_report, import_search, session
from bg_assets.cli.import_report import Outcome, Snapshot
from bg_assets.cli.import_search import Staging
from bg_assets.files import mapping as mappings
from bg_assets.files.header import Kind
from bg_assets.files.lines import BrokenFile
from bg_assets.files.reading import ImportFile, open_import
from bg_assets.files.rejects import RejectsWriter
from bg_assets.files.rows import Reject
from bg_assets.storage import database, import_results, imports
from bg_assets.storage.capture import attached
from bg_assets.storage.imports import Rejected
from bg_assets.storage.recognition import rows as recognition
from bg_assets.storage.recognition.search import Search

_ROWS_BETWEEN_UPDATES = 2000
_SNAPSHOT_OF_FILE = "--full-snapshot=companies"
# In the document of a dry run.
_REASONS_TOLD = 1000


@dataclass(frozen=True, slots=True)
class _Task:
    """How a file is to be imported, besides what is in it."""

    workspace: str | None
    create_companies: bool | None
    full_snapshot: Snapshot | None
    allow_leavers: bool
    allow_erased: bool
    dry_run: bool

    @property
    def everywhere(self) -> bool:
        return self.full_snapshot == "all"

    @property
    def constants(self) -> dict[str, object]:
        return {} if self.workspace is None else {"workspace": self.workspace}


class _Import(click.Command):
    """Takes `--full-snapshot` alone or with `all` behind it, whatever follows."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        joined: list[str] = []
        for one in args:
            if one == "all" and joined and joined[-1] == _SNAPSHOT_OF_FILE:
                joined[-1] = "--full-snapshot=all"
            else:
                joined.append(_SNAPSHOT_OF_FILE if one == "--full-snapshot" else one)
        return super().parse_args(ctx, joined)


@click.command("import", cls=_Import)
@click.argument("kind", type=click.Choice(["companies", "people"]))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar='title="Job Title"',
    help='Our column = yours; joined: name="First Name"+"Last Name". Repeatable.',
)
@click.option(
    "--map-file",
    type=click.Path(path_type=Path),
    help='The same from a file, one a line: title="Job Title", or as YAML: title: "Job Title".',
)
@click.option(
    "--ignore-unknown",
    is_flag=True,
    help="Leave out columns that are not known, those too that may be ours and misspelt.",
)
@click.option("--workspace", default=None, help="Workspace of the companies in the file.")
@click.option(
    "--source",
    metavar="NAME",
    help="Ids in the file are those of this source, like crm: people and companies keep ids of our "
    "own, and are known again by the source's, an e-mail, a domain, or company and name. Unsaid it "
    "is the system whose export the file is, if it is one.",
)
@click.option(
    "--create-companies/--no-create-companies",
    default=None,
    help="Create the companies that people name and nobody knows; unsaid: if there are none yet.",
)
@click.option(
    "--full-snapshot",
    type=click.Choice(["companies", "all"]),
    metavar="[all]",
    help="The file names everybody at the companies in it, or with `all` at all companies: who is "
    "not in it has left.",
)
@click.option("--allow-leavers", is_flag=True, help="... even if they are more than half.")
@click.option("--allow-erased", is_flag=True, help="Take people, too, who were erased here.")
@click.option("--dry-run", is_flag=True, help="Show what would come of it; write nothing.")
@click.option("--date-format", metavar="DD/MM/YYYY", help="How days are written in the file.")
@click.option("--encoding", metavar="cp1252", help="Of the file, where its bytes don't tell.")
@click.option("--sheet", metavar="NAME", help="Of a workbook, by name or number, if several.")
@click.option(
    "--strict",
    is_flag=True,
    help="Refuse columns that are not known; end with 1 where a row was rejected.",
)
@click.option("--json", "as_json", is_flag=True)
def import_file(
    kind: Kind,
    file: Path,
    pairs: tuple[str, ...],
    map_file: Path | None,
    ignore_unknown: bool,
    workspace: str | None,
    source: str | None,
    create_companies: bool | None,
    full_snapshot: Snapshot | None,
    allow_leavers: bool,
    allow_erased: bool,
    dry_run: bool,
    date_format: str | None,
    encoding: str | None,
    sheet: str | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Import companies or people from CSV, JSON lines (.jsonl), .xlsx or .parquet.

    The first two may be packed as .gz. Commas, semicolons, tabs and bars are understood, lines
    before the header are passed over, and what is not UTF-8 is told. Workbooks need the extra
    `excel`, Parquet needs `parquet`.

    No ids are needed: without them, or with --source, rows are known again by what else they tell.
    Columns are found by our names, whatever their case and signs, and by those of known CRMs and
    lists (`bg-assets headers`); others are ignored, and named. Rejected rows go to FILE.rejects.csv
    with their reason; all others are in the tables when the command ends, or none of them. A value
    that can't be read, where none is required, is stored as unknown, and its row is in
    FILE.rejects.csv as kept. Control characters in texts become spaces.
    """
    _refuse_what_does_not_go_together(kind, workspace, full_snapshot, allow_leavers)
    if kind == "companies" and (create_companies is not None or allow_erased):
        what = "--allow-erased" if allow_erased else "--create-companies"
        session.fail(f"{what} goes with people", session.USAGE)
    source = import_search.check_source(source)
    with session.clear_errors():
        mapping = mappings.read_file(map_file) if map_file else {}
        mapping |= mappings.parse_options(pairs)
        _refuse_what_is_read_once(file)
        headers = settings.read().headers
        opened = open_import(
            file, kind, mapping, ignore_unknown, headers, date_format, encoding, sheet, source,
            strict=strict,
        )  # fmt: skip
    workspace = workspace and workspace.strip()
    task = _Task(
        workspace, create_companies, full_snapshot, allow_leavers, allow_erased, dry_run
    )  # fmt: skip
    with opened, session.opened() as engine:
        with database.connect(engine) as conn:
            if refused := _refused(conn, kind, bool(full_snapshot)):
                session.fail(f"nothing was imported: {refused}", session.USAGE)
        try:
            outcome = _foretold(engine, opened, task) if dry_run else _import(engine, opened, task)
        except imports.TooManyLeavers as err:
            session.fail(str(err), session.FAILED)
    import_report.tell(opened, outcome, as_json)
    if outcome.nothing_taken or (strict and outcome.rejected.rows):
        raise SystemExit(session.FAILED)


def _refuse_what_is_read_once(file: Path) -> None:
    if str(file) == "-" or (file.exists() and not file.is_file()):
        session.fail(f"{file} can't be read twice: save it as a file first", session.USAGE)


def _refused(conn: sa.Connection, kind: Kind, full_snapshot: bool) -> str | None:
    """Why no such file is taken while a table is attached; what it says of people is kept beside
    one that is only read."""
    refused = attached.refusal(conn, kind)
    one = attached.read(conn).get(kind)
    if one is None or kind == "companies" or one.writes is not None:
        return refused
    if full_snapshot:
        return f"who is there is for {one.on_table} to say, which is attached: not --full-snapshot"
    session.say(f"{one.on_table} is attached: what this file says is kept beside it")
    return None


def _refuse_what_does_not_go_together(
    kind: str, workspace: str | None, full_snapshot: Snapshot | None, allow_leavers: bool
) -> None:
    if workspace is not None and not (workspace.strip() and workspace.isprintable()):
        session.fail("--workspace takes a name of printable characters", session.USAGE)
    if kind == "companies" and full_snapshot:
        session.fail("--full-snapshot goes with people; see untrack", session.USAGE)
    if allow_leavers and not full_snapshot:
        session.fail("--allow-leavers goes with --full-snapshot", session.USAGE)


def _import(engine: sa.Engine, opened: ImportFile, task: _Task) -> Outcome:
    """The whole of it in one transaction. Raises TooManyLeavers and whatever reading raises."""
    kind = opened.kind
    # Whatever the database's default: what others write meanwhile is seen, not refused.
    committed = engine.execution_options(isolation_level="READ COMMITTED")
    # The rejects are in place before the commit: where these can't be written, nothing is imported.
    with (
        database.connect(committed) as conn,
        RejectsWriter(opened.path, opened.header) as rejects,
    ):
        search = _search(conn, opened, task)
        staging = import_search.staging(opened, search, task.constants)
        rejected = _judged(conn, opened, task, staging, search)
        with session.working(f"writing {kind}"):
            told = _written(opened.again(imports.reasons(conn)), rejects)
            if rejects.count != rejected.rows + rejected.kept:
                raise BrokenFile(f"{opened.path.name} changed while it was read: import it again")
            imports.wait_for_others(conn, _say_waiting)
            done = imports.apply(
                conn,
                kind,
                staging.columns,
                file=opened.path.name,
                search=search,
                full_snapshot=task.full_snapshot is not None,
                everywhere=task.everywhere,
                allow_leavers=task.allow_leavers,
                allow_erased=task.allow_erased,
                again=lambda: session.say("another writer got in between: trying again ..."),
            )
            interval = session.settings_in_force(conn, "BG_REFRESH_INTERVAL").refresh_interval
            waiting = import_results.waiting(conn, kind, interval, everywhere=task.everywhere)
            named = import_results.named(conn) if task.full_snapshot else None
            recognised = recognition.counted(conn, search) if search else None
    return Outcome(
        done,
        rejected,
        rejects.path if rejects.count else None,
        reasons=told,
        waiting=waiting,
        snapshot=task.full_snapshot,
        named=named,
        search=search,
        recognised=recognised,
    )


def _written(found: Iterable[Reject], rejects: RejectsWriter) -> tuple[tuple[int, str], ...]:
    """Puts all in the file, and gives lines and reasons of the first that are not stored."""
    first = list[tuple[int, str]]()
    for reject in found:
        rejects.write(reject)
        stored = reject.reason.startswith(imports.KEPT)
        if not stored and len(first) < import_report.REJECTS_SHOWN_BESIDE_FILE:
            first.append((reject.line, reject.reason))
    return tuple(first)


def _foretold(engine: sa.Engine, opened: ImportFile, task: _Task) -> Outcome:
    """What would come of it just now; the transaction that finds it out is undone."""
    with database.connect(engine) as conn:
        search = _search(conn, opened, task)
        staging = import_search.staging(opened, search, task.constants)
        columns = staging.columns
        rejected = _judged(conn, opened, task, staging, search)
        with session.working("comparing"):
            done = imports.foretell(
                conn,
                opened.kind,
                columns,
                full_snapshot=task.full_snapshot is not None,
                everywhere=task.everywhere,
                allow_leavers=task.allow_leavers,
            )
            rows = imports.first_rows(conn, columns, import_report.ROWS_SHOWN)
            if search is not None:
                rows = list(recognition.without_new_ids(conn, rows))
            reasons = tuple(islice(imports.reasons(conn), _REASONS_TOLD))
            named = import_results.named(conn) if task.full_snapshot else None
            recognised = recognition.counted(conn, search) if search else None
        conn.rollback()
    return Outcome(
        done,
        rejected,
        rows=tuple(rows),
        reasons=reasons,
        snapshot=task.full_snapshot,
        named=named,
        search=search,
        recognised=recognised,
    )


def _search(conn: sa.Connection, opened: ImportFile, task: _Task) -> Search | None:
    found = import_search.search(conn, opened, task.workspace, task.create_companies)
    return found and replace(found, allow_erased=task.allow_erased)


def _say_waiting() -> None:
    session.say("waiting for another import to end ...")


def _judged(
    conn: sa.Connection, opened: ImportFile, task: _Task, staging: Staging, search: Search | None
) -> Rejected:
    """Stage all rows of the file, find whom they mean, and which of them are rejected."""
    with _reading(opened) as step:
        rows = _counted(staging.rows(opened), step)
        imports.stage(conn, opened.kind, staging.columns, rows, beside=staging.beside)
    if search is not None and not task.dry_run:
        imports.wait_for_others(conn, _say_waiting, searching=True)
    with session.working(f"looking through {opened.kind}"):
        rejected = imports.judge(conn, opened.kind, search, allow_erased=task.allow_erased)
    if task.full_snapshot and rejected.without_id:
        _refuse_unreadable(rejected.without_id)
    return rejected


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
        f"{records} records have no readable id, or don't tell whom they mean, so a full snapshot "
        "can't tell who left: mend the file, or import it without --full-snapshot",
        session.FAILED,
    )
