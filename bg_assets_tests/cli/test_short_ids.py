"""Salesforce's reports write ids of 15 characters, its exports of 18: nobody is made twice."""

from collections.abc import Callable

import pytest

from bg_assets.domain.webhooks.vendors import short_ids
from bg_assets_tests.cli.command import Command
from bg_assets_tests.storage import told

FIRM, OTHER = "0015g00000AbCdHAAV", "0015g00000ABCDeAAP"
ANN, BOB = "0035g00000ABCdEAAX", "0035g00000aBcDeAAK"


def as_they_are(one: str) -> str:
    return one


def short(one: str) -> str:
    return one[:15]


FORMS = (as_they_are, short)
Form = Callable[[str], str]


def contacts(form: Form, firm: str = FIRM) -> str:
    """A report: Bob's manager is Ann; none has an address, and each file names people otherwise."""
    names = ("Ann", "Bob") if form is short else ("A.", "B.")
    return (
        "Contact ID,First Name,Last Name,Title,Account Name,Account ID,Reports To ID\n"
        f"{form(ANN)},{names[0]},Smith,CFO,Acme,{form(firm)},\n"
        f"{form(BOB)},{names[1]},Ng,CIO,Acme,{form(firm)},{form(ANN)}\n"
    )


def accounts(form: Form) -> str:
    name = "Acme" if form is short else "Acme Holding"
    return f"Account ID,Account Name,Employees,Type\n{form(FIRM)},{name},90,Customer\n"


@pytest.mark.parametrize("source", [(), ("--source", "salesforce"), ("--source", "sf")])
@pytest.mark.parametrize("first", FORMS)
def test_whichever_form_comes_first_the_other_is_the_same(
    bg: Command, first: Form, source: tuple[str, ...]
) -> None:
    if "sf" in source:
        told.source(bg.engine, "sf", scheme="salesforce")
    (second,) = (one for one in FORMS if one is not first)
    for number, form in enumerate((first, second)):
        firms = bg.json("import", "companies", bg.file(f"a{number}.csv", accounts(form)), *source)
        people = bg.json("import", "people", bg.file(f"p{number}.csv", contacts(form)), *source)
        made = (firms["inserted"], people["inserted"], firms["rejected"], people["rejected"])
        assert made == ((1, 2, 0, 0) if number == 0 else (0, 0, 0, 0))
        assert bg.value(
            "select count(*) from bg.people as p join bg.people as m on m.id = p.manager_id"
        ) == 1  # fmt: skip
    assert bg.value("select count(distinct external_id) from bg.webhook_identities") == 3


def test_both_forms_in_one_file_are_one_person(bg: Command) -> None:
    lines = contacts(short) + contacts(as_they_are).split("\n", 1)[1]
    done = bg.json("import", "people", bg.file("both.csv", lines))
    assert (done["inserted"], done["rejected"]) == (2, 2)
    assert bg.value("select count(*) from bg.companies") == 1


def test_who_was_stored_by_the_short_form_before_is_known_by_either(bg: Command) -> None:
    bg("import", "companies", bg.file("c.csv", f"id,name\n{short(FIRM)},Acme\n"))
    known = f"id,company_id,name\n{short(ANN)},{short(FIRM)},Ann Smith\n"
    bg("import", "people", bg.file("p.csv", known))
    bg.execute(
        "insert into bg.people (id, company_id, name) values ('bob', :firm, 'Bob Ng')",
        firm=short(FIRM),
    )
    bg.execute(
        "insert into bg.webhook_identities (source, kind, external_id, our_id) "
        "values ('salesforce', 'person', :theirs, 'bob')",
        theirs=short(BOB),
    )
    for form in (as_they_are, short):
        done = bg.json("import", "people", bg.file("s.csv", contacts(form)))
        assert (done["inserted"], done["rejected"]) == (0, 0)
    assert bg.rows("select id, manager_id from bg.people order by id") == [
        (short(ANN), None), ("bob", short(ANN)),
    ]  # fmt: skip
    assert bg.value("select count(*) from bg.companies") == 1


def test_who_stands_in_a_rejected_row_by_the_short_form_has_not_left(bg: Command) -> None:
    bg.json("import", "people", bg.file("p.csv", contacts(as_they_are)))
    head, rest = contacts(short).rsplit(short(FIRM), 1)
    path = bg.file("report.csv", f"{head}1.23457E+17{rest}")
    done = bg.json("import", "people", path, "--full-snapshot")
    assert (done["rejected"], done["left"]) == (1, 0)


def test_an_event_finds_whom_a_report_has_brought(bg: Command) -> None:
    told.source(bg.engine, "sf", scheme="salesforce")
    bg.json("import", "people", bg.file("report.csv", contacts(short)))
    assert bg.value("select count(*) from bg.webhook_identities where external_id = :id", id=ANN)
    person = {"id": ANN, "also": short(ANN)}
    assert told.one(bg.engine, "person.erased", person, by="sf") == told.APPLIED
    again = bg.json("import", "people", bg.folder / "report.csv")
    assert (again["rejected"], again["inserted"]) == (1, 0)


def test_ids_of_other_systems_and_of_our_own_are_never_lengthened(bg: Command) -> None:
    path = bg.file("p.csv", f"id,name,company\n{short(ANN)},Ann Smith,Acme\n")
    bg.json("import", "people", path, "--source", "crm")
    assert bg.value("select external_id from bg.webhook_identities") == short(ANN)
    assert short_ids.whole(short(ANN)) == ANN
