"""`attach` and `detach` as they are typed: what is shown, refused, and done."""

import pytest

from bg_assets_tests.cli.command import Command
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import DJANGO, PARTITIONED, PRISMA, RAILS, as_owner

PEOPLE = ("attach", "people", "--table")


@pytest.fixture
def prisma(bg: Command) -> Command:
    shapes.make(bg.engine, PRISMA)
    return bg


def test_a_dry_run_shows_what_would_be_read_and_done_and_changes_nothing(prisma: Command) -> None:
    done = prisma(*PEOPLE, "people", "--dry-run")

    assert done.code == 0, done.err
    for said in (
        "name          fullName", "title         jobTitle", "who is gone   deletedAt",
        "Ada A", "public.people: 3 rows, 3 there, 0 gone", "create trigger capture_people_update",
        "and at 2 that are not: attach or import companies", "nothing was changed",
        "it is only read: what events and providers tell of its people is kept beside it",
    ):  # fmt: skip
        assert said in done.out, done.out
    missing = [line for line in done.out.splitlines() if line.startswith("an index is missing")]
    assert missing == [
        "an index is missing: create index concurrently on public.people ((id::text));"
    ]
    assert prisma.value("select count(*) from bg.attached_tables") == 0
    assert prisma("attach").out.count("nothing is attached") == 2


def test_attached_companies_and_people_wait_for_their_first_groups(prisma: Command) -> None:
    first = prisma.json("attach", "companies", "--table", '"Company"')
    second = prisma.json(*PEOPLE, "public.people")

    assert (first["there"], first["to_be_refreshed"]) == (2, 2)
    assert (second["there"], second["companies"], second["untracked_companies"]) == (3, 2, 0)
    assert second["columns"]["name"] == ["fullName"]
    assert second["first"][0]["company_id"] == "clq1"
    status = prisma.json("status")
    assert status["pending"]["companies"] == 2
    assert status["attached"] == {"companies": 'public."Company"', "people": "public.people"}
    assert "people attached             public.people" in prisma("status").out
    listed = prisma.json("attach")
    assert [one["table"] for one in listed["attached"]] == ['public."Company"', "public.people"]
    assert listed["beside"] == {"people": 0, "people_of_ours_alone": 0}
    assert "told of beside it: 0 of these people" in prisma("attach").out


def test_detached_all_is_as_before(prisma: Command) -> None:
    prisma("attach", "companies", "--table", "public.Company")
    assert prisma("detach", "companies").code == 0
    again = prisma("detach", "companies")

    assert (again.code, again.out) == (2, "")
    assert "companies are not attached" in again.err


def test_an_import_is_kept_beside_a_table_that_is_only_read(prisma: Command) -> None:
    prisma("attach", "companies", "--table", "public.Company")
    prisma(*PEOPLE, "people")
    ada, bob = PRISMA.ada, PRISMA.bob
    file = prisma.file(
        "people.csv",
        f"id,company_id,name,title,email\n{ada},clq1,Ada A,VP Finance,\n"
        f"{bob},clq1,Bob B,Controller,\nnew-1,clq1,New One,CIO,n@acme.example\n",
    )
    prisma.execute("delete from bg.changes")
    dry = prisma("import", "people", file, "--dry-run")
    done = prisma.json("import", "people", file)
    again = prisma.json("import", "people", file)

    assert "public.people is attached: what this file says is kept beside it" in dry.err
    assert (done["inserted"], done["updated"], done["unchanged"]) == (1, 1, 1)
    assert (again["inserted"], again["updated"], again["unchanged"]) == (0, 0, 3)
    changes = "select string_agg(person_id || ' ' || kind, ', ' order by kind) from bg.changes"
    assert prisma.value(changes) == f"new-1 person_joined, {ada} role_change"
    ids = "select string_agg(id, ' ' order by id) from bg.observed_people"
    assert prisma.value(ids) == f"{ada} new-1"
    email = f"select email from bg.canonical_people where id = '{ada}'"
    assert prisma.value(email) == "ada@acme.example"
    assert prisma.value("select count(*) from people") == 3
    detached = prisma("detach", "people")
    assert "what was told of 2 people beside it is kept" in detached.out


def test_what_can_not_be_imported_while_a_table_is_attached_is_refused_in_a_sentence(
    prisma: Command,
) -> None:
    prisma(*PEOPLE, "people")
    file = prisma.file("people.csv", "id,company_id\np1,acme\n")
    snapshot = prisma("import", "people", file, "--full-snapshot")
    prisma(*PEOPLE, "people", "--writable")
    for more in ((), ("--dry-run",)):
        done = prisma("import", "people", file, *more)
        assert done.code == 2
        assert "people are read from public.people, which is attached: write there" in done.err
    assert (snapshot.code, "not --full-snapshot" in snapshot.err) == (2, True)


def test_who_would_write_or_read_what_is_not_there_is_told_what_to_do(prisma: Command) -> None:
    prisma.json("attach", "companies", "--table", "public.Company")
    prisma.json(*PEOPLE, "people")
    untracked = prisma("untrack", "clq1")
    prisma.execute('alter table people drop column "jobTitle"')
    shown = prisma("show", "clq1")

    assert (untracked.code, shown.code) == (1, 0)
    assert "nothing was changed: companies are read from" in untracked.err
    assert "BG001" not in untracked.err
    assert "has no column jobTitle (title) any more: `bg-assets attach people" in shown.err


WRONG = [
    (("public.peple",), "there is no table public.peple", "did you mean public.people"),
    (("bg.people",), "bg.people is a table of this system", ""),
    (("people", "--map", "titel=jobTitle"), "people have no column titel", "did you mean title?"),
    (("people", "--map", "title=jobTitel"), "public.people has no column jobTitel",
     "did you mean jobTitle?"),
    (("people", "--map", "company_id=none"), "no column of public.people is known to be company_id",
     "--map company_id=COLUMN"),
    (("people", "--map", "start_date=jobTitle"), "column jobTitle is text, which can't be read as",
     "leave it out"),
    (("people", "--deleted", "removedAt"), "--deleted removedAt: public.people has no such column",
     ""),
    (("people", "--map", "email=fullName+email"), "email can't be joined", ""),
    (("people", "--map", "email"), "--map takes OURS=YOURS", ""),
]  # fmt: skip


def test_what_is_wrong_is_said_with_what_to_type(prisma: Command) -> None:
    for arguments, said, hint in WRONG:
        done = prisma(*PEOPLE, *arguments, "--dry-run")
        assert done.code == 2, (arguments, done)
        assert said in done.err
        assert hint in done.err
    assert "which table?" in prisma("attach", "people").err


def test_rights_that_are_missing_are_said_as_statements_before_anything_changes(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes.make(bg.engine, PARTITIONED)
    bg.execute("do $$ begin create role bg_reader login; "
               "exception when duplicate_object then null; end $$")  # fmt: skip
    bg.execute("grant usage on schema bg to bg_reader")
    bg.execute("grant all on all tables in schema bg to bg_reader")
    url = bg.engine.url.set(username="bg_reader").render_as_string(hide_password=False)
    monkeypatch.setenv("BG_DATABASE_URL", url)
    done = bg(*PEOPLE, "crm.staff", "--map", "company_id=org")

    assert done.code == 2
    for grant in (
        "grant usage on schema crm to bg_reader;",
        "grant select, trigger on crm.staff to bg_reader;",
        "grant trigger on crm.staff_rest_0 to bg_reader;",
    ):  # fmt: skip
        assert grant in done.err
    assert bg.value("select count(*) from bg.attached_tables") == 0


def test_a_large_table_without_an_index_is_refused_with_the_statement_to_run(bg: Command) -> None:
    shapes.make(bg.engine, RAILS)
    bg.execute("insert into app.people (company_id, title) select g % 500, 'x' "
               "from generate_series(1, 21000) as g")  # fmt: skip
    index = "create index concurrently on app.people ((company_id::text));"
    as_owner(bg.engine, "drop index app.people_company_id_idx")
    refused = bg(*PEOPLE, "app.people")
    forced = bg(*PEOPLE, "app.people", "--without-indexes")

    assert (refused.code, forced.code) == (2, 0)
    assert index in refused.err
    assert index in forced.out
    bg.execute("create index on app.people ((company_id::text))")
    assert index not in bg(*PEOPLE, "app.people").out


def test_names_of_persons_are_joined_and_what_a_status_says_is_understood(bg: Command) -> None:
    shapes.make(bg.engine, RAILS)
    bg.execute("alter table app.people add column state text")
    bg.execute("update app.people set state = 'Former' where id = 3")
    found = bg.json(*PEOPLE, "app.people", "--map", "status=state")

    shown = bg("attach", "companies", "--table", "app.companies", "--dry-run").out
    assert "a file that names a company by its domain reads the whole table: create index" in shown
    assert "concurrently on app.companies (lower(" in shown
    assert found["columns"]["name"] == ["first_name", "last_name"]
    assert [row["name"] for row in found["first"]] == ["Ada A", "Bob"]
    assert (found["there"], found["gone"], found["deleted"]) == (2, 1, ["discarded_at"])


def test_a_table_that_is_attached_again_keeps_what_was_said_of_it(bg: Command) -> None:
    shapes.make(bg.engine, DJANGO)
    bg.execute("alter table app_person rename column job_title to what")
    first = bg.json(*PEOPLE, "app_person", "--map", "title=what", "--deleted", "is_active")
    bg.execute("alter table app_person rename column full_name to called")
    listed = bg.json("attach", code=1)
    again = bg.json(*PEOPLE, "app_person", "--map", "name=called")

    assert "--map name=called" in listed["problems"][0]
    assert first["columns"]["title"] == again["columns"]["title"] == ["what"]
    assert again["columns"]["name"] == ["called"]
    assert bg.json("attach")["problems"] == []


def test_ids_of_several_rows_are_refused(bg: Command) -> None:
    bg.execute("create table firms (code text, name text)")
    bg.execute("insert into firms values ('a', 'One'), ('a', 'Two'), ('b', 'Three')")
    done = bg("attach", "companies", "--table", "firms", "--map", "id=code")

    assert done.code == 2
    assert "column code of public.firms has ids that several rows share (1)" in done.err
    bg.execute("delete from firms where name = 'Two'")
    assert bg("attach", "companies", "--table", "firms", "--map", "id=code").code == 0


def test_names_that_would_end_a_function_of_ours_are_refused(bg: Command) -> None:
    bg.execute('create table odd (id text primary key, name text, "x$capture$; drop" text)')
    done = bg("attach", "companies", "--table", "odd")

    assert done.code == 2
    assert "odd has a name with $attached$ or $capture$ or $refuse$ in it" in done.err


def test_odd_names_are_taken_as_they_are(bg: Command) -> None:
    bg.execute("""create schema "My ""App" """)
    bg.execute("""create table "My ""App"."Or%gs {x}" ("I'D" text primary key, "Na""me {0}" text,
        "100%" integer)""")  # fmt: skip
    bg.execute("""insert into "My ""App"."Or%gs {x}" values ('a', 'Acme', 7)""")
    found = bg.json("attach", "companies", "--table", '"My ""App"."Or%gs {x}"',
                    "--map", 'name=Na"me {0}', "--map", "employee_count=100%")  # fmt: skip
    bg.execute("""update "My ""App"."Or%gs {x}" set "100%" = 8""")

    assert (found["first"][0]["name"], found["first"][0]["employee_max"]) == ("Acme", 7)
    new = bg.value("select new ->> 'employee_max' from bg.changes order by id desc limit 1")
    assert new == "8"
    assert bg("attach").code == bg("detach", "companies").code == 0


def test_what_stands_in_our_own_table_is_said_to_be_out_of_force(prisma: Command) -> None:
    prisma.companies("acme")
    prisma.execute("insert into bg.people (id, company_id) values ('p1', 'acme')")
    done = prisma(*PEOPLE, "people", "--dry-run")
    assert "bg.people has 1 row, of no account while this is attached" in done.out


def test_ids_that_cannot_be_ours_are_counted_and_left_out(bg: Command) -> None:
    bg.execute("create table firms (id text primary key, name text)")
    bg.execute("insert into firms values ('ok-1', 'One'), ('no good', 'Two'), ('a..b', 'Three'), "
               "('/x', 'Four'), ('ok_2', null)")  # fmt: skip
    found = bg.json("attach", "companies", "--table", "firms")

    assert (found["there"], found["unfit"], found["to_be_refreshed"]) == (2, 3, 2)
    assert {row["name"] for row in found["first"]} == {"One", "ok_2"}
    bg.execute("insert into firms values ('still bad', 'Five')")
    assert bg.value("select count(*) from bg.changes where company_id = 'still bad'") == 0


def test_a_dry_run_shows_how_each_column_would_be_written(prisma: Command) -> None:
    prisma.json("attach", "companies", "--table", "public.Company")
    shown = prisma(*PEOPLE, "people", "--writable", "--dry-run")
    assert "it is written: what events and providers tell of its people" in shown.out
    assert "  title: jobTitle = r.title" in shown.out
    assert "  kept beside it: location, no column of the table holds it" in shown.out
    assert "who is deleted: deletedAt = (now() at time zone 'UTC'), back null" in shown.out
    assert prisma(*PEOPLE, "people", "--writable").code == 0
    again = prisma.json(*PEOPLE, "people")
    assert (again["writable"], again["writes"]["new_people"]) == (True, True)
    assert "it is written to; told of beside it" in prisma("attach").out
    assert prisma.json(*PEOPLE, "people", "--read-only")["writable"] is False
    assert [one["writable"] for one in prisma.json("attach")["attached"]] == [False, False]
    refused = prisma("attach", "companies", "--table", "public.Company", "--writable")
    assert (refused.code, "--writable is for people" in refused.err) == (2, True)
