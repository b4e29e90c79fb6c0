"""Which column of a table is which of ours: as it is said, else by what such columns are called."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bg_assets.domain.values.columns import COMPANIES, PEOPLE
from bg_assets.storage.attach import reading
from bg_assets.storage.attach.catalog import CannotAttach, Column, Table
from bg_assets.storage.attach.reading import plain

NONE = "none"
_COLUMNS = {"people": PEOPLE, "companies": COMPANIES}
_REQUIRED = {"people": ("id", "company_id"), "companies": ("id", "name")}
# As ``plain`` writes them; of several that a table has the first counts, ``a+b`` are joined. An id
# is the primary key before all of these.
_CALLED = {
    "people": {
        "id": "id personid contactid peopleid uuid",
        "company_id": "companyid accountid organizationid organisationid orgid employerid "
        "customerid clientid",
        "name": "fullname name displayname personname firstname+lastname givenname+familyname "
        "forename+surname firstname+surname",
        "title": "jobtitle title positiontitle position roletitle jobposition",
        "department": "department departmentname dept division",
        "seniority": "seniority senioritylevel joblevel managementlevel",
        "email": "email emailaddress workemail businessemail mail",
        "location": "location officelocation city office",
        "manager_id": "managerid reportstoid reportsto supervisorid bossid",
        "start_date": "startdate hiredate hiredon hiredat startedon startedat jobstartdate",
        "end_date": "enddate terminationdate terminatedat endedon endedat lefton leftat",
        "status": "status employmentstatus",
        "updated_at": "updatedat modifiedat updatedon modifiedon lastmodified",
    },
    "companies": {
        "id": "id companyid accountid organizationid organisationid uuid",
        "name": "name companyname accountname organizationname legalname displayname title",
        "domain": "domain domainname emaildomain websitedomain",
        "website": "website websiteurl homepage url",
        "industry": "industry sector industryname",
        "employee_min": "employeemin employeesmin employeecount employees numberofemployees "
        "numemployees headcount staffcount",
        "employee_max": "employeemax employeesmax employeecount employees numberofemployees "
        "numemployees headcount staffcount",
        "revenue": "revenue annualrevenue turnover",
        "country": "countrycode country isocountry",
    },
}
_GONE_AT = ("deletedat", "deletedon", "discardedat", "archivedat", "removedat")
# One column of theirs that fills two of ours.
_HEADCOUNT = "employee_count"
_OF_HEADCOUNT = ("employee_min", "employee_max")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a table is read as.

    theirs: of ours the columns that fill it. gone: the columns that tell who counts no more.
    ignored: the names of all others. readers: the SQL of each column of ours.
    """

    kind: str
    theirs: dict[str, tuple[Column, ...]]
    gone: tuple[Column, ...]
    ignored: tuple[str, ...]
    readers: dict[str, str]


def choose(
    table: Table, kind: str, mapping: Mapping[str, str], deleted: Sequence[str] = ()
) -> Choice:
    """How a table is read as ``people`` or ``companies``.

    ``mapping``: ours to theirs, several as ``A+B``, or ``none`` where what is called so is meant
    for something else. ``deleted``: the columns that tell who is gone, or ``none``; without, those
    that are called so. Raises CannotAttach with all that is wrong.
    """
    by_name = {plain(column.name): column for column in reversed(table.columns)}
    wrong: list[str] = []
    theirs = _said(table, kind, mapping, wrong)
    for ours, names in _CALLED[kind].items():
        if ours not in theirs:
            theirs[ours] = _guessed(table, kind, ours, names.split(), by_name)
    gone = _gone(table, deleted, by_name, wrong)
    if deleted and "status" not in mapping:
        theirs["status"] = ()
    for ours in _REQUIRED[kind]:
        if not theirs.get(ours) and not any(line.startswith(f"--map {ours}=") for line in wrong):
            wrong.append(
                f"no column of {table.sql} is known to be {ours}: --map {ours}=COLUMN; it has "
                f"{', '.join(column.name for column in table.columns)}"
            )
    if wrong:
        raise CannotAttach(*wrong)
    theirs = {one.name: theirs[one.name] for one in _COLUMNS[kind] if theirs.get(one.name)}
    used = {column.name for columns in theirs.values() for column in columns}
    used |= {column.name for column in gone}
    ignored = tuple(column.name for column in table.columns if column.name not in used)
    return Choice(kind, theirs, gone, ignored, reading.readers(kind, theirs, gone))


def _said(
    table: Table, kind: str, mapping: Mapping[str, str], wrong: list[str]
) -> dict[str, tuple[Column, ...]]:
    names = [column.name for column in _COLUMNS[kind]]
    found: dict[str, tuple[Column, ...]] = {}
    for ours, said in mapping.items():
        targets = _OF_HEADCOUNT if kind == "companies" and ours == _HEADCOUNT else (ours,)
        if targets[0] not in names:
            near = difflib.get_close_matches(ours, names, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; ours are {', '.join(names)}"
            wrong.append(f"--map {ours}=: {kind} have no column {ours}{hint}")
            continue
        columns = () if said == NONE else _columns(table, ours, said, wrong)
        found.update(dict.fromkeys(targets, columns))
    return found


def _columns(table: Table, ours: str, said: str, wrong: list[str]) -> tuple[Column, ...]:
    """The columns that ``A+B`` names: as they are spelt, else without regard to case."""
    found = []
    whole = _named(table, said)
    parts = [said] if whole else [part.strip().strip('"') for part in said.split("+")]
    for part in parts:
        column = _named(table, part)
        if column is None:
            near = _near(table, part)
            wrong.append(f"--map {ours}={said}: {table.sql} has no column {part}{near}")
        else:
            found.append(column)
    return tuple(found)


def _named(table: Table, name: str) -> Column | None:
    exact = [column for column in table.columns if column.name == name]
    alike = [column for column in table.columns if column.name.lower() == name.lower()]
    if exact:
        return exact[0]
    return alike[0] if len(alike) == 1 else None


def _near(table: Table, name: str) -> str:
    names = [column.name for column in table.columns]
    near = difflib.get_close_matches(name, names, n=3)
    return f"; did you mean {', '.join(near)}?" if near else f"; it has {', '.join(names)}"


def _guessed(
    table: Table, kind: str, ours: str, names: Sequence[str], by_name: Mapping[str, Column]
) -> tuple[Column, ...]:
    """Only what is of a type that it can be."""
    if ours == "id" and table.key is not None:
        return tuple(column for column in table.columns if column.name == table.key)
    (canonical,) = [column for column in _COLUMNS[kind] if column.name == ours]
    for name in names:
        parts = name.split("+")
        found = tuple(by_name[part] for part in parts if part in by_name)
        if len(found) == len(parts) and reading.can_be(canonical, found):
            return found
    return ()


def _gone(
    table: Table, deleted: Sequence[str], by_name: Mapping[str, Column], wrong: list[str]
) -> tuple[Column, ...]:
    if _nobody(deleted):
        return ()
    if deleted:
        found = []
        for name in deleted:
            column = _named(table, name)
            if column is None:
                wrong.append(
                    f"--deleted {name}: {table.sql} has no such column{_near(table, name)}"
                )
            else:
                found.append(column)
        return tuple(found)
    names = [*_GONE_AT, *reading.GONE_WHEN_FALSE, *reading.GONE_WHEN_TRUE]
    return tuple(by_name[name] for name in names if name in by_name and _tells(by_name[name]))


def _tells(column: Column) -> bool:
    return column.category == ("D" if plain(column.name) in _GONE_AT else "B")


def _nobody(deleted: Sequence[str]) -> bool:
    return list(deleted) == [NONE]
