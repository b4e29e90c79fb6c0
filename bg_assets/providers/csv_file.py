"""A file of observations as a provider that costs nothing: BG_ENRICH_CSV.

It is read when the first question comes, and anew when it has changed.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from bg_assets.domain.enrichment.asking import (
    Answer,
    CompanyAsked,
    FoundCompany,
    FoundPerson,
    Kind,
    PermanentFailure,
    PersonAsked,
    Post,
    Question,
)
from bg_assets.domain.enrichment.names import Agreement, companies_agree, people_agree
from bg_assets.domain.values.names import company_key
from bg_assets.providers.csv_rows import BadFile, Observation, read_header, read_rows

_FREE = Decimal(0)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Index:
    """The rows by what tells who is meant, each list in the order of the file."""

    by_person: dict[str, list[Observation]] = field(default_factory=dict)
    by_email: dict[str, list[Observation]] = field(default_factory=dict)
    by_company: dict[str, list[Observation]] = field(default_factory=dict)


class CsvFile:
    """Answers questions from a file; ``name`` is what it is called in the bill."""

    def __init__(self, path: Path, name: str = "csv") -> None:
        """Reads the header alone. Raises BadFile."""
        self.name = name
        self._path = path
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int], _Index] | None = None
        read_header(path)

    @property
    def version(self) -> str:
        """Another one when the file has changed, so that older answers don't stand for it."""
        try:
            return " ".join(map(str, _version(self._path)))
        except BadFile:
            return ""

    def price(self, question: Question) -> Decimal | None:
        """Nothing; None where the question names nobody to look for."""
        if question.kind is Kind.DISCOVERY and question.most < 1:
            return None
        if question.kind is Kind.PERSON and question.person is None:
            return None
        return _FREE

    def ask(self, question: Question, seconds: float) -> Answer:
        """Look it up; the time is not needed. Raises PermanentFailure for a file that is bad."""
        try:
            rows = self._rows()
        except BadFile as err:
            raise PermanentFailure(str(err), whole_provider=True) from None
        if question.kind is Kind.PERSON and question.person is not None:
            row = _person_row(rows, question.company, question.person)
            return Answer() if row is None else Answer((_person(row, question.company),))
        at = _company_rows(rows, question.company)
        if question.kind is Kind.COMPANY:
            newest = _newest(row for row in at if not row.is_of_a_person)
            return Answer(company=None if newest is None else _company(newest))
        found = (_person(row, question.company) for row in _last_of_each(at))
        there = [person for person in found if person.employed_there is not False]
        return Answer(tuple(there[: question.most]))

    def _rows(self) -> _Index:
        with self._lock:
            version = _version(self._path)
            if self._read is None or self._read[0] != version:
                self._read = version, _index(read_rows(self._path))
            return self._read[1]


def _version(path: Path) -> tuple[int, int, int]:
    try:
        stat = path.stat()
    except OSError as err:
        raise BadFile(f"{path} can't be read: {err.strerror}") from None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _index(rows: Iterable[Observation]) -> _Index:
    found = _Index()
    for row in rows:
        if row.person_id:
            found.by_person.setdefault(row.person_id, []).append(row)
        if row.email:
            found.by_email.setdefault(row.email.casefold(), []).append(row)
        for key in _company_keys(row.company_id, row.company_domain, row.company_name):
            found.by_company.setdefault(key, []).append(row)
    return found


def _company_keys(company_id: str | None, domain: str | None, name: str | None) -> Iterable[str]:
    if company_id:
        yield f"id {company_id}"
    if domain:
        yield f"domain {domain.casefold()}"
    if name:
        yield f"name {company_key(name)}"


def _company_rows(rows: _Index, asked: CompanyAsked) -> list[Observation]:
    """The rows of a company by any of what is known of it, in the order of the file."""
    found = {
        row.line: row
        for key in _company_keys(asked.id, asked.domain, asked.name)
        for row in rows.by_company.get(key, ())
        # A row that names another id or domain is another company's of the same name.
        if (row.company_id is None or row.company_id == asked.id)
        and _agrees(asked, row) is not Agreement.DIFFERS
    }
    return [found[line] for line in sorted(found)]


def _agrees(asked: CompanyAsked, row: Observation) -> Agreement:
    if row.company_id is not None:
        return Agreement.AGREES if row.company_id == asked.id else Agreement.DIFFERS
    if row.company_domain is None and row.company_name is None:
        return Agreement.UNCLEAR
    return companies_agree(asked.name, asked.domain, row.company_name, row.company_domain)


def _person_row(rows: _Index, company: CompanyAsked, asked: PersonAsked) -> Observation | None:
    """The newest row of a person: by id, else by e-mail, else by a name that is one at the company.

    A row that names another person id is never theirs.
    """
    if found := rows.by_person.get(asked.id):
        return _newest(found)
    mine = rows.by_email.get(asked.email.casefold(), ()) if asked.email else ()
    if found := [row for row in mine if row.person_id is None]:
        return _newest(found)
    if not asked.name:
        return None
    named = [
        row
        for row in _company_rows(rows, company)
        if row.person_id is None
        and row.name
        and people_agree(asked.name, row.name) is Agreement.AGREES
    ]
    # Two addresses are two people of one name, and nobody knows which of them is meant.
    if len({row.email.casefold() for row in named if row.email}) > 1:
        return None
    return _newest(named)


def _newest(rows: Iterable[Observation]) -> Observation | None:
    """The row that was observed last; the later one in the file where they don't differ in it."""
    return max(rows, key=lambda row: (row.observed_at or _EARLIEST, row.line), default=None)


def _last_of_each(rows: Sequence[Observation]) -> Iterable[Observation]:
    """One row of each person, in the order in which they first come."""
    people: dict[object, list[Observation]] = {}
    for row in rows:
        if row.is_of_a_person:
            key = row.person_id or (row.email or row.name or "").casefold()
            people.setdefault(key, []).append(row)
    return (newest for each in people.values() if (newest := _newest(each)))


def _person(row: Observation, asked: CompanyAsked) -> FoundPerson:
    agreement = _agrees(asked, row)
    there = {Agreement.AGREES: True, Agreement.DIFFERS: False}.get(agreement)
    over = row.end_date is not None and row.observed_at and row.end_date < row.observed_at.date()
    if there and (row.status == "left" or over):
        there = False
    post = Post(row.title, row.company_name, row.company_domain, row.start_date, row.end_date)
    return FoundPerson(
        # An e-mail or a name is no id; the row's person id is.
        key=row.person_id,
        name=row.name,
        title=row.title,
        department=row.department,
        email=row.email,
        location=row.location,
        company_name=asked.name
        if there is not None and agreement is Agreement.AGREES
        else row.company_name,
        company_domain=row.company_domain,
        start_date=row.start_date,
        employed_there=there,
        observed_at=row.observed_at,
        career=(post,) if row.end_date else (),
    )


def _company(row: Observation) -> FoundCompany:
    least, most = row.employee_count or (None, None)
    return FoundCompany(
        name=row.company_name,
        domain=row.company_domain,
        website=row.website,
        industry=row.industry,
        employee_min=least,
        employee_max=most,
        country=row.country,
        observed_at=row.observed_at,
    )
