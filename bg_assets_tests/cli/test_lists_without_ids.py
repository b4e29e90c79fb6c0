"""Lists as people have them, without ids: who is meant is found, and nobody comes twice."""

import pytest

from bg_assets_tests.cli.command import Command, rejects_of

HEADER = "First Name,Last Name,Company,Job Title,Email\n"
FIRST = (
    HEADER + "Ann,Smith,Acme Inc.,CFO,ann@acme.com\n"
    "Bob,Ng,ACME,CEO,bob@acme.com\n"
    "Cy,Roe,Bolt GmbH,CTO,\n"
    "Dee,Lo,Bolt,Buyer,dee@gmail.com\n"
)


def people(bg: Command) -> dict[str, tuple[str, ...]]:
    """Company, title and e-mail of everybody, by name."""
    rows = bg.rows(
        "select p.name, c.name, p.title, p.email, p.status from bg.people as p "
        "join bg.companies as c on c.id = p.company_id order by p.name"
    )
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def ids(bg: Command) -> dict[str, str]:
    return dict(bg.rows("select name, id from bg.people"))


def test_a_list_without_ids_creates_people_and_their_companies_where_there_are_none(
    bg: Command,
) -> None:
    done = bg.json("import", "people", bg.file("p.csv", FIRST))
    assert (done["inserted"], done["rejected"]) == (4, 0)
    assert done["recognised"]["companies_new"] == 2
    assert people(bg)["Bob Ng"] == ("Acme Inc.", "CEO", "bob@acme.com", "active")
    assert bg.value("select count(*) from bg.companies where workspace = 'default'") == 2
    for known in (*bg.rows("select id from bg.people"), *bg.rows("select id from bg.companies")):
        assert len(known[0]) == 36


def test_the_same_list_again_changes_nothing(bg: Command) -> None:
    file = bg.file("p.csv", FIRST)
    bg.json("import", "people", file)
    before = bg.rows("select id, xmin::text from bg.people order by id")
    changes = bg.changes()
    done = bg.json("import", "people", file, "--full-snapshot")
    assert (done["inserted"], done["updated"], done["unchanged"], done["left"]) == (0, 0, 4, 0)
    assert bg.rows("select id, xmin::text from bg.people order by id") == before
    assert bg.changes() == changes


def test_after_a_month_the_right_people_have_changed_and_nobody_is_there_twice(
    bg: Command,
) -> None:
    bg.json("import", "people", bg.file("p.csv", FIRST))
    before = ids(bg)
    later = (
        HEADER + "Ann,Smith,Bolt,COO,ann@acme.com\n"
        "Bob,Ng,Acme,Chairman,bob.ng@acme.com\n"
        '"Cy","Roe","Bolt GmbH","CIO",cy@bolt.com\n'
        "Dee,Miller-Lo,Bolt,Head Buyer,dee@gmail.com\n"
        "Eve,New,Acme Inc,Intern,\n"
    )
    done = bg.json("import", "people", bg.file("q.csv", later))
    assert (done["inserted"], done["updated"], done["rejected"]) == (1, 4, 0)
    after = ids(bg)
    assert {name: before.get(name, "new") for name in ("Ann Smith", "Bob Ng", "Cy Roe")} == {
        name: after[name] for name in ("Ann Smith", "Bob Ng", "Cy Roe")
    }
    assert after["Dee Miller-Lo"] == before["Dee Lo"]
    assert people(bg)["Ann Smith"] == ("Bolt GmbH", "COO", "ann@acme.com", "active")
    assert people(bg)["Cy Roe"][2] == "cy@bolt.com"
    assert len(after) == 5


def test_a_mailbox_of_several_is_nobody_s_identity(bg: Command) -> None:
    rows = "Ann,Smith,Acme,CFO,info@acme.com\nBob,Ng,Acme,CEO,info@acme.com\n"
    file = bg.file("p.csv", HEADER + rows)
    assert bg.json("import", "people", file)["inserted"] == 2
    assert bg.json("import", "people", file)["unchanged"] == 2
    alone = bg.file("q.csv", HEADER + "Ann,Smith,Acme,CEO,info@acme.com\n")
    assert bg.json("import", "people", alone)["updated"] == 1
    other = bg.file("r.csv", HEADER + "Cy,Roe,Acme,CTO,info@acme.com\n")
    assert bg.json("import", "people", other, code=1)["rejected"] == 1
    assert "could be the person" in rejects_of(other)[0][1]
    assert people(bg)["Ann Smith"][1] == "CEO"


def test_an_address_that_goes_to_somebody_of_another_name_does_not_make_them_one(
    bg: Command,
) -> None:
    bg.json("import", "people", bg.file("p.csv", HEADER + "Ann,Smith,Acme,CFO,cfo@acme.com\n"))
    done = bg.json("import", "people", bg.file("q.csv", HEADER + "Bob,Ng,Acme,CFO,cfo@acme.com\n"))
    assert done["inserted"] == 1
    assert set(people(bg)) == {"Ann Smith", "Bob Ng"}


def test_who_could_be_two_is_rejected_with_both(bg: Command) -> None:
    bg.companies("a")
    bg("import", "people", bg.file("p.csv", "id,company_id,name\np1,a,Jo Roe\np2,a,Jo Roe\n"))
    file = bg.file("q.csv", HEADER + "Jo,Roe,Company A,CFO,\n")
    done = bg.json("import", "people", file, code=1)
    assert done["rejected"] == 1
    assert rejects_of(file)[0][1] == "could be the person p1 or p2"


def test_two_of_one_name_with_two_addresses_are_two_and_stay_two(bg: Command) -> None:
    rows = "Jo,Roe,Acme,CFO,jo1@acme.com\nJo,Roe,Acme,CEO,jo2@acme.com\n"
    file = bg.file("p.csv", HEADER + rows)
    assert bg.json("import", "people", file)["inserted"] == 2
    assert bg.json("import", "people", file)["unchanged"] == 2


def test_a_company_that_nobody_knows_is_created_only_when_that_is_asked_for(bg: Command) -> None:
    bg.companies("a")
    file = bg.file("p.csv", HEADER + "Ann,Smith,Bolt,CFO,\nBob,Ng,Company A Ltd,CEO,\n")
    done = bg.json("import", "people", file)
    assert (done["inserted"], done["rejected"]) == (1, 1)
    assert 'no company "Bolt" is known' in rejects_of(file)[0][1]
    again = bg.json("import", "people", file, "--create-companies")
    assert (again["inserted"], again["unchanged"]) == (1, 1)
    assert people(bg)["Ann Smith"][0] == "Bolt"


def test_nothing_is_created_where_that_is_refused(bg: Command) -> None:
    done = bg.json("import", "people", bg.file("p.csv", FIRST), "--no-create-companies", code=1)
    assert done["rejected"] == 4
    assert bg.value("select count(*) from bg.companies") == 0


def test_a_dry_run_tells_who_would_be_found_and_who_is_new_and_writes_nothing(bg: Command) -> None:
    bg.json("import", "people", bg.file("p.csv", FIRST))
    before = bg.rows("select id, xmin::text from bg.people order by id"), bg.changes()
    more = FIRST + "Eve,New,Cord AG,CEO,\n"
    done = bg.json("import", "people", bg.file("q.csv", more), "--dry-run", "--create-companies")
    assert done["recognised"] == {
        "by_source": 0, "by_email": 3, "by_domain": 0, "by_name": 1, "new": 1,
        "companies_known": 2, "companies_new": 1,
    }  # fmt: skip
    assert (done["inserted"], done["unchanged"]) == (1, 4)
    said = bg("import", "people", bg.file("q.csv", more), "--dry-run", "--create-companies").err
    assert "people known: 3 by e-mail, 1 by company and name; new: 1" in said
    assert "2 known, 1 would be created" in said
    shown = done["rows"]
    assert [row["id"] for row in shown][:4] == [ids(bg)[row["name"]] for row in shown[:4]]
    assert (shown[4]["id"], shown[4]["company_id"]) == (None, None)
    assert before == (bg.rows("select id, xmin::text from bg.people order by id"), bg.changes())
    assert bg.value("select count(*) from bg.companies") == 2


def test_the_employer_is_told_by_the_address_where_no_name_does(bg: Command) -> None:
    bg("import", "companies", bg.file("c.csv", "id,name,domain\na,Acme,acme.com\n"))
    rows = "Ann,Smith,,CFO,ann@acme.com\nBob,Ng,,CEO,bob@gmail.com\nCy,Roe,Acme UK,CTO,cy@acme.com"
    file = bg.file("p.csv", HEADER + rows + "\n")
    done = bg.json("import", "people", file)
    assert (done["inserted"], done["rejected"]) == (2, 1)
    assert rejects_of(file)[0][1].startswith("its company is not known")
    assert set(people(bg)) == {"Ann Smith", "Cy Roe"}


def test_who_moved_and_keeps_the_old_address_is_at_the_company_that_is_named(bg: Command) -> None:
    bg("import", "companies", bg.file("c.csv", "id,name,domain\na,Acme,acme.com\nb,Bolt,b.com\n"))
    bg.json("import", "people", bg.file("p.csv", HEADER + "Ann,Smith,Acme,CFO,ann@acme.com\n"))
    bg.json("import", "people", bg.file("q.csv", HEADER + "Ann,Smith,Bolt,CFO,ann@acme.com\n"))
    assert people(bg)["Ann Smith"][0] == "Bolt"
    file = bg.file("r.csv", HEADER + "Ann,Smith,Cord,CFO,ann@acme.com\n")
    assert bg.json("import", "people", file, code=1)["rejected"] == 1


def test_companies_without_ids_are_known_again_by_domain_or_name(bg: Command) -> None:
    first = "Company Name,Website,Employees\nAcme Inc.,www.acme.com,50\nBolt GmbH,,20\n"
    assert bg.json("import", "companies", bg.file("c.csv", first))["inserted"] == 2
    assert bg.value("select domain from bg.companies where name = 'Acme Inc.'") == "acme.com"
    assert bg.json("import", "companies", bg.file("c.csv", first))["unchanged"] == 2
    later = (
        "Company Name,Website,Employees\nAcme Worldwide,https://acme.com/en,70\n"
        "BOLT,https://bolt.com,30\nCord,,5\n"
    )
    done = bg.json("import", "companies", bg.file("d.csv", later))
    assert (done["inserted"], done["updated"]) == (1, 2)
    assert bg.rows("select name, domain, employee_min from bg.companies order by name") == [
        ("Acme Worldwide", "acme.com", 70), ("BOLT", "bolt.com", 30), ("Cord", None, 5),
    ]  # fmt: skip


def test_companies_of_one_name_with_two_domains_are_two(bg: Command) -> None:
    file = bg.file("c.csv", "name,domain\nDelta,delta.com\nDelta,delta.de\n")
    assert bg.json("import", "companies", file)["inserted"] == 2
    assert bg.json("import", "companies", file)["unchanged"] == 2
    people = bg.file("p.csv", HEADER + "Ann,Smith,Delta,CFO,\n")
    bg.json("import", "people", people, code=1)
    assert "the company could be " in rejects_of(people)[0][1]


def test_a_file_s_companies_that_could_each_be_the_one_known_are_rejected(bg: Command) -> None:
    bg("import", "companies", bg.file("c.csv", "id,name\nd,Delta\n"))
    file = bg.file("d.csv", "name,domain\nDelta,delta.com\nDelta,delta.de\n")
    assert bg.json("import", "companies", file, code=1)["rejected"] == 2
    assert "this and line 3 could each be the company d" in rejects_of(file)[0][1]


def test_names_and_addresses_count_within_one_workspace(bg: Command) -> None:
    for where in ("north", "south"):
        path = bg.file(f"{where}.csv", f"id,name,domain\n{where}-a,Acme,acme.com\n")
        assert bg("import", "companies", path, "--workspace", where).code == 0
    file = bg.file("p.csv", HEADER + "Ann,Smith,Acme,CFO,ann@acme.com\n")
    done = bg("import", "people", file)
    assert (done.code, "--workspace" in done.err) == (2, True)
    for _ in range(2):
        for where in ("north", "south"):
            assert bg("import", "people", file, "--workspace", where).code == 0
    assert bg.rows("select company_id from bg.people order by 1") == [("north-a",), ("south-a",)]


def test_ids_of_a_source_are_its_own_and_people_are_known_by_them_whatever_else_changes(
    bg: Command,
) -> None:
    bg("import", "companies", bg.file("c.csv", "id,name\n001A,Acme\n"), "--source", "crm")
    header = "id,company_id,name,title,manager_id\n"
    file = bg.file("p.csv", header + "7,001A,Ann Smith,CFO,\n8,001A,Bob Ng,CEO,7\n")
    assert bg.json("import", "people", file, "--source", "crm")["inserted"] == 2
    assert bg.json("import", "people", file, "--source", "CRM")["unchanged"] == 2
    before = ids(bg)
    assert bg.value("select manager_id from bg.people where name = 'Bob Ng'") == before["Ann Smith"]
    assert all(len(one) == 36 for one in before.values())
    later = bg.file("q.csv", header + "7,001A,Ann Miller,COO,\n")
    assert bg.json("import", "people", later, "--source", "crm")["updated"] == 1
    assert ids(bg)["Ann Miller"] == before["Ann Smith"]


@pytest.mark.parametrize("source", [(), ("--source", "crm")])
def test_an_export_of_people_alone_brings_its_companies_along_with_the_ids_of_its_source(
    bg: Command, source: tuple[str, ...]
) -> None:
    header = "Contact ID,Account ID,Account Name,Name\n"
    file = bg.file("p.csv", header + "7,001A,Acme,Ann Smith\n8,001B,Acme,Bob Ng\n")
    done = bg.json("import", "people", file, *source)
    assert (done["inserted"], done["recognised"]["companies_new"]) == (2, 2)
    accounts = bg.file("c.csv", "Account ID,Account Name\n001A,Acme Ltd\n001B,Acme France\n")
    assert bg.json("import", "companies", accounts, *source)["updated"] == 2
    assert bg.json("import", "people", file, *source)["unchanged"] == 2
    assert set(bg.rows("select name from bg.companies")) == {("Acme Ltd",), ("Acme France",)}


def test_two_of_one_name_whom_a_source_tells_apart_stay_apart(bg: Command) -> None:
    bg.companies("a")
    header = "id,company_id,name,title\n"
    file = bg.file("p.csv", header + "7,a,Jo Roe,CFO\n8,a,Jo Roe,CEO\n")
    assert bg.json("import", "people", file, "--source", "crm")["inserted"] == 2
    assert bg.json("import", "people", file, "--source", "crm")["unchanged"] == 2
    third = bg.file("q.csv", header + "9,a,Jo Roe,Clerk\n")
    assert bg.json("import", "people", third, "--source", "crm")["inserted"] == 1


def test_who_came_by_a_list_gets_the_id_that_a_source_has_for_them(bg: Command) -> None:
    bg.json("import", "people", bg.file("p.csv", FIRST))
    crm = bg.file(
        "q.csv",
        "Contact ID,Account Name,Name,Email\n7,Acme,Ann Smith,\n8,Bolt,D. Lo,dee@gmail.com\n",
    )
    assert bg.json("import", "people", crm, "--source", "crm")["inserted"] == 0
    moved = bg.file("r.csv", "Contact ID,Account Name,Name\n7,Bolt,Ann Miller\n")
    assert bg.json("import", "people", moved, "--source", "crm")["updated"] == 1
    assert people(bg)["Ann Miller"][0] == "Bolt GmbH"


def test_connections_of_linkedin_are_imported_and_known_by_their_profiles(bg: Command) -> None:
    header = "First Name,Last Name,URL,Email Address,Company,Position,Connected On\n"
    notes = 'Notes:\n"When exporting your connection data, you may notice some are missing."\n\n'
    url = "https://www.linkedin.com/in/"
    first = notes + header + f"Ann,Smith,{url}ann,,Acme,CFO,01 Nov 2025\n,,{url}x,,,,\n"
    file = bg.file("Connections.csv", first)
    done = bg.json("import", "people", file)
    assert (done["inserted"], done["system"], done["source"]) == (1, "LinkedIn", "linkedin")
    assert bg.json("import", "people", file)["unchanged"] == 1
    later = notes + header + f"Ann,Miller,{url}ann,,Bolt,COO,01 Nov 2025\n"
    done = bg.json("import", "people", bg.file("C2.csv", later), "--create-companies")
    assert (done["inserted"], done["updated"]) == (0, 1)
    ((name, company, one),) = bg.rows(
        "select p.name, c.name, p.id from bg.people as p join bg.companies as c "
        "on c.id = p.company_id"
    )
    assert (name, company, "ann" in one) == ("Ann Miller", "Bolt", False)


def test_a_snapshot_without_ids_marks_who_left_and_is_refused_where_somebody_is_not_told(
    bg: Command,
) -> None:
    bg.json("import", "people", bg.file("p.csv", FIRST))
    lines = FIRST.splitlines(keepends=True)
    done = bg.json("import", "people", bg.file("q.csv", "".join(lines[:4])), "--full-snapshot")
    assert done["left"] == 1
    assert people(bg)["Dee Lo"][3] == "left"
    unclear = bg.file("r.csv", FIRST + "Ann,Smith,Nowhere,CFO,\n")
    refused = bg("import", "people", unclear, "--full-snapshot")
    assert (refused.code, "don't tell whom they mean" in refused.err) == (1, True)


def test_somebody_at_a_company_that_is_no_longer_tracked_is_rejected(bg: Command) -> None:
    bg.companies("a")
    bg.execute("update bg.companies set deleted_at = now()")
    file = bg.file("p.csv", HEADER + "Ann,Smith,Company A,CFO,\n")
    bg.json("import", "people", file, "--create-companies", code=1)
    assert "no longer tracked" in rejects_of(file)[0][1]


@pytest.mark.parametrize("source", ["", "a b", "-x", "x" * 64])
def test_a_source_has_a_short_plain_name(bg: Command, source: str) -> None:
    file = bg.file("p.csv", "id,company_id\n1,a\n")
    assert bg("import", "people", file, "--source", source).code == 2
