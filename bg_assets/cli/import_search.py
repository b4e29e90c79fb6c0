"""How `import` stages rows that find whom they mean, and says by what they were found."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.cli import session
from bg_assets.domain.webhooks.vendors import short_ids
from bg_assets.files.clues import FOUND_BY, Clues
from bg_assets.files.reading import ImportFile
from bg_assets.files.rows import Reject
from bg_assets.storage import locks
from bg_assets.storage.capture import attached
from bg_assets.storage.locks import Lock
from bg_assets.storage.recognition import rows as recognition
from bg_assets.storage.recognition.rows import Recognised
from bg_assets.storage.recognition.search import Search

# Where a system's ids stand.
_IDS = frozenset({"id", "source_id", "company_id", "manager_id"})
# As the webhook door's sources are called.
_SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Staging:
    """What is staged of each row: the columns that are stored, and those by which it is found."""

    columns: tuple[str, ...]
    beside: tuple[str, ...]
    constants: tuple[object, ...]
    clues: Clues | None
    short_ids: bool = False

    def rows(self, opened: ImportFile) -> Iterator[tuple[object, ...]]:
        """Line, reason, what is kept otherwise, and values of each row.

        Of a rejected one the id, so that nobody is missed.
        """
        # Of a source that nobody named the ids may be ours as well.
        name = "id" if opened.source is None else None if opened.told_source else "their_id"
        columns = (*self.columns, *self.beside)
        clues, last = self.clues, self.constants
        ids = [at for at, one in enumerate(opened.columns) if one in _IDS and self.short_ids]
        for row in opened.rows():
            if isinstance(row, Reject):
                key = opened.key(row) if name else None
                key = short_ids.whole(key) if key and self.short_ids else key
                told = (key if column == name else None for column in columns)
                yield (row.line, row.reason, None, *told)
            elif clues is None:
                yield (row.line, None, row.kept, *row.cells, *last)
            else:
                cells = _whole(row.cells, ids) if ids else row.cells
                yield (row.line, None, row.kept, *last, *clues.staged(row.line, cells))


def _whole(cells: Sequence[object], ids: Sequence[int]) -> Sequence[object]:
    """The cells, with ids in these places that are not short."""
    written = list(cells)
    for at in ids:
        one = written[at]
        written[at] = short_ids.whole(one) if isinstance(one, str) else one
    return written


def check_source(source: str | None) -> str | None:
    """The name as it is stored; ends the command where it is none."""
    name = source and source.strip().lower()
    if name is not None and not _SOURCE.fullmatch(name):
        session.fail(
            "--source takes a short name like crm: letters, digits, dots and dashes", session.USAGE
        )
    return name


def staging(opened: ImportFile, search: Search | None, constants: dict[str, object]) -> Staging:
    """What is to be staged of a file, with columns that hold the same in all rows."""
    if search is None:
        columns = (*opened.columns, *constants)
        return Staging(columns, (), tuple(constants.values()), None)
    constants = {"workspace": search.workspace} if opened.kind == "companies" else {}
    clues = Clues(opened.kind, opened.columns, of_source=opened.source is not None)
    return Staging(
        (*constants, *clues.stored),
        FOUND_BY,
        tuple(constants.values()),
        clues,
        search.short_ids > 0,
    )


def search(
    conn: sa.Connection, opened: ImportFile, workspace: str | None, create: bool | None
) -> Search | None:
    """How the rows are to find whom they mean; None where ids of ours tell it."""
    if not opened.fitted.sought:
        if create or (workspace is not None and opened.kind == "people"):
            session.fail(
                "the file has ids of companies, which people follow: --workspace and "
                "--create-companies go with people whose companies are looked for by their names",
                session.USAGE,
            )
        return None
    source = opened.source
    if source is not None:
        # Whose these ids are stays so until they are written.
        locks.share(conn, Lock.SOURCES)
    if source is not None and not opened.told_source:
        source = recognition.source_of_scheme(conn, source) or source
    if source is None and "source_id" in opened.columns:
        source = "file"
    where = workspace or recognition.workspace_of(conn, source)
    if where is None:
        session.fail(
            "there are companies in several workspaces: say with --workspace in which to look",
            session.USAGE,
        )
    assert where is not None
    refused = attached.refusal(conn, "companies") if opened.kind == "people" else None
    if create and refused:
        session.fail(f"--create-companies: {refused}", session.USAGE)
    if create is None:
        named = "company_name" in opened.columns and not refused
        create = named and not recognition.any_company(conn)
    return Search(
        opened.kind,
        where,
        source,
        create_companies=create,
        fills_domain="website" in opened.columns and "domain" not in opened.columns,
        keeps_ids=not opened.told_source and "id" in opened.columns,
        # A list that is no system's of record has what its writer could see.
        keeps_emails="id" not in opened.columns and "email" in opened.columns,
        short_ids=_short_ids(conn, opened, source),
    )


def _short_ids(conn: sa.Connection, opened: ImportFile, source: str | None) -> int:
    """How many characters of an id tell it: by the source's scheme, its name, or the header."""
    if opened.source is None or source is None:
        return 0
    systems = (
        recognition.scheme_of(conn, source),
        opened.source,
        (opened.fitted.system or "").lower(),
    )
    return max(map(short_ids.length, systems))


def told(search: Search, found: Recognised, dry: bool) -> Iterator[str]:
    """By what rows found whom they mean, in words; and which companies came along."""
    ways: Sequence[tuple[int, str]] = (
        (found.by_source, f"by ids of {search.source}"),
        (found.by_email, "by e-mail"),
        (found.by_domain, "by domain"),
        (found.by_name, "by name" if search.kind == "companies" else "by company and name"),
    )
    known = ", ".join(f"{count:,} {way}" for count, way in ways if count)
    whose = f", with ids of {search.source if search.keeps_ids else 'our own'}" if found.new else ""
    yield f"{search.kind} known: {known or 'none'}; new: {found.new:,}{whose}"
    if found.companies_new:
        did = "would be created" if dry else "created"
        yield (
            f"companies of these people: {found.companies_known:,} known, {found.companies_new:,} "
            f"{did} from their names, and tracked as imported ones are"
        )
