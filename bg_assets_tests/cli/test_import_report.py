"""What `import` says of a file's columns, what a dry run shows, and the table of headers."""

import csv
import io
from pathlib import Path

import pytest

from bg_assets_tests.cli.command import Command, rejects_of

SALESFORCE = (
    "Contact ID,First Name,Last Name,Title,Phone,Account ID\n"
    "003A,Ann,Lee,CFO,1,a\n003B,Bo,,CIO,2,a\n003C,Cy,Ho,,3,nowhere\n"
)


def test_how_columns_are_read_is_said_in_a_line_and_what_is_ignored_in_another(bg: Command) -> None:
    bg.companies("a")
    path = bg.file("p.csv", SALESFORCE)
    done = bg("import", "people", path)
    assert done.out == "people: 2 new, 0 changed, 0 as before, 1 rejected\n"
    assert done.err.splitlines()[:2] == [
        'Salesforce\'s columns: id = "Contact ID", company_id = "Account ID", '
        'name = "First Name" + "Last Name", title = "Title"',
        'ignored: "Phone"',
    ]
    assert bg.rows("select id, name from bg.people order by id") == [
        ("003A", "Ann Lee"), ("003B", "Bo"),
    ]  # fmt: skip
    found = bg.json("import", "people", path)
    assert (found["system"], found["ignored"]) == ("Salesforce", ["Phone"])
    assert found["columns"]["name"] == ["First Name", "Last Name"]


def test_a_dry_run_shows_columns_rows_counts_and_rejects_and_writes_nothing(bg: Command) -> None:
    bg.companies("a")
    bg("import", "people", bg.file("old.csv", "id,company_id,title\n003A,a,Old\n003Z,a,Left\n"))
    before = bg.rows("select id, xmin::text from bg.people order by id")
    changes = bg.changes()
    path = bg.file("p.csv", SALESFORCE)
    done = bg("import", "people", path, "--dry-run", "--full-snapshot")
    assert done.code == 0, done.err
    assert done.out.endswith("people: 1 new, 1 changed, 0 as before, 1 left, 1 rejected\n")
    assert "Ann Lee" in done.out
    assert "line 4: no company nowhere: import companies first" in done.err
    assert done.err.endswith("a dry run: nothing was written\n")
    found = bg.json("import", "people", path, "--dry-run", "--full-snapshot")
    assert [found[name] for name in ("inserted", "updated", "left", "rejected")] == [1, 1, 1, 1]
    assert [row["id"] for row in found["rows"]] == ["003A", "003B"]
    assert found["rejects"] == [{"line": 4, "reason": "no company nowhere: import companies first"}]
    assert bg.rows("select id, xmin::text from bg.people order by id") == before
    assert bg.changes() == changes
    assert rejects_of(path) == []
    # And what it foretold comes true.
    real = bg.json("import", "people", path, "--full-snapshot")
    assert [real[name] for name in ("inserted", "updated", "left", "rejected")] == [1, 1, 1, 1]


def test_a_file_of_which_nothing_is_taken_ends_with_1_and_one_without_rows_with_0(
    bg: Command,
) -> None:
    bg.companies("a")
    path = bg.file("p.csv", "id,company_id\np1,nowhere\np2,nowhere\n")
    for options in ((), ("--dry-run",)):
        done = bg("import", "people", path, *options)
        assert (done.code, done.out) == (1, "people: 0 new, 0 changed, 0 as before, 2 rejected\n")
        assert "nothing was taken: every row is rejected" in done.err
    path.write_text("id,company_id\np1,nowhere\np2,a\n")
    assert bg("import", "people", path).code == 0
    path.write_text("id,company_id\n")
    assert bg("import", "people", path).code == 0


def test_who_waits_for_a_refresh_is_told_with_the_end_of_the_interval(bg: Command) -> None:
    bg.companies("a", "b")
    bg.execute("delete from bg.changes")
    bg.execute(
        "insert into bg.buyer_group_refresh_log (company_id, status, reason, triggered_by, "
        "priority, as_of, starts_interval, requested_at, started_at, finished_at) values "
        "('a', 'completed', 'x', 'sensor', 1, current_date, true, now(), now(), now())"
    )
    path = bg.file("p.csv", "id,company_id,title\np1,a,CFO\np2,b,CIO\n")
    done = bg("import", "people", path)
    assert "2 companies wait for a refresh (a, b): 1 until `bg-assets up` comes" in done.err
    assert "1 until an interval is over, 20" in done.err
    waiting = bg.json("import", "people", path)["waiting"]
    assert (waiting["companies"], waiting["deferred"]) == (2, 1)
    bg.execute("delete from bg.changes")
    assert "wait" not in bg("import", "people", path).err


def test_the_table_of_headers_can_be_printed_and_extended(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "BG_HEADERS", str(bg.file("own.csv", "system,kind,column,header\nX,people,id,Nr\n"))
    )
    rows = list(csv.DictReader(io.StringIO(bg("headers").out)))
    assert rows[0] == {"system": "X", "kind": "people", "column": "id", "header": "Nr", "mark": ""}
    assert "Salesforce" in {row["system"] for row in rows}
    assert bg.json("headers") == rows
    bg.companies("a")
    assert bg.json("import", "people", bg.file("p.csv", "Nr,company_id\n1,a\n"))["inserted"] == 1
    monkeypatch.setenv("BG_HEADERS", str(Path("/nowhere.csv")))
    done = bg("headers")
    assert (done.code, done.out) == (2, "")
    assert "BG_HEADERS names it" in done.err


def test_the_first_rejects_are_told_with_their_reasons_and_the_rest_is_counted(
    bg: Command,
) -> None:
    bg.companies("a")
    rows = "p0,a,what\n" + "".join(f"p{number},b{number},\n" for number in range(1, 6))
    said = bg("import", "people", bg.file("p.csv", f"id,company_id,email\n{rows}")).err
    lines = [line for line in said.splitlines() if line.startswith(("line", "and"))]
    assert lines == [
        *(
            f"line {number + 2}: no company b{number}: import companies first"
            for number in (1, 2, 3)
        ),
        "and 2 more",
    ]


def test_a_file_without_rows_is_told_to_have_none(bg: Command) -> None:
    path = bg.file("p.csv", "Name,Company,Title\n")
    assert "the file has no rows below its header" in bg("import", "people", path).err


def test_columns_that_are_ignored_are_named_once_and_those_without_a_name_counted(
    bg: Command,
) -> None:
    path = bg.file("p.csv", "Name,Company,Phone,,Phone,\nAnn,Acme,1,2,3,4\n")
    said = bg("import", "people", path).err
    assert 'ignored: "Phone", 2 columns without a name\n' in said
    assert "no column is read as title" in said
