"""Exports of people as systems write them, without ids of ours: all that is in them, and once."""

import pytest

from bg_assets_tests.cli.command import Command

LINKEDIN = "https://www.linkedin.com/in/ann-smith"
# Each tells of Ann Smith, CFO of Acme Inc.; with her e-mail, where one stands there.
EXPORTS = {
    "salesforce report": (
        "utf-8",
        '"First Name","Last Name","Title","Account Name","Mailing City","Email","Reports To ID"\n'
        '"Ann","Smith","CFO","Acme Inc.","Leeds","ann@acme.com",""\n',
    ),
    "salesforce leads": (
        "utf-8",
        '"First Name","Last Name","Title","Company / Account","Email"\n'
        '"Ann","Smith","CFO","Acme Inc.","ann@acme.com"\n',
    ),
    "hubspot": (
        "utf-8",
        "Record ID - Contact,First Name,Last Name,Email,Job Title,Associated Company,Lead Status\n"
        "5551,Ann,Smith,ann@acme.com,CFO,Acme Inc.,\n",
    ),
    "pipedrive": (
        "utf-8",
        "Person - Name,Person - Organization,Person - Email - Work,Person - Job title\n"
        "Ann Smith,Acme Inc.,ann@acme.com,CFO\n",
    ),
    "dynamics": (
        "utf-8",
        "(Do Not Modify) Row Checksum,Full Name,Email,Company Name,Job Title\n"
        "x/y==,Ann Smith,ann@acme.com,Acme Inc.,CFO\n",
    ),
    "apollo": (
        "utf-8",
        "First Name,Last Name,Title,Company,Company Name for Emails,Email,Person Linkedin Url,"
        f"Website\nAnn,Smith,CFO,Acme Inc.,Acme,ann@acme.com,{LINKEDIN},http://www.acme.com\n",
    ),
    "zoominfo": (
        "utf-8",
        "Last Name,First Name,Job Title,Management Level,Email Address,Company Name,Website\n"
        "Smith,Ann,CFO,C-Level,ann@acme.com,Acme Inc.,www.acme.com\n",
    ),
    "linkedin": (
        "utf-8",
        'Notes:\n"Some addresses may be missing."\n\n'
        "First Name,Last Name,URL,Email Address,Company,Position,Connected On"
        f"\nAnn,Smith,{LINKEDIN},,Acme Inc.,CFO,01 Nov 2025\n",
    ),
    "a spreadsheet in german": (
        "cp1252",
        "Vorname;Nachname;Firma;Jobtitel;E-Mail\nAnn;Smith;Acme Inc.;CFO;ann@acme.com\n"
        "Jörg;Müller;Bäcker GmbH & Co. KG;Geschäftsführer;jörg@bäcker.de\n"
        "Gün;Yıl;Öz AG;Ärztin;\n".replace("ı", "i"),
    ),
    "a spreadsheet with tabs": (
        "utf-16",
        "Full Name\tEmployer\tRole\tE-mail\r\nSmith, Ann\tACME\tCFO\tAnn@Acme.com\r\n",
    ),
}


def imported(bg: Command, system: str, *options: str) -> dict[str, object]:
    encoding, text = EXPORTS[system]
    path = bg.folder / f"{system}.csv"
    path.write_bytes(text.encode(encoding))
    found = bg.json("import", "people", path, "--create-companies", *options)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("system", EXPORTS)
def test_an_export_is_imported_with_all_that_is_in_it_and_again_without_a_change(
    bg: Command, system: str
) -> None:
    first = imported(bg, system)
    assert (first["rejected"], first["kept"]) == (0, 0)
    changes = bg.changes()
    again = imported(bg, system)
    assert (again["inserted"], again["updated"]) == (0, 0)
    assert again["unchanged"] == first["inserted"]
    assert bg.changes() == changes
    ((name, title, firm, email),) = bg.rows(
        "select p.name, p.title, c.name, p.email from bg.people as p "
        "join bg.companies as c on c.id = p.company_id where p.title = 'CFO'"
    )
    assert sorted(name.replace(",", "").split()) == ["Ann", "Smith"]
    assert (title, firm.casefold().startswith("acme")) == ("CFO", True)
    assert email is None if system == "linkedin" else email.lower() == "ann@acme.com"


def test_whom_one_system_brought_the_others_know(bg: Command) -> None:
    """One list after the other: one person, one company, whatever they are called in each."""
    for system in EXPORTS:
        imported(bg, system, *(("--source", "hubspot") if system == "hubspot" else ()))
    assert len(bg.rows("select id from bg.people where title = 'CFO'")) == 1
    assert bg.value("select count(*) from bg.companies where name ilike 'acme%'") == 1
