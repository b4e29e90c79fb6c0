"""`import`: headers, mappings, and what ends up in the tables."""

import gzip
import os

import pytest

from bg_assets_tests.cli.command import Command, rejects_of

PEOPLE = "select id, company_id, title, status from bg.people order by id"


def test_companies_and_people_are_stored_with_all_their_columns(bg: Command) -> None:
    companies = bg.file(
        "c.csv",
        "\ufeffid,name,domain,website,industry,employee_count,revenue,country\n"
        'acme,Acme Ltd,acme.com,https://acme.com/,Steel,"5,001-10,000",1500000,GB\n'
        "bond:1,Bönd 株式会社,,,,5k,,\n",
    )
    people = bg.file(
        "p.csv",
        "id,company_id,name,title,department,seniority,email,location,manager_id,start_date,"
        "end_date,status\n"
        "p1,acme,Ann Smith,CFO,Finance,C-Level,ann@acme.com,Leeds,,2020-01-31,,active\n"
        "p2,bond:1,,,,,,,p1,,2024-05-01,left\n",
    )
    done = bg.json("import", "companies", companies)
    assert done.pop("waiting")["companies"] == 2
    assert done == {
        "kind": "companies",
        "inserted": 2,
        "updated": 0,
        "unchanged": 0,
        "left": 0,
        "kept": 0,
        "rejected": 0,
        "rejects_file": None,
        "cleaned": 0,
        "system": None,
        "format": "csv",
        "sheet": None,
        "encoding": "utf-8",
        "columns": {
            name: [name]
            for name in (
                "id",
                "name",
                "domain",
                "website",
                "industry",
                "employee_count",
                "revenue",
                "country",
            )
        },
        "ignored": [],
        "dry_run": False,
        "source": None,
        "recognised": None,
        "snapshot": None,
        "companies_not_named": None,
    }
    assert bg.json("import", "people", people)["inserted"] == 2
    assert bg.rows(
        "select id, workspace, name, domain, employee_min, employee_max, revenue::int, country "
        "from bg.companies order by id"
    ) == [
        ("acme", "default", "Acme Ltd", "acme.com", 5001, 10000, 1500000, "GB"),
        ("bond:1", "default", "Bönd 株式会社", None, 5000, 5000, None, None),
    ]
    assert bg.rows(
        "select id, company_id, title, email, manager_id, start_date::text, end_date::text, status "
        "from bg.people order by id"
    ) == [
        ("p1", "acme", "CFO", "ann@acme.com", None, "2020-01-31", None, "active"),
        ("p2", "bond:1", None, None, "p1", None, "2024-05-01", "left"),
    ]


def test_the_same_file_again_writes_no_change_and_no_row(bg: Command) -> None:
    bg.companies("a", "b")
    people = bg.file("p.csv", "id,company_id,title\np1,a,CFO\np2,b,\np3,b,CEO\n")
    bg("import", "people", people)
    before = bg.rows("select id, updated_at, xmin::text from bg.people order by id")
    changes = bg.changes()
    bg.companies("a", "b")
    again = bg.json("import", "people", people, "--full-snapshot")
    assert (again["inserted"], again["updated"], again["unchanged"]) == (0, 0, 3)
    assert bg.changes() == changes
    assert bg.rows("select id, updated_at, xmin::text from bg.people order by id") == before


def test_columns_that_the_file_lacks_keep_what_they_hold(bg: Command) -> None:
    bg.companies("a")
    bg("import", "people", bg.file("p.csv", "id,company_id,title,email\np1,a,CFO,x@a.com\n"))
    done = bg.json("import", "people", bg.file("q.csv", "id,company_id,title\np1,a,CEO\n"))
    assert (done["inserted"], done["updated"], done["unchanged"]) == (0, 1, 0)
    assert bg.rows("select title, email from bg.people") == [("CEO", "x@a.com")]


def test_an_empty_cell_makes_a_value_unknown(bg: Command) -> None:
    bg.companies("a")
    bg("import", "people", bg.file("p.csv", "id,company_id,title\np1,a,CFO\n"))
    bg("import", "people", bg.file("p.csv", "id,company_id,title\np1,a,\n"))
    assert bg.value("select title from bg.people") is None


BAD_HEADERS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("id,company_id,Tittle\np1,a,CFO\n", (), '"Tittle" may be title, misspelt: add --map'),
    ("id,company_id,Job Text\np1,a,CFO\n", ("--strict",), '"Job Text" is unknown'),
    ("id,title\np1,CFO\n", (), "the required column company_id is missing"),
    ("id,title\np1,CFO\n", ("--ignore-unknown",), "the required column company_id is missing"),
    ("id,company_id,title,title\np1,a,CFO,CEO\n", (), '"title" comes twice'),
    ("id,company_id\np1,a\n", ("--map", "title=Role"), "the file does not have"),
    ("id,company_id\np1,a\n", ("--map", "tittle=company_id"), "names no column of ours"),
    ("id,company_id\np1,a\n", ("--map", "title"), "--map takes OURS=YOURS"),
    ("", (), "the file is empty"),
    ("p1,a@b.com,2020-01-01\n", (), "looks like data"),
)


@pytest.mark.parametrize(("content", "options", "reason"), BAD_HEADERS)
def test_a_file_whose_header_does_not_fit_is_refused_before_anything_changes(
    bg: Command, content: str, options: tuple[str, ...], reason: str
) -> None:
    bg.companies("a")
    changes = bg.changes()
    path = bg.file("p.csv", content)
    done = bg("import", "people", path, *options, "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert reason in done.err
    assert bg.value("select count(*) from bg.people") == 0
    assert bg.changes() == changes
    assert not path.with_name("p.csv.rejects.csv").exists()


def test_columns_are_mapped_by_options_and_by_a_file(bg: Command) -> None:
    bg.companies("a")
    path = bg.file("p.csv", "Key,Firm,Job Title,Notes\np1,a,CFO,x\n")
    options = bg.file("map.yaml", "id: Key\ncompany_id: Nonsense\n")
    done = bg(
        *("import", "people", path, "--map-file", options, "--ignore-unknown"),
        *("--map", "company_id=Firm", "--map", "title=Job Title"),
    )
    assert done.code == 0, done.err
    assert bg.rows(PEOPLE) == [("p1", "a", "CFO", "active")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nowhere.csv", "No such file"), ("folder", "is a directory"), ("pipe", "read twice")],
)
def test_what_is_no_file_is_refused(bg: Command, name: str, reason: str) -> None:
    (bg.folder / "folder").mkdir()
    os.mkfifo(bg.folder / "pipe")
    done = bg("import", "people", bg.folder / name)
    assert done.code == 2
    assert reason in done.err


ODD_TITLES = (
    "Chief 💰 Officer",
    "مدير المالية",
    "财务总监",
    "Finanz\u200fchef",
    'CFO, "acting"',
    "back\\slash\\n\\.",
    "T" * 1000,
    "\\N",
    "NULL",
    "=HYPERLINK(1)",
    "e\u0301",
)


@pytest.mark.parametrize("title", ODD_TITLES)
def test_odd_titles_are_stored_as_they_are(bg: Command, title: str) -> None:
    bg.companies("a")
    quoted = title.replace('"', '""')
    done = bg.json("import", "people", bg.file("p.csv", f'id,company_id,title\np1,a,"{quoted}"\n'))
    assert (done["inserted"], done["rejected"]) == (1, 0)
    stored = bg.value("select title from bg.people")
    assert stored == ("é" if title == "e\u0301" else title)


def test_control_characters_become_spaces_and_the_import_says_so(bg: Command) -> None:
    bg.companies("a")
    path = bg.file(
        "p.csv",
        'id,company_id,name,title\np1,a,"Eve\ndead: x",CFO\x1b[2J \0 now\np2,a,Ann\x85,CEO\n',
    )
    assert bg.json("import", "people", path)["cleaned"] == 2
    assert bg.rows("select id, name, title from bg.people order by id") == [
        ("p1", "Eve dead: x", "CFO [2J now"),
        ("p2", "Ann", "CEO"),
    ]
    done = bg("import", "people", path)
    assert (done.code, done.out) == (0, "people: 0 new, 0 changed, 2 as before, 0 rejected\n")
    assert done.err.startswith("control characters became spaces in 2 values\n")


def test_compressed_files_are_read_and_damaged_ones_leave_nothing(bg: Command) -> None:
    bg.companies("a")
    whole = gzip.compress(
        b"id,company_id\n" + b"".join(b"p%d,a\n" % number for number in range(50_000))
    )
    path = bg.folder / "p.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    done = bg("import", "people", path)
    assert done.code == 1
    assert "is damaged or cut off after line" in done.err
    assert "database" not in done.err
    assert bg.value("select count(*) from bg.people") == 0
    path.write_bytes(whole)
    assert bg.json("import", "people", path)["inserted"] == 50_000


def test_a_quote_that_is_never_closed_leaves_nothing(bg: Command) -> None:
    bg.companies("a")
    path = bg.file("p.csv", 'id,company_id\nx,nowhere\np1,a\n"p2,a\n')
    done = bg("import", "people", path)
    assert done.code == 1
    assert "line 4" in done.err
    assert bg.value("select count(*) from bg.people") == 0
    assert rejects_of(path) == []


def test_companies_get_the_workspace_of_the_command_and_keep_it(bg: Command) -> None:
    path = bg.file("c.csv", "id,name\na,Aa\n")
    bg("import", "companies", path, "--workspace", " sales-eu ")
    bg("import", "companies", path)
    assert bg.value("select workspace from bg.companies") == "sales-eu"
    done = bg.json("import", "companies", path, "--workspace", "other")
    assert done["updated"] == 1
    assert bg.value("select workspace from bg.companies") == "other"


@pytest.mark.parametrize("option", [("--workspace", "w"), ("--create-companies",)])
def test_what_is_for_a_search_is_refused_where_the_file_has_ids_of_ours(
    bg: Command, option: tuple[str, ...]
) -> None:
    done = bg("import", "people", bg.file("x.csv", "id,company_id\na,Aa\n"), *option)
    assert (done.code, done.out) == (2, "")
    assert "people whose companies are looked for" in done.err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("companies", "--create-companies"), "--create-companies goes with people"),
        (("companies", "--allow-erased"), "--allow-erased goes with people"),
        (("companies", "--workspace", " "), "--workspace takes a name"),
        (("companies", "--full-snapshot"), "--full-snapshot goes with people"),
        (("people", "--allow-leavers"), "--allow-leavers goes with --full-snapshot"),
        (("cats",), "'cats' is not one of"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    bg: Command, arguments: tuple[str, ...], reason: str
) -> None:
    kind, *options = arguments
    done = bg("import", kind, bg.file("x.csv", "id,name\na,Aa\n"), *options)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err


def test_an_untracked_company_is_tracked_again_once_it_is_imported(bg: Command) -> None:
    bg.companies("a", "b")
    bg("import", "people", bg.file("p.csv", "id,company_id,title\np1,a,CFO\n"))
    assert bg("untrack", "a").code == 0
    assert bg("show", "a").code == 2
    bg.execute("delete from bg.changes")
    done = bg.json("import", "companies", bg.file("c.csv", "id,name\na,Company a\nb,Company b\n"))
    assert (done["updated"], done["unchanged"]) == (1, 1)
    assert bg("show", "a").code == 0
    assert bg.rows("select company_id, kind from bg.changes") == [("a", "company_profile_change")]


def test_a_person_who_was_deleted_comes_back_by_an_import(bg: Command) -> None:
    bg.companies("a")
    path = bg.file("p.csv", "id,company_id,title\np1,a,CFO\n")
    bg("import", "people", path)
    bg.execute("update bg.people set deleted_at = now()")
    assert bg.json("import", "people", path)["updated"] == 1
    assert bg.value("select deleted_at from bg.people") is None


def test_a_first_import_is_few_changes(bg: Command) -> None:
    ids = [f"c{number}" for number in range(20)]
    bg.companies(*ids)
    bg.execute("delete from bg.changes")
    lines = "".join(f"{one}-{number},{one},CFO\n" for one in ids for number in range(200))
    bg("import", "people", bg.file("p.csv", "id,company_id,title\n" + lines))
    assert bg.rows("select company_id, kind from bg.changes order by company_id") == [
        (one, "resync") for one in sorted(ids)
    ]
