"""Rows of a file of observations: which columns it may have, and how each is read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bg_assets.domain.values import companies, people
from bg_assets.domain.values.companies import Headcount
from bg_assets.domain.values.near import near
from bg_assets.domain.values.unfit import Unfit
from bg_assets.files.header import BadHeader
from bg_assets.files.lines import BrokenFile
from bg_assets.files.records import Records
from bg_assets.files.rows import blank
from bg_assets.files.values import read_date, read_email, read_id, read_status, read_text

# In memory a row takes about 1 kB.
MOST_ROWS = 1_000_000
_ABOUT_PEOPLE = ("person_id", "email", "name")
_ABOUT_COMPANIES = ("company_id", "company_domain", "company_name")


class BadFile(Exception):
    """A file of observations that can't be used; the message names it, the line and what to do."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A row: of a person where it holds a person id, e-mail or name, else of a company."""

    line: int
    person_id: str | None = None
    email: str | None = None
    name: str | None = None
    company_id: str | None = None
    company_domain: str | None = None
    company_name: str | None = None
    title: str | None = None
    department: str | None = None
    location: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    status: str | None = None
    observed_at: datetime | None = None
    industry: str | None = None
    employee_count: Headcount | None = None
    country: str | None = None
    website: str | None = None

    @property
    def is_of_a_person(self) -> bool:
        """Whether it tells of a person."""
        return bool(self.person_id or self.email or self.name)


def _moment(raw: str) -> datetime | Unfit | None:
    value = raw.strip()
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return Unfit("is not a day or time in ISO 8601, like 2026-01-31 or 2026-01-31T09:30:00Z")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _line(most: int) -> Callable[[str], Any]:
    return lambda raw: read_text(raw, most)


def _parsed(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(raw: str) -> Any:
        value = read_text(raw, companies.LONGEST_URL)
        return parse(value) if isinstance(value, str) else value

    return read


_COLUMNS: Mapping[str, Callable[[str], Any]] = {
    "person_id": read_id,
    "email": read_email,
    "name": _line(people.LONGEST_TEXT),
    "company_id": _parsed(companies.parse_company_id),
    "company_domain": _parsed(companies.parse_domain),
    "company_name": _parsed(companies.parse_name),
    "title": _line(people.LONGEST_TITLE),
    "department": _line(people.LONGEST_TEXT),
    "location": _line(people.LONGEST_TEXT),
    "start_date": read_date,
    "end_date": read_date,
    "status": read_status,
    "observed_at": _moment,
    "industry": _line(people.LONGEST_TEXT),
    "employee_count": _parsed(companies.parse_headcount),
    "country": _parsed(companies.parse_country),
    "website": _parsed(companies.parse_website),
}


def read_header(path: Path) -> list[str]:
    """The columns that a file has, checked. Raises BadFile."""
    records = _open(path)
    try:
        return _header(path, records)
    finally:
        records.close()


def read_rows(path: Path) -> list[Observation]:
    """All rows of a file: with one that does not fit, none. Raises BadFile with its line."""
    records = _open(path)
    try:
        header = _header(path, records)
        rows = []
        for line, fields, problem in records:
            if blank(fields):
                continue
            rows.append(_row(path, line, header, fields, problem))
            if len(rows) > MOST_ROWS:
                raise BadFile(f"{path} has more than {MOST_ROWS:,} rows: make it smaller")
        return rows
    except (BadHeader, BrokenFile) as err:
        raise BadFile(f"{path} {err}") from None
    finally:
        records.close()


def _open(path: Path) -> Records:
    if path.exists() and not path.is_file():
        raise BadFile(f"{path} is no file: correct BG_ENRICH_CSV")
    try:
        return Records(path)
    except BadHeader as err:
        raise BadFile(f"{path} {err}; BG_ENRICH_CSV names it") from None


def _header(path: Path, records: Records) -> list[str]:
    try:
        first = records.first()
    except (BadHeader, BrokenFile) as err:
        raise BadFile(f"{path} {err}") from None
    if first is None or first[2] is not None:
        raise BadFile(f"{path}: its first line must name its columns, like {', '.join(_COLUMNS)}")
    names = [name.strip() for name in first[1]]
    for name in names:
        if name not in _COLUMNS:
            # The line may be data, with personal data in it.
            raise BadFile(
                f"{path}: a column of the first line is unknown; "
                f"{near(name, _COLUMNS) if name.isidentifier() else near('', _COLUMNS)}"
            )
    if len(set(names)) < len(names):
        raise BadFile(f"{path}: a column comes twice")
    if not {*_ABOUT_PEOPLE, *_ABOUT_COMPANIES} & set(names):
        raise BadFile(
            f"{path}: no column tells who is meant: one of "
            f"{', '.join((*_ABOUT_PEOPLE, *_ABOUT_COMPANIES))}"
        )
    return names


def _row(
    path: Path, line: int, header: Sequence[str], fields: Sequence[str], problem: str | None
) -> Observation:
    if problem is None and len(fields) != len(header):
        problem = f"has {len(fields)} fields, the header has {len(header)}"
    if problem is not None:
        raise BadFile(f"{path}, line {line:,} {problem}: mend it, nothing of the file is used")
    values: dict[str, Any] = {}
    for name, raw in zip(header, fields, strict=True):
        value = _COLUMNS[name](raw)
        if isinstance(value, Unfit):
            raise BadFile(
                f"{path}, line {line:,}: {name} {value.reason}: mend it, nothing of the file is "
                "used"
            )
        values[name] = value
    row = Observation(line, **values)
    if not any(values.get(name) for name in (*_ABOUT_PEOPLE, *_ABOUT_COMPANIES)):
        raise BadFile(f"{path}, line {line:,} does not tell who is meant: nothing of it is used")
    if row.start_date and row.end_date and row.end_date < row.start_date:
        raise BadFile(f"{path}, line {line:,}: end_date is before start_date: mend it")
    return row
