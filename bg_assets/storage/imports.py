"""Imports: rows staged by COPY, judged as a whole, then put into people or companies.

Everything of one file happens in one transaction: all or nothing. Rejected rows are staged too,
with their reason, so that no number of them takes memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.domain.causes import cleaned
from bg_assets.storage import claims, database, erased, import_beside, locks, writes
from bg_assets.storage.capture import observed
from bg_assets.storage.copying import copy_rows
from bg_assets.storage.locks import Lock
from bg_assets.storage.recognition import rows as recognition
from bg_assets.storage.recognition.search import Search

_REJECTS_AT_ONCE = 1000
_TRIES = 5


class TooManyLeavers(Exception):
    """A full snapshot would remove more than half of the people; the message gives the figures."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Rows that were new, that changed, that stood there already, and people who left."""

    inserted: int
    updated: int
    unchanged: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """How many rows are rejected, and how many of these tell no id that could be read.

    kept: how many others are stored, but not all as it is written.
    """

    rows: int
    without_id: int
    kept: int


# By this name the changes that it leads to tell of it.
_WRITER = sa.text("select set_config('bg.source', 'import', true)")
_NO_COMPANY = """
    update staged as s set reason = 'no company ' || company_id || ': import companies first'
    where reason is null and not exists (
        select from bg.canonical_companies as c
        where c.id = s.company_id and c.deleted_at is null {each}) {or_new}
"""
# Of rows that were sought there are some that have an id of ours, or none.
_OR_NEW = "and not exists (select from firms as f where f.ours = s.company_id and f.how = 'new')"
# Numbered, not joined with itself: a file may hold one id a million times.
_COMES_AGAIN = sa.text("""
    update staged as s
    set reason = 'the same ' || :what || ' comes again in line ' || last || ': the last one counts'
    from (
        select line, max(line) over (partition by id) as last from staged where reason is null
    ) as numbered
    where numbered.line = s.line and numbered.line < last
""")
_REJECTED = sa.text("""
    select count(*) filter (where reason is not null) as rows,
        count(*) filter (where reason is not null and id is null) as without_id,
        count(*) filter (where reason is null) as kept
    from staged where reason is not null or kept is not null
""")
# Before the reason of a row that is stored, though not all as it is written.
KEPT = "kept: "
_REASONS = sa.text(f"""
    select line, coalesce(reason, '{KEPT}' || kept) as reason
    from staged where reason is not null or kept is not null order by line
""")

# A table with an index: of people who were just imported the planner knows nothing yet, and looks
# here once for each of them.
_IN_FILE = "select distinct company_id from staged where reason is null"
_TRACKED = "select id as company_id from bg.canonical_companies where deleted_at is null"
_INDEXED = (
    "create unique index on covered (company_id)",
    "analyze covered",
)
# People of the companies that are covered; and those of them who are not in the file, not even as
# a rejected row.
_STAFF = """
    from bg.people as p join covered as c on c.company_id = p.company_id
    where p.status = 'active' and p.deleted_at is null
"""
_ABSENT = "not exists (select from staged as s where s.id = p.id)"
_COUNT_STAFF = sa.text(
    f"select count(*) as staff, count(*) filter (where {_ABSENT}) as leavers {_STAFF}"
)
_LEAVE = sa.text(f"""
    with leavers as materialized (
        select p.id {_STAFF} and {_ABSENT} order by p.id for update of p
    )
    update bg.people as p set status = 'left' from leavers where p.id = leavers.id
""")


def stage(
    conn: sa.Connection,
    kind: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    beside: Sequence[str] = (),
) -> None:
    """Put rows aside: the line, the reason if the row is rejected, what else there is to say of it,
    and the values of ``columns``, and of ``beside``: texts by which it is found whom they mean.

    A rejected row has its id at most. A status of null is that which a person has. What ``rows``
    raises goes through to the caller.
    """
    texts = "".join(f", ''::text as {name}" for name in beside)
    conn.execute(
        sa.text(
            f"create temporary table staged on commit drop as "
            f"select 0::bigint as line, ''::text as reason, ''::text as kept, {', '.join(columns)} "
            f"{texts} from bg.{kind} limit 0"
        )
    )
    copy_rows(conn, "staged", ("line", "reason", "kept", *columns, *beside), rows)
    if not beside:
        conn.execute(sa.text("create index on staged (id)"))
    conn.execute(sa.text("analyze staged"))


def judge(
    conn: sa.Connection, kind: str, search: Search | None = None, *, allow_erased: bool = False
) -> Rejected:
    """Reject what can't go in, seen over the whole file, and count all rejects.

    With ``search`` rows find whom they mean first: call ``wait_for_others`` before. Of rows with
    the same id the last that fits counts. People who were erased come in with ``allow_erased``.
    """
    if search is not None:
        recognition.recognise(conn, search)
    if kind == "people":
        parts = ("", "") if search is None else ("offset 0", _OR_NEW)
        conn.execute(sa.text(_NO_COMPANY.format(each=parts[0], or_new=parts[1])))
        if not allow_erased:
            erased.refuse(conn)
    what = "id" if search is None else "person" if kind == "people" else "company"
    conn.execute(_COMES_AGAIN, {"what": what})
    return _rejected(conn)


def _rejected(conn: sa.Connection) -> Rejected:
    return Rejected(*conn.execute(_REJECTED).one())


def reasons(conn: sa.Connection) -> Iterator[tuple[int, str]]:
    """Line and reason of each row that is rejected or kept, in the order of the file."""
    options = {"yield_per": _REJECTS_AT_ONCE}
    for row in conn.execute(_REASONS, execution_options=options):
        yield row.line, row.reason


def first_rows(conn: sa.Connection, columns: Sequence[str], most: int) -> list[dict[str, object]]:
    """The first rows of the file that are not rejected, by column, as they would be stored."""
    statement = f"select {_stored(columns)} from staged as s where reason is null order by line"
    found = conn.execute(sa.text(f"{statement} limit :most"), {"most": most})
    return [dict(row) for row in found.mappings()]


def foretell(
    conn: sa.Connection,
    kind: str,
    columns: Sequence[str],
    *,
    full_snapshot: bool = False,
    everywhere: bool = False,
    allow_leavers: bool = False,
) -> Imported:
    """What ``apply`` would do just now; nothing is written. Raises TooManyLeavers as it does."""
    if kind == "people" and observed.table(conn) == observed.BESIDE:
        row = import_beside.compare(conn, columns, _stored(columns))
        return Imported(row.inserted, row.written - row.inserted, row.good - row.written)
    snapshot = kind == "people" and full_snapshot
    left = _count_leavers(conn, allow_leavers, everywhere) if snapshot else 0
    row = conn.execute(_compared(kind, columns, full_snapshot)).one()
    return Imported(row.inserted, row.updated, row.good - row.inserted - row.updated, left)


def wait_for_others(
    conn: sa.Connection, waiting: Callable[[], None], *, searching: bool = False
) -> None:
    """Let no other import write until this transaction ends; call before ``apply``.

    Calls ``waiting`` where another is writing just now. Two that write the same people at once,
    each in its own order, would lock each other out. With ``searching`` events of the webhook door
    wait too, and stay pending: else both could make the same new person.
    """
    for lock in (Lock.IMPORT, Lock.WEBHOOK_EVENTS) if searching else (Lock.IMPORT,):
        if not locks.try_to_take(conn, lock):
            waiting()
            locks.take(conn, lock)


def apply(
    conn: sa.Connection,
    kind: str,
    columns: Sequence[str],
    *,
    file: str | None = None,
    search: Search | None = None,
    full_snapshot: bool = False,
    everywhere: bool = False,
    allow_leavers: bool = False,
    allow_erased: bool = False,
    again: Callable[[], None] = lambda: None,
) -> Imported:
    """Insert and update from what is staged and not rejected; a row that fits is not touched.

    By ``file``, its name, what it leads to tells where it came from.
    Columns that the file lacks keep what they hold. With ``full_snapshot`` the people of the
    staged companies (``everywhere``: of all) who are not staged are marked as left. Raises
    TooManyLeavers when these are more than half, unless ``allow_leavers``.

    Where another writer wins a deadlock, all of this is undone and tried again, some times, after
    a call of ``again``. What is staged stays: the file need not be read twice. The transaction
    must be READ COMMITTED, so that each try sees what others wrote.

    ``search``: by what the rows found whom they mean; what is new of companies, and ids of their
    source, is kept. ``allow_erased``: as ``judge`` was told.
    """
    began_at = claims.database_now(conn)
    for tries in range(1, _TRIES + 1):
        try:
            with conn.begin_nested():
                conn.execute(_WRITER)
                _write_beside(conn, search, allow_erased)
                snapshot = kind == "people" and full_snapshot
                left = _leave(conn, allow_leavers, everywhere) if snapshot else 0
                done = _apply(conn, kind, columns, full_snapshot, left)
            break
        except sa.exc.DBAPIError as err:
            if tries == _TRIES or not database.got_in_between(err):
                raise
            again()
    _note(conn, kind, file, done, began_at)
    return done


def _write_beside(conn: sa.Connection, search: Search | None, allow_erased: bool) -> None:
    recognition.write(conn, search)
    if allow_erased:
        erased.lift(conn)


def _note(
    conn: sa.Connection, kind: str, file: str | None, done: Imported, began_at: datetime
) -> None:
    counts = {**asdict(done), "rejected": _rejected(conn).rows}
    names = [cleaned(file)] if file else []
    writes.record(conn, "import", names, counts, began_at, kind)


def _apply(
    conn: sa.Connection, kind: str, columns: Sequence[str], full_snapshot: bool, left: int
) -> Imported:
    if kind == "people" and observed.table(conn) == observed.BESIDE:
        row = import_beside.put(conn, columns, _stored(columns))
    else:
        row = conn.execute(_upsert(kind, columns, full_snapshot)).one()
    return Imported(row.inserted, row.written - row.inserted, row.good - row.written, left)


def _leave(conn: sa.Connection, allow_leavers: bool, everywhere: bool) -> int:
    _count_leavers(conn, allow_leavers, everywhere)
    return conn.execute(_LEAVE).rowcount


def _count_leavers(conn: sa.Connection, allow_leavers: bool, everywhere: bool) -> int:
    which = _TRACKED if everywhere else _IN_FILE
    conn.execute(sa.text(f"create temporary table covered on commit drop as {which}"))
    for statement in _INDEXED:
        conn.execute(sa.text(statement))
    count = conn.execute(_COUNT_STAFF).one()
    if 2 * count.leavers > count.staff and not allow_leavers:
        where = "everywhere" if everywhere else "at the companies in the file"
        raise TooManyLeavers(
            f"this snapshot would mark {count.leavers} of {count.staff} people as left, {where}: "
            "is the file whole? If it is, repeat with --allow-leavers"
        )
    return int(count.leavers)


def _stored(columns: Sequence[str]) -> str:
    """The columns of a staged row ``s`` as they are stored. Served by the primary key."""
    status = """coalesce(s.status,
                (select p.status from bg.canonical_people as p where p.id = s.id), 'active')
                as status"""
    return ", ".join(status if name == "status" else f"s.{name}" for name in columns)


def _values(kind: str, columns: Sequence[str], full_snapshot: bool) -> dict[str, str]:
    """What a row that stands becomes by a staged one, ``excluded``, column by column."""
    values = {name: f"excluded.{name}" for name in columns if name != "id"}
    values["deleted_at"] = "null"
    if kind == "people" and full_snapshot and "status" not in columns:
        values["status"] = "'active'"
    return values


def _differs(values: Mapping[str, str]) -> str:
    return " or ".join(f"t.{name} is distinct from {value}" for name, value in values.items())


def _compared(kind: str, columns: Sequence[str], full_snapshot: bool) -> sa.TextClause:
    """Served by the primary key, or one pass over both."""
    return sa.text(f"""
        select count(*) as good, count(*) filter (where t.id is null) as inserted,
            count(*) filter (where t.id is not null
                and ({_differs(_values(kind, columns, full_snapshot))})) as updated
        from (select {_stored(columns)} from staged as s where reason is null) as excluded
            left join bg.{kind} as t on t.id = excluded.id
    """)


def _upsert(kind: str, columns: Sequence[str], full_snapshot: bool) -> sa.TextClause:
    """Ordered by id like other writers of many rows, so that they wait for each other at most."""
    values = _values(kind, columns, full_snapshot)
    settings = ", ".join(f"{name} = {value}" for name, value in values.items())
    listed = ", ".join(columns)
    # A row that this statement inserted has no xmax yet; one that it updated has.
    return sa.text(f"""
        with written as (
            insert into bg.{kind} as t ({listed})
            select {_stored(columns)} from staged as s where reason is null order by id
            on conflict (id) do update set {settings} where {_differs(values)}
            returning xmax = 0 as inserted
        )
        select count(*) filter (where inserted) as inserted, count(*) as written,
            (select count(*) from staged where reason is null) as good
        from written
    """)
