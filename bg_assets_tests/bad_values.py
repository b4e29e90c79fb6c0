"""Values and files that are not as they should be, and the page of the docs that shows them.

`python -m bg_assets_tests.bad_values` writes docs/bad-values.md anew: it makes the files, imports
them and tells what was stored and what was said. A test holds the page to that.
"""

import csv
import gzip
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bg_assets.embedded.databases import ensure_database
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.storage import database
from bg_assets_tests.cli.command import Command, rejects_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "bad-values.md"

UNKNOWN = "is a word for unknown"
# The column, what the file holds, what is stored, and what is said (None: nothing).
OF_PEOPLE: tuple[tuple[str, str, str | None, str | None], ...] = (
    ("manager_id", "p1", None, "manager_id: is the person itself"),
    ("manager_id", "1.23457E+17", None, "manager_id: was shortened by a spreadsheet"),
    ("manager_id", "N/A", None, "manager_id: is a word for unknown"),
    ("title", "N/A", None, f"title: {UNKNOWN}"),
    ("title", "n/d", None, f"title: {UNKNOWN}"),
    ("title", " - ", None, f"title: {UNKNOWN}"),
    ("department", "Unknown", None, f"department: {UNKNOWN}"),
    ("department", "NONE", None, f"department: {UNKNOWN}"),
    ("name", "none", None, f"name: {UNKNOWN}"),
    ("name", "Null", "Null", None),
    ("title", "T" * 10_000, None, "title: has 10,000 characters"),
    ("email", "not-an-address", None, "email: is not an e-mail address"),
    ("email", "unknown", None, f"email: {UNKNOWN}"),
    ("email", "a@b.com; c@d.com", "a@b.com", "email: holds 2 addresses"),
    ("email", "a@b.com c@d.com,e@f.com", "a@b.com", "email: holds 3 addresses"),
    ("email", "Ann Lee <a@b.com>", "a@b.com", None),
    ("email", "a@b.com; what", None, "email: is not an e-mail address"),
    ("email", "a@b\x1b.com", None, "email: is not an e-mail address"),
    ("status", "yes", "active", None),
    ("status", "Current", "active", None),
    ("status", "1", "active", None),
    ("status", "former", "left", None),
    ("status", "Inactive", "left", None),
    ("status", "0", "left", None),
    ("status", "perhaps", "active", "status: is not understood"),
    ("start_date", "2020-01-31", "2020-01-31", None),
    ("start_date", "31/01/2020", "2020-01-31", None),
    ("start_date", "2020/1/31", "2020-01-31", None),
    ("start_date", "Jan 31, 2020", "2020-01-31", None),
    ("start_date", "31 January 2020", "2020-01-31", None),
    ("start_date", "05.05.2020 09:30", "2020-05-05", None),
    ("start_date", "03/04/2020", None, "start_date: could be two days: say how"),
    ("start_date", "3/4/20", None, "start_date: is not a date like"),
    ("start_date", "43861", None, "start_date: is not a date like"),
    ("start_date", "31/31/2020", None, "start_date: is not a date like"),
    ("start_date", "n/a", None, f"start_date: {UNKNOWN}"),
    ("company_id", "acme;other", "acme", "company_id: names 2 companies"),
    ("company_id", "acme, nowhere, x", "acme", "company_id: names 3 companies"),
)
OF_COMPANIES: tuple[tuple[str, str, str | None, str | None], ...] = (
    ("website", "www.acme.com/en", "https://www.acme.com/en", None),
    ("website", "ftp://acme.com", None, "website: must start with"),
    ("website", "not a site", None, "website: is not a URL"),
    ("website", "-", None, f"website: {UNKNOWN}"),
    ("domain", "localhost", None, "domain: is not a domain"),
    ("employee_count", "many", None, "employee_count: is not a number of employees"),
    ("employee_count", "N/A", None, f"employee_count: {UNKNOWN}"),
    ("revenue", "1.234", None, "revenue: is ambiguous"),
    ("country", "?", None, f"country: {UNKNOWN}"),
    ("country", "NA", "NA", None),
    ("industry", "(blank)", None, f"industry: {UNKNOWN}"),
)
REFUSED = (
    ("people", "id,company_id", "1.23457E+17,acme", "id: was shortened by a spreadsheet"),
    ("people", "id,company_id", 'p1,"1,23457E+17"', "company_id: was shortened by a spreadsheet"),
    ("people", "id,company_id", "n/a,acme", "id: is a word for unknown, not an id"),
    ("people", "id,company_id", "p1,acme;a b", "company_id: takes 1 to 128"),
    ("companies", "id,name", "1.23457E+17,Acme", "id: was shortened by a spreadsheet"),
    ("companies", "id,name", "9002;9001,Acme", "id: takes 1 to 128"),
    ("companies", "id,name", "new,Unknown", "name: is a word for unknown"),
)

_DATES = ("start_date", ("31/01/2020", "01/31/2020", "03/04/2020", "2020-01-31"))
# A file of its own: all rows of the column fit one order.
_ONE_ORDER = ("31/01/2020", "03/04/2020", "5.6.2021")
# Rows of a file of a source, and how it is called.
_OF_SOURCE = (
    "Contact ID,Account ID,Account Name,Name,Email",
    '17,"9002;9001",Acme Ltd,Ann Lee,ann@acme.example',
    "1.23457E+17,9002,Acme Ltd,Bo Ray,bo@acme.example",
    "18,9.00e+15,Acme Ltd,Cy Dow,cy@acme.example",
    "N/A,9002,Acme Ltd,Di Fox,di@acme.example",
    ",,,Ed Orr,",
)
_OLD = b"\xd0\xcf\x11\xe0" + bytes(600)
# Files that are not read, or not as they are: what they are, their name and bytes.
_FILES: tuple[tuple[str, str, bytes], ...] = (
    ("nothing", "empty.csv", b""),
    ("a header alone", "header.csv", b"Name,Company,Title\n"),
    ("names of no column", "letters.csv", b"a,b,c\n1,2,3\n"),
    ("no header", "rows.csv", b"p1,acme,ann@acme.example,CFO\n"),
    ("a column misspelt", "slip.csv", b"Name,Compnay,Title\nAnn Lee,Acme Ltd,CFO\n"),
    ("a column twice", "twice.csv", b"Name,Company,Email,Email\nAnn Lee,Acme Ltd,x,y\n"),
    ("columns nobody knows", "more.csv", b"Name,Company,Title,Phone,\nAnn Lee,Acme Ltd,CFO,1,2\n"),
    ("no titles", "plain.csv", b"Name,Company,Rank\nAnn Lee,Acme Ltd,1\n"),
    ("Windows-1252", "western.csv", "Name;Firma;Position\nJörg Ö;Acme Ltd;CFO\n".encode("cp1252")),
    ("UTF-16", "wide.csv", "Name\tCompany\tTitle\r\nŁu Żak\tAcme Ltd\tCFO\r\n".encode("utf-16")),
    ("UTF-16 without a mark", "bare.csv", "Name,Company\r\nAnn,Acme Ltd\r\n".encode("utf-16-le")),
    ("another encoding", "east.csv", "Name,Company\nЮлия Орлова,Acme Ltd\n".encode("cp1251")),
    ("a line before", "sep.csv", b"sep=;\nName;Company;Title\nAnn Lee;Acme Ltd;CFO\n"),
    ("notes before", "notes.csv", b"Contacts\n\nName,Company,Title\nAnn Lee,Acme Ltd,CFO\n"),
    ("a quote left open", "quote.csv", b'Name,Company,Title\nAnn Lee,Acme Ltd,"CFO\n'),
    ("cut off", "cut.csv", b"Name,Company,Title\nAnn Lee,Acme Ltd,CFO\nBo Ray,Ac"),
    ("cut off, packed", "cut.csv.gz", gzip.compress(b"Name,Company\n" * 99, mtime=0)[:40]),
    ("a workbook of before 2007", "old.xls", _OLD),
    ("one that was renamed", "renamed.xlsx", _OLD),
    ("one with a password", "locked.xlsx", _OLD + "EncryptedPackage".encode("utf-16-le")),
    ("a list named as a workbook", "list.xlsx", b"Name,Company\nAnn Lee,Acme Ltd\n"),
    ("a zip archive", "export.zip", b"PK\x03\x04" + bytes(60)),
    ("one JSON array", "people.json", b'[{"name": "Ann Lee", "company": "Acme Ltd"}]'),
    ("a web page", "page.xls", b"<html><table></table></html>"),
)


def page(bg: Command) -> str:
    """The page of the docs, from what imports into an empty database of ``bg`` do and say."""
    return "\n".join(
        [
            "# Bad values, and what comes of them",
            "",
            "Made by `python -m bg_assets_tests.bad_values`, which imports these files and tells",
            "what was stored and said; a test holds this page to the code. The rules are in",
            "[imports.md](imports.md#values). What is said of a row is in `FILE.rejects.csv`,",
            "behind `kept:` where the row is stored.",
            "",
            "## Values of people",
            "",
            *_table(("column", "in the file", "stored", "said"), _people(bg)),
            "",
            "A column in which all rows fit one order of day and month:",
            "",
            *_table(("column", "in the file", "stored", "said"), _one_order(bg)),
            "",
            "## Values of companies",
            "",
            *_table(("column", "in the file", "stored", "said"), _companies(bg)),
            "",
            "## Ids that can't be told",
            "",
            *_table(("file of", "header", "row", "said"), _refused(bg)),
            "",
            f"Ids of a source (`--source crm --create-companies`), `{_OF_SOURCE[0]}`:",
            "",
            *_table(("row", "stored", "said"), _of_source(bg)),
            "",
            "## Files",
            "",
            "Each a list of people without ids, imported where Acme Ltd is known.",
            "",
            *_table(("what it is", "file", "exit code", "people stored", "said"), _files(bg)),
            "",
        ]
    )


def _people(bg: Command) -> Iterator[Sequence[str]]:
    bg.companies("acme")
    name, days = _DATES
    cases = [(column, cell) for column, cell, _, _ in OF_PEOPLE]
    cases += [(name, day) for day in days if (name, day) not in cases]
    rows = [
        {"id": f"p{number}", "company_id": "acme", column: cell}
        for number, (column, cell) in enumerate(cases, 1)
    ]
    yield from _imported(bg, "people", "people.csv", cases, rows)


def _one_order(bg: Command) -> Iterator[Sequence[str]]:
    cases = [("start_date", day) for day in _ONE_ORDER]
    rows = [
        {"id": f"d{number}", "company_id": "acme", "start_date": day}
        for number, (_, day) in enumerate(cases)
    ]
    yield from _imported(bg, "people", "one-order.csv", cases, rows)


def _companies(bg: Command) -> Iterator[Sequence[str]]:
    cases = [(column, cell) for column, cell, _, _ in OF_COMPANIES]
    rows = [
        {"id": f"c{number}", "name": f"Company {number}", column: cell}
        for number, (column, cell) in enumerate(cases)
    ]
    yield from _imported(bg, "companies", "companies.csv", cases, rows)


def _imported(
    bg: Command,
    kind: str,
    name: str,
    cases: Sequence[tuple[str, str]],
    rows: Sequence[Mapping[str, str]],
) -> Iterator[Sequence[str]]:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path = bg.file(name, text.getvalue())
    bg.json("import", kind, path)
    said = {int(line): reason for line, reason, *_ in rejects_of(path)}
    for line, ((column, cell), row) in enumerate(zip(cases, rows, strict=True), 2):
        place = "employee_min" if column == "employee_count" else column
        stored = bg.rows(f"select {place}::text from bg.{kind} where id = :id", id=row["id"])
        yield column, _shown(cell), _stored(stored), said.get(line, "")


def _refused(bg: Command) -> Iterator[Sequence[str]]:
    for number, (kind, header, row, _) in enumerate(REFUSED):
        path = bg.file(f"refused-{number}.csv", f"{header}\n{row}\n")
        bg("import", kind, path)
        ((_, reason, *_),) = rejects_of(path)
        yield kind, f"`{header}`", _shown(row), reason


def _of_source(bg: Command) -> Iterator[Sequence[str]]:
    path = bg.file("crm.csv", "\n".join(_OF_SOURCE) + "\n")
    bg.json("import", "people", path, "--source", "crm", "--create-companies")
    said = {int(line): reason for line, reason, *_ in rejects_of(path)}
    for line, row in enumerate(_OF_SOURCE[1:], 2):
        name = row.split(",")[-2]
        known = bg.rows("select email from bg.people where name = :name", name=name)
        yield _shown(row), _stored(known), said.get(line, "")


def _files(bg: Command) -> Iterator[Sequence[str]]:
    for what, name, content in _FILES:
        bg.execute("delete from bg.people")
        path = bg.folder / name
        path.write_bytes(content)
        done = bg("import", "people", path)
        said = " / ".join(line for line in done.err.splitlines() if not line.startswith(_LEFT_OUT))
        yield (
            what, f"`{name}`", str(done.code), str(bg.value("select count(*) from bg.people")),
            said.replace(f"{bg.folder}/", ""),
        )  # fmt: skip


# What imports say of every file.
_LEFT_OUT = ("people known", "1 company waits", "columns: ", "rejects and reasons")


def _stored(rows: Sequence[tuple[str | None]]) -> str:
    if not rows:
        return "nothing: the row is rejected"
    return _shown(rows[0][0]) if rows[0][0] is not None else "unknown"


def _shown(cell: str) -> str:
    short = cell if len(cell) <= 100 else f"{cell[:10]}… ({len(cell):,} characters)"
    return f"`{''.join(c if c.isprintable() else '�' for c in short)}`"


def _table(header: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def main() -> None:
    """Write the page anew, by a database that is made for that."""
    folder = Path(tempfile.mkdtemp(prefix="bg-bad-values-"))
    server = EmbeddedPostgres(folder / "home")
    try:
        with server.acquire():
            url = server.url("bg_assets")
            ensure_database(url)
            database.migrate(url)
            os.environ |= {"BG_DATABASE_URL": url, "BG_DAGSTER_URL": url}
            engine = database.make_engine(url)
            PAGE.write_text(page(Command(engine, folder)), encoding="utf-8")
            engine.dispose()
    finally:
        server.destroy()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
