"""`import`: which rows are rejected and why, and the file that they end up in."""

import os
from pathlib import Path
from typing import Any

import pytest

from bg_assets_tests.cli.command import Command, rejects_of

PEOPLE = "select id, company_id, title, status from bg.people order by id"


def test_of_a_key_that_comes_twice_the_last_row_wins_and_the_others_are_rejects(
    bg: Command,
) -> None:
    bg.companies("a", "b")
    path = bg.file("p.csv", "id,company_id,title\np1,a,One\np2,a,Two\np1,a,Three\np1,b,Four\n")
    done = bg.json("import", "people", path)
    assert (done["inserted"], done["rejected"]) == (2, 2)
    assert done["rejects_file"] == str(path) + ".rejects.csv"
    assert bg.rows(PEOPLE) == [("p1", "b", "Four", "active"), ("p2", "a", "Two", "active")]
    reason = "the same id comes again in line 5: the last one counts"
    assert rejects_of(path) == [["2", reason, "p1", "a", "One"], ["4", reason, "p1", "a", "Three"]]


def test_of_rows_with_one_key_the_last_that_fits_counts(bg: Command) -> None:
    bg.companies("a")
    path = bg.file(
        "p.csv",
        "id,company_id,email\np1,a,a@b.com\np1,a,c@d.com\np1,nowhere,e@f.com\np1,a a,what\n",
    )
    bg("import", "people", path)
    assert bg.rows("select company_id, email from bg.people") == [("a", "c@d.com")]
    assert [(row[0], row[1].split(":")[0]) for row in rejects_of(path)] == [
        ("2", "the same id comes again in line 3"),
        ("4", "no company nowhere"),
        ("5", "company_id"),
    ]


def test_one_key_in_every_row_costs_no_more_than_other_keys(bg: Command) -> None:
    bg.companies("a")
    lines = "".join(f"p1,a,{number}\n" for number in range(20_000))
    done = bg.json("import", "people", bg.file("p.csv", "id,company_id,title\n" + lines))
    assert (done["inserted"], done["rejected"]) == (1, 19_999)
    assert bg.value("select title from bg.people") == "19999"


REJECTED: tuple[tuple[str, str], ...] = (
    (",a,CFO,,", "id: is empty"),
    ("x,,CFO,,", "company_id: is empty"),
    ("x,nowhere,CFO,,", "no company nowhere: import companies first"),
    ("x,gone,CFO,,", "no company gone: import companies first"),
    ("x,a..b,CFO,,", "company_id: "),
    (f"{'x' * 201},a,CFO,,", "id: takes 1 to 200 printable characters"),
    ("x\0,a,CFO,,", "id: takes 1 to 200 printable characters"),
    ("x,a\x07b,CFO,,", "company_id: takes"),
    ("x,a,CFO", "has 3 fields, the header has 5"),
    ("x,a,CFO,,,,", "has 7 fields, the header has 5"),
)


@pytest.mark.parametrize(("line", "reason"), REJECTED)
def test_a_row_that_does_not_fit_is_rejected_with_its_line_and_reason(
    bg: Command, line: str, reason: str
) -> None:
    bg.companies("a", "gone")
    bg.execute("update bg.companies set deleted_at = now() where id = 'gone'")
    path = bg.file("p.csv", f"id,company_id,title,email,status\np1,a,CEO,,\n{line}\np2,a,,,\n")
    done = bg("import", "people", path)
    assert done.code == 0
    assert done.out == "people: 2 new, 0 changed, 0 as before, 1 rejected\n"
    assert "p.csv.rejects.csv" in done.err
    ((number, said, *original),) = rejects_of(path)
    assert number == "3"
    assert said.startswith(reason)
    if "\0" not in line:
        assert ",".join(original) == line
    assert bg("import", "people", path, "--strict").code == 1
    assert bg.value("select count(*) from bg.people") == 2


def test_a_strict_import_without_rejects_ends_with_0(bg: Command) -> None:
    assert bg("import", "companies", bg.file("c.csv", "id,name\na,Aa\n"), "--strict").code == 0


def test_a_disk_that_is_full_for_the_rejects_leaves_nothing(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    bg.companies("a")
    path = bg.file("p.csv", "id,company_id\np1,a\np2,nowhere\n")
    opened = _full_disk(monkeypatch)
    done = bg("import", "people", path)
    assert opened
    assert done.code == 1
    assert "p.csv.rejects.csv can't be written (No space left on device)" in done.err
    assert bg.value("select count(*) from bg.people") == 0
    assert list(bg.folder.glob("*rejects*")) == []


def _full_disk(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """From now on what is written to a file of rejects goes to a device that is full."""
    real, opened = os.fdopen, list[Any]()

    def fdopen(descriptor: int, *arguments: Any, **options: Any) -> Any:
        os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor)
        opened.append(descriptor)
        return real(descriptor, *arguments, **options)

    monkeypatch.setattr("bg_assets.writing.os.fdopen", fdopen)
    return opened


def test_a_folder_that_can_not_be_written_leaves_nothing(bg: Command) -> None:
    bg.companies("a")
    path = bg.file("p.csv", "id,company_id\np1,a\np2,nowhere\n")
    (bg.folder / "p.csv.rejects.csv" / "in").mkdir(parents=True)
    done = bg("import", "people", path)
    assert done.code == 1
    assert "make its folder writable" in done.err
    assert bg.value("select count(*) from bg.people") == 0


def test_rejects_of_an_earlier_import_go_away(bg: Command) -> None:
    path = bg.file("c.csv", "id,name\na,\n")
    bg("import", "companies", path)
    assert len(rejects_of(path)) == 1
    path.write_text("id,name\na,Aa\n")
    bg("import", "companies", path)
    assert not Path(f"{path}.rejects.csv").exists()


@pytest.mark.parametrize("bad", [True, False], ids=["rejects", "none"])
def test_a_device_in_place_of_the_rejects_stays_one(bg: Command, bad: bool) -> None:
    path = bg.file("c.csv", f"id,name\na,{'' if bad else 'Aa'}\nb,Bb\n")
    rejects = bg.folder / "c.csv.rejects.csv"
    os.mkfifo(rejects)
    reader = os.open(rejects, os.O_RDONLY | os.O_NONBLOCK)
    done = bg("import", "companies", path)
    assert done.code == 0, done.err
    assert rejects.is_fifo()
    assert os.read(reader, 1000).decode() == (
        "line,reason,id,name\n2,name: is empty,a,\n" if bad else ""
    )
    os.close(reader)


def test_a_link_in_place_of_the_rejects_is_followed(bg: Command) -> None:
    path = bg.file("c.csv", "id,name\na,\nb,Bb\n")
    (bg.folder / "c.csv.rejects.csv").symlink_to("elsewhere.csv")
    for content, lines in (("id,name\na,\nb,Bb\n", 2), ("id,name\na,Aa\n", 1)):
        path.write_text(content)
        assert bg("import", "companies", path).code == 0
        assert (bg.folder / "c.csv.rejects.csv").is_symlink()
        found = (bg.folder / "elsewhere.csv").read_text().splitlines()
        assert (found[0], len(found)) == ("line,reason,id,name", lines)
