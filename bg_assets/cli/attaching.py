"""`attach` and `detach`: people and companies in a table of somebody else's."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NoReturn

import click
import sqlalchemy as sa
from psycopg2.errors import LockNotAvailable
from rich.table import Table as Grid

from bg_assets import terminal
from bg_assets.cli import lookups, session
from bg_assets.domain.values.columns import COMPANIES, PEOPLE, named
from bg_assets.files import mapping as mappings
from bg_assets.storage import database
from bg_assets.storage.attach import attaching, catalog, choosing, through, writable
from bg_assets.storage.attach.attaching import ROWS_SHOWN, Preview
from bg_assets.storage.attach.catalog import CannotAttach, Table
from bg_assets.storage.attach.choosing import Choice
from bg_assets.storage.attach.writable import Writes
from bg_assets.storage.capture import attached, observed

Kind = Literal["people", "companies"]
_KINDS = click.Choice(["people", "companies"])
# What looks for people and companies by a column that no index is needed for.
_READS = {
    "email": "an event about somebody known by their e-mail",
    "domain": "an event or a file that names a company by its domain",
    "start_date": "each day's look for who starts",
    "end_date": "each day's look for who has left",
}
_SHOWN = {
    "people": ("id", "company_id", "name", "title", "department", "seniority", "email", "status"),
    "companies": ("id", "name", "domain", "industry", "employee_min", "employee_max", "country"),
}


@click.command()
@click.argument("kind", type=_KINDS, required=False)
@click.option("--table", "wanted", metavar="SCHEMA.TABLE", help="The table, in this database.")
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Our column = theirs; joined: name=first_name+last_name; none: title=none. Repeatable.",
)
@click.option(
    "--deleted",
    multiple=True,
    metavar="COLUMN",
    help="What tells who is gone: deleted_at, is_active, status ...; none: nothing. Repeatable.",
)
@click.option(
    "--writable/--read-only",
    "to_write",
    default=None,
    help="People: whether what events and providers tell is written into the table. "
    "Without: as before, at first read-only.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be seen and done; change nothing.")
@click.option("--without-indexes", is_flag=True, help="Attach a large table without its indexes.")
@click.option("--json", "as_json", is_flag=True)
def attach(
    kind: Kind | None,
    wanted: str | None,
    pairs: tuple[str, ...],
    deleted: tuple[str, ...],
    to_write: bool | None,
    dry_run: bool,
    without_indexes: bool,
    as_json: bool,
) -> None:
    """Read people or companies from a table of your own, and follow what is written there.

    Without KIND it lists what is attached. The table stays where it is and nothing is copied: a
    view reads it, and triggers on it, and on each of its partitions, notice INSERT, UPDATE, DELETE,
    MERGE, COPY and TRUNCATE. bg.people (or bg.companies) is out of force and takes no writes until
    `bg-assets detach`.

    Columns are found by the names that such columns have (fullName, job_title, first_name with
    last_name ...), what tells who is gone too (deleted_at, discarded_at, is_active, status ...);
    --map and --deleted say it otherwise. An id may be a text, a number or a uuid.

    It needs USAGE on the schema, SELECT and TRIGGER on the table; what is missing is said, as
    statements for its owner, before anything changes. Nothing of ours writes to the table. What
    webhook events, providers and imports tell of its people is kept beside it, and counts until its
    owner writes something else in that cell.

    With --writable (INSERT and UPDATE on the table) it is written there, by the mapping: --dry-run
    shows how each column would be filled, and what has no place there and is kept beside it.

    Its owner may change it at any time: `status` and `doctor` say what no longer fits, and the same
    command again, with --map where a column has another name, mends it.
    """
    with session.opened() as engine:
        if kind is None:
            _list(engine, as_json)
            return
        if wanted is None:
            session.fail(f"which table? bg-assets attach {kind} --table SCHEMA.TABLE", 2)
        mapping = mappings.parse_options(pairs)
        try:
            table, choice, found, writes = _looked_at(
                engine, kind, wanted, mapping, deleted, to_write
            )
            if not (without_indexes or dry_run):
                attaching.require_indexes(table, found)
            statements = _attach(engine, table, choice, writes, dry_run)
        except CannotAttach as err:
            session.fail(err.lines, session.USAGE)
        waiting = 0 if dry_run else database.catch_up(engine)
    if as_json:
        document = _document(table, choice, found, statements, waiting, dry_run)
        terminal.print_json({**document, **_writes_document(writes)})
        return
    _tell(table, choice, found)
    for line in _mode(choice, writes):
        terminal.tell(line)
    if dry_run:
        for statement in statements:
            terminal.tell()
            for line in statement.splitlines():
                terminal.tell(line)
        terminal.tell()
        terminal.tell("a dry run: nothing was changed")
    else:
        terminal.tell(f"attached; companies to be refreshed now: {waiting:,}")


@click.command()
@click.argument("kind", type=_KINDS)
@click.option("--json", "as_json", is_flag=True)
def detach(kind: Kind, as_json: bool) -> None:
    """Read people or companies from bg.people or bg.companies again.

    The table that was attached is left as it was before. Groups follow what stands in our own
    table: companies that differ are refreshed. What was told of people beside the table is kept,
    and counts again where the same table is attached again.
    """
    with session.opened() as engine:
        try:
            with database.connect(engine) as conn:
                was = attaching.detach(conn, kind, lookups.who_types())
                beside = sum(observed.counts(conn)) if kind == "people" else 0
        except sa.exc.OperationalError as err:
            _held(err)
        if was is None:
            session.fail(f"{kind} are not attached: they are read from bg.{kind}", session.USAGE)
        waiting = database.catch_up(engine)
    if as_json:
        document = {"kind": kind, "table": was, "to_be_refreshed": waiting}
        terminal.print_json({**document, "kept_beside": beside})
    else:
        terminal.tell(f"{was} is detached; {kind} are read from bg.{kind}")
        if beside:
            terminal.tell(
                f"what was told of {beside:,} people beside it is kept, and counts once it is "
                "attached again; delete from bg.observed_people lets it go"
            )
        terminal.tell(f"companies that differ, to be refreshed now: {waiting:,}")


def _looked_at(
    engine: sa.Engine,
    kind: Kind,
    wanted: str,
    mapping: dict[str, str],
    deleted: Sequence[str],
    to_write: bool | None,
) -> tuple[Table, Choice, Preview, Writes | None]:
    with database.connect(engine) as conn:
        table = catalog.read(conn, wanted)
        before = attached.read(conn).get(kind)
        if to_write is None:
            same = before is not None and before.table_oid == table.oid
            to_write = same and before is not None and before.writes is not None
        if to_write and kind == "companies":
            raise CannotAttach("--writable is for people: nothing of ours writes to companies")
        attaching.require_rights(conn, table, to_write=to_write)
        if before is not None and before.table_oid == table.oid:
            # What was said once need not be said again when a column has changed.
            mapping, deleted = _as_before(table, before, mapping, deleted)
        choice = choosing.choose(table, kind, mapping, deleted)
        with session.working(f"reading {table.sql}"):
            found = attaching.preview(conn, table, choice)
            writes = writable.chosen(conn, table, choice) if to_write else None
        conn.rollback()
    return table, choice, found, writes


def _as_before(
    table: Table, before: attached.Attached, mapping: Mapping[str, str], deleted: Sequence[str]
) -> tuple[dict[str, str], Sequence[str]]:
    names = {column.name for column in table.columns}
    same = {
        ours: "+".join(theirs)
        for ours, theirs in before.mapping.items()
        if names.issuperset(theirs)
    }
    if "employee_count" in mapping:
        same = {ours: said for ours, said in same.items() if not ours.startswith("employee_")}
    still = [name for name in before.gone if name in names]
    return {**same, **mapping}, deleted or still


def _attach(
    engine: sa.Engine, table: Table, choice: Choice, writes: Writes | None, dry_run: bool
) -> list[str]:
    """The statements; of a dry run those that would be done, which locks the table for nobody."""
    if dry_run:
        return attaching.planned(table, choice)
    try:
        with database.connect(engine) as conn:
            attaching.attach(conn, table, choice, lookups.who_types(), writes)
    except sa.exc.OperationalError as err:
        _held(err)
    return []


def _held(err: sa.exc.OperationalError) -> NoReturn:
    if isinstance(err.orig, LockNotAvailable):
        session.fail(
            "somebody works with the table for long, and whoever came after would wait as well: "
            "nothing was changed; try again",
            session.FAILED,
        )
    raise err


def _list(engine: sa.Engine, as_json: bool) -> None:
    with database.connect(engine) as conn:
        found = attached.read(conn)
        told_of, alone = observed.counts(conn)
        wrong = [*attached.misfits(conn), *attached.failures(conn), *through.problems(conn)]
    if as_json:
        tables = [
            {
                "kind": one.kind,
                "table": one.on_table,
                "columns": one.mapping,
                "deleted": one.gone,
                "writable": one.writes is not None,
                "attached_by": one.attached_by,
                "attached_at": one.attached_at,
            }
            for one in found.values()
        ]
        beside = {"people": told_of, "people_of_ours_alone": alone}
        terminal.print_json({"attached": tables, "beside": beside, "problems": wrong})
    else:
        for one in found.values():
            columns = ", ".join(f"{m}={'+'.join(t)}" for m, t in one.mapping.items())
            terminal.tell(f"{one.kind} are read from {one.on_table}: {columns}")
            if one.gone:
                terminal.tell(f"  gone is who has {', '.join(one.gone)}")
            if one.kind == "people":
                how = "it is only read" if one.writes is None else "it is written to"
                terminal.tell(f"  {how}; {_beside(told_of, alone)}")
        for kind in ("people", "companies"):
            if kind not in found:
                terminal.tell(f"{kind} are read from bg.{kind}: nothing is attached")
        for line in wrong:
            terminal.tell(f"problem: {line}")
    raise SystemExit(session.FAILED if wrong else 0)


def _beside(told_of: int, alone: int) -> str:
    return (
        f"told of beside it: {told_of:,} of these people, and {alone:,} whom only we know; see "
        "bg.observations"
    )


def _tell(table: Table, choice: Choice, found: Preview) -> None:
    for ours, theirs in choice.theirs.items():
        terminal.tell(f"{ours:<13} {' + '.join(column.name for column in theirs)}")
    gone = ", ".join(column.name for column in choice.gone) or _no_gone(choice)
    terminal.tell(f"{'who is gone':<13} {gone}")
    if choice.ignored:
        terminal.tell(f"{'not read':<13} {', '.join(choice.ignored)}")
    terminal.tell()
    grid = Grid(*_SHOWN[choice.kind], box=None)
    for row in found.first:
        grid.add_row(*("" if row[one] is None else str(row[one]) for one in _SHOWN[choice.kind]))
    terminal.results.print(grid)
    terminal.tell()
    for line in _counts(table, choice, found):
        terminal.tell(line)


def _no_gone(choice: Choice) -> str:
    if "status" in choice.theirs or "deleted_at" in choice.theirs:
        return "as these say"
    return "no column tells: --deleted COLUMN if one does"


def _counts(table: Table, choice: Choice, found: Preview) -> list[str]:
    parts = f" in {len(table.parts)} parts" if table.parts else ""
    lines = [
        f"{table.sql}: {found.rows:,} rows{parts}, {found.there:,} there, {found.gone:,} gone or "
        "not to be used"
    ]
    if found.unfit:
        lines.append(
            f"{found.unfit:,} rows have ids that can't be ours and are left out: a company's is of "
            "letters, digits and . _ : @ -, 128 at most; a person's has up to 200 characters"
        )
    if choice.kind == "people":
        lines.append(f"they are at {found.companies:,} companies that are tracked")
    if found.untracked:
        lines.append(
            f"and at {found.untracked:,} that are not: attach or import companies, else nothing "
            "comes of them"
        )
    if found.erased:
        lines.append(_erased(table, found.erased))
    if found.own:
        rows = "1 row" if found.own == 1 else f"{found.own:,} rows"
        lines.append(f"bg.{choice.kind} has {rows}, of no account while this is attached")
    lines += [f"an index is missing: {one.statement}" for one in found.indexes if one.needed]
    lines += [
        f"an index would help, without it {_READS[one.column]} reads the whole table: "
        f"{one.statement}"
        for one in found.indexes
        if not one.needed
    ]
    return lines


def _erased(table: Table, ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:ROWS_SHOWN]) + (", ..." if len(ids) > ROWS_SHOWN else "")
    one = len(ids) == 1
    who = "1 person there was" if one else f"{len(ids):,} people there were"
    return (
        f"{who} erased here, and {'counts' if one else 'count'} again once this is attached: "
        f"delete them from {table.sql}: {shown}"
    )


def _mode(choice: Choice, writes: Writes | None) -> list[str]:
    if choice.kind == "companies":
        return ["it is only read: nothing of ours writes there"]
    if writes is None:
        return ["it is only read: what events and providers tell of its people is kept beside it"]
    filled = {ours: "; ".join(f"{c} = {sql}" for c, sql in to.items())
              for ours, to in writes.columns.items()}  # fmt: skip
    lines = ["it is written: what events and providers tell of its people, where it differs"]
    lines += [f"  {ours}: {sql}" for ours, sql in filled.items()]
    if writes.gone:
        marks = "; ".join(f"{c} = {gone}, back {back}" for c, (gone, back) in writes.gone.items())
        lines.append(f"  who is deleted: {marks}")
    lines += [f"  at each write: {c} = {sql}" for c, sql in writes.stamps.items()]
    return lines + [f"  kept beside it: {one}, {why}" for one, why in writes.beside.items()]


def _writes_document(writes: Writes | None) -> dict[str, Any]:
    if writes is None:
        return {"writable": False}
    parts = {"columns": writes.columns, "deleted": writes.gone, "kept_beside": writes.beside}
    return {"writable": True, "writes": {**parts, "new_people": writes.insert is not None}}


def _document(
    table: Table,
    choice: Choice,
    found: Preview,
    statements: Sequence[str],
    waiting: int,
    dry_run: bool,
) -> dict[str, Any]:
    names = named(PEOPLE if choice.kind == "people" else COMPANIES)
    return {
        "kind": choice.kind,
        "table": table.sql,
        "attached": not dry_run,
        "columns": {m: [one.name for one in t] for m, t in choice.theirs.items()},
        "deleted": [one.name for one in choice.gone],
        "ignored": list(choice.ignored),
        "parts": [part.sql for part in table.parts],
        "rows": found.rows,
        "there": found.there,
        "gone": found.gone,
        "unfit": found.unfit,
        "companies": found.companies,
        "untracked_companies": found.untracked,
        "own_rows": found.own,
        "erased": list(found.erased),
        "first": [{name: row[name] for name in names} for row in found.first],
        "missing_indexes": [one.statement for one in found.indexes],
        "statements": list(statements),
        "to_be_refreshed": waiting,
    }
