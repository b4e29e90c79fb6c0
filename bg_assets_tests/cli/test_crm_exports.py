"""Exports of CRMs, with ids of theirs, one after the other and beside other lists: nobody twice."""

from itertools import permutations

import pytest

from bg_assets_tests.cli.command import Command, rejects_of
from bg_assets_tests.storage import told

PEOPLE = (
    ("Ann", "Smith", "CFO", "Acme Inc.", "ann@acme.com"),
    ("Bob", "Ng", "CIO", "Acme Inc.", "bob@acme.com"),
    ("Finn", "Ode", "CEO", "Bolt GmbH", "finn@bolt.de"),
)
COMPANIES = ("Acme Inc.", "Bolt GmbH")
HUBSPOT = "Record ID,First Name,Last Name,Job Title,Associated Company,Email,Lead Status," \
    "Primary Associated Company ID\n"  # fmt: skip
EXPORTS = {
    "hubspot": HUBSPOT
    + "".join(
        f"{900 + at},{','.join(one)},,{70 + COMPANIES.index(one[3])}\n"
        for at, one in enumerate(PEOPLE)
    ),
    "salesforce": "Contact ID,First Name,Last Name,Title,Account Name,Email,Account ID\n"
    + "".join(
        f"003{at},{','.join(one)},001{COMPANIES.index(one[3])}\n" for at, one in enumerate(PEOPLE)
    )
    + '\n"Contacts & Accounts"\n"Copyright (c) 2026 salesforce.com, inc."\n"Acme Sales"\n',
    "pipedrive": "Person - ID;Person - Name;Person - Job title;Person - Organization;"
    "Person - Email - Work\n"
    + "".join(f"{at};{a} {b};{t};{c};{e}\n" for at, (a, b, t, c, e) in enumerate(PEOPLE)),
    "list": "First Name,Last Name,Title,Company,Email\n"
    + "".join(f"{','.join(one)}\n" for one in PEOPLE),
}
ORDERS = [one for one in permutations(EXPORTS) if one[0] < one[-1]][::3]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_whoever_comes_first_the_others_know_everybody(bg: Command, order: tuple[str, ...]) -> None:
    for number, system in enumerate(order):
        done = bg.json("import", "people", bg.file(f"{system}.csv", EXPORTS[system]))
        assert (done["inserted"], done["rejected"], done["kept"]) == (0 if number else 3, 0, 0)
    changes = bg.changes()
    for system in order:
        assert bg.json("import", "people", bg.folder / f"{system}.csv")["unchanged"] == 3
    assert bg.changes() == changes
    assert bg.value("select count(*) from bg.companies") == 2


def test_accounts_that_come_after_people_are_the_companies_of_these_people(bg: Command) -> None:
    bg.json("import", "people", bg.file("list.csv", EXPORTS["list"]))
    accounts = "Account ID,Account Name,Website,Employees,Billing Country\n" \
        "0010,Acme Inc.,www.acme.com,900,US\n0011,Bolt,bolt.de,40,DE\n"  # fmt: skip
    path = bg.file("accounts.csv", accounts)
    done = bg.json("import", "companies", path)
    assert (done["inserted"], done["updated"], done["source"]) == (0, 2, "salesforce")
    assert bg.json("import", "companies", path)["unchanged"] == 2
    # And by now contacts are known by the ids of these accounts.
    contacts = bg.file("contacts.csv", EXPORTS["salesforce"].replace("Bolt GmbH", "Renamed Co"))
    assert bg.json("import", "people", contacts)["unchanged"] == 3


def test_what_is_new_is_called_as_its_system_calls_it_where_nobody_is_called_so(
    bg: Command,
) -> None:
    path = bg.file("hubspot.csv", EXPORTS["hubspot"])
    dry = bg.json("import", "people", path, "--dry-run")
    assert [row["id"] for row in dry["rows"]] == ["900", "901", "902"]
    bg.json("import", "people", path)
    assert bg.rows("select id, company_id from bg.people order by id") == [
        ("900", "70"), ("901", "70"), ("902", "71"),
    ]  # fmt: skip
    # Of another system 900 is somebody else, and so is company 70.
    other = bg.file(
        "p.csv", "Person - ID,Organization - ID,Organization - Name,Person - Name\n"
        "900,70,Cord AG,Eve New\n",
    )  # fmt: skip
    assert bg.json("import", "people", other, "--create-companies")["inserted"] == 1
    assert bg.value("select name from bg.people where id = '900'") == "Ann Smith"
    assert bg.value("select name from bg.companies where id = '70'") == "Acme Inc."
    ((person, company),) = bg.rows("select id, company_id from bg.people where name = 'Eve New'")
    assert (len(person), len(company)) == (36, 36)
    assert bg.json("import", "people", other)["unchanged"] == 1


def test_ids_that_were_imported_as_ours_stay_theirs(bg: Command) -> None:
    bg("import", "companies", bg.file("c.csv", "id,name\n70,Acme\n71,Bolt\n"))
    bg("import", "people", bg.file("p.csv", "id,company_id,name\n900,70,Ann Smith\n"))
    done = bg.json("import", "people", bg.file("hubspot.csv", EXPORTS["hubspot"]))
    assert (done["inserted"], done["updated"]) == (2, 1)
    assert bg.rows("select id from bg.people order by 1") == [("900",), ("901",), ("902",)]


def test_a_system_that_sends_events_is_called_as_its_source_is(bg: Command) -> None:
    told.source(bg.engine, "our-crm", scheme="hubspot")
    done = bg.json("import", "people", bg.file("hubspot.csv", EXPORTS["hubspot"]))
    assert done["source"] == "our-crm"
    told.source(bg.engine, "second", scheme="hubspot")
    again = bg.json("import", "people", bg.folder / "hubspot.csv")
    assert (again["source"], again["inserted"]) == ("hubspot", 0)


def test_who_stands_in_a_rejected_row_of_an_export_has_not_left(bg: Command) -> None:
    bg.json("import", "people", bg.file("list.csv", EXPORTS["list"]))
    path = bg.file("hubspot.csv", EXPORTS["hubspot"])
    bg.json("import", "people", path)
    # Of a company that nobody knows, and with too few fields: each of them is known by the id.
    lines = EXPORTS["hubspot"].splitlines()
    lines[2] = "901,Bob,Ng,CIO,Nobody Ltd,bob@acme.com,,79"
    path.write_text("\n".join(lines) + "\n")
    done = bg.json("import", "people", path, "--full-snapshot")
    assert (done["rejected"], done["left"]) == (1, 0)
    assert 'no company "Nobody Ltd" is known' in rejects_of(path)[0][1]


def test_remarks_behind_the_last_row_are_passed_over_and_told_and_those_between_are_rejects(
    bg: Command,
) -> None:
    path = bg.file("salesforce.csv", EXPORTS["salesforce"])
    done = bg("import", "people", path)
    assert "passed over: 3 lines behind the last row" in done.err
    assert bg.json("import", "people", path, "--full-snapshot")["rejected"] == 0
    between = EXPORTS["list"].replace("Bob,", "A remark\nBob,")
    done = bg("import", "people", bg.file("list.csv", between))
    assert ("1 rejected" in done.out, "passed over" in done.err) == (True, False)
    cut = bg("import", "people", bg.file("cut.csv", EXPORTS["list"] + "Eve"))
    assert (cut.code, "ends in the middle" in cut.err) == (1, True)


def test_a_list_without_ids_takes_no_address_away_and_a_system_s_own_export_does(
    bg: Command,
) -> None:
    bg.json("import", "people", bg.file("hubspot.csv", EXPORTS["hubspot"]))
    connections = "First Name,Last Name,URL,Email Address,Company,Position,Connected On\n" \
        "Ann,Smith,https://www.linkedin.com/in/ann,,Acme Inc.,CFO,01 Nov 2025\n"  # fmt: skip
    path = bg.file("Connections.csv", connections)
    for _ in range(2):
        assert bg.json("import", "people", path)["unchanged"] == 1
    unreadable = bg.file("list.csv", "Name,Company,Title,Email\nBob Ng,Acme Inc.,CIO,see website\n")
    assert bg.json("import", "people", unreadable)["kept"] == 1
    assert bg.value("select count(email) from bg.people") == 3
    bg.json("import", "people", bg.file("h.csv", EXPORTS["hubspot"].replace("ann@acme.com", "")))
    assert bg.value("select count(email) from bg.people") == 2


def test_of_a_company_that_is_known_by_another_id_the_name_is_not_denied(bg: Command) -> None:
    bg.json("import", "people", bg.file("hubspot.csv", EXPORTS["hubspot"]))
    more = bg.file("more.csv", HUBSPOT + "907,Gus,Ito,COO,Acme Inc.,gus@x.com,,79\n"
                   "908,Hal,Jay,COO,Cord AG,hal@x.com,,78\n")  # fmt: skip
    assert bg.json("import", "people", more, code=1)["rejected"] == 2
    known, unknown = (row[1] for row in rejects_of(more))
    assert known == (
        'no company is known by the id 79, and "Acme Inc." has another: import companies first, '
        "or repeat with --create-companies"
    )
    assert 'no company "Cord AG" is known' in unknown
    assert bg.json("import", "people", more, "--create-companies")["inserted"] == 2
