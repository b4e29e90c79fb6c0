"""Under which headers columns are found: our names however spelt, and those of known systems."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bg_assets.files import spellings
from bg_assets.files.header import BadHeader, Fitted, Kind, columns, fit
from bg_assets.files.mapping import read_file
from bg_assets.files.reading import open_import
from bg_assets.files.rows import Row
from bg_assets.files.spellings import BadHeaders


def fitted(
    header: str,
    kind: Kind = "people",
    mapping: Mapping[str, str] | None = None,
    own: Path | None = None,
) -> tuple[Fitted, dict[str, str]]:
    """How a header fits, and which column of the file fills which of ours."""
    names = header.split(",")
    found = fit(names, kind, mapping or {}, False, spellings.load(own, kind, columns(kind)))
    return found, {
        name: "+".join(names[at] for at in places) for name, places in found.positions.items()
    }


def test_the_shipped_table_names_columns_of_ours_alone_and_no_header_twice() -> None:
    seen = set()
    for row in spellings.rows():
        line = (row["system"], row["kind"], row["column"], row["header"])
        assert line not in seen
        seen.add(line)
        assert row["mark"] in ("", "yes")
    for kind in ("companies", "people"):
        assert spellings.load(None, kind, columns(kind))


@pytest.mark.parametrize(
    "header",
    ["ID,COMPANY_ID,TITLE", "Id,CompanyId,Title", " id , company id,title", "íd,Company-ID,Títle",
     "person id,account_id,Job_Title", "Contact ID,Organisation ID,POSITION"],
)  # fmt: skip
def test_case_spaces_underscores_and_accents_make_no_difference(header: str) -> None:
    assert list(fitted(header)[1]) == ["id", "company_id", "title"]


EXPORTS: tuple[tuple[str, Kind, str, dict[str, str], str], ...] = (
    ("Salesforce", "people",
     "Salutation,First Name,Last Name,Title,Mailing City,Phone,Email,Contact ID,Account ID,"
     "Account Name",
     {"id": "Contact ID", "company_id": "Account ID", "name": "First Name+Last Name",
      "title": "Title", "email": "Email", "location": "Mailing City"},
     "Salutation,Phone,Account Name"),
    ("Salesforce", "people", "ID,ACCOUNTID,LASTNAME,FIRSTNAME,NAME,TITLE,EMAIL,REPORTSTOID",
     {"id": "ID", "company_id": "ACCOUNTID", "name": "NAME", "title": "TITLE",
      "email": "EMAIL", "manager_id": "REPORTSTOID"}, "LASTNAME,FIRSTNAME"),
    ("Salesforce", "companies", "Account ID,Account Name,Website,Employees,Billing Country,Type",
     {"id": "Account ID", "name": "Account Name", "website": "Website",
      "employee_count": "Employees", "country": "Billing Country"}, "Type"),
    ("HubSpot", "people",
     "Record ID,First Name,Last Name,Email,Phone Number,Job Title,Associated Company IDs,"
     "Create Date",
     {"id": "Record ID", "company_id": "Associated Company IDs", "name": "First Name+Last Name",
      "title": "Job Title", "email": "Email"}, "Phone Number,Create Date"),
    ("HubSpot", "companies", "Record ID,Company name,Company Domain Name,Number of Employees,"
     "Country/Region,Company owner",
     {"id": "Record ID", "name": "Company name", "domain": "Company Domain Name",
      "employee_count": "Number of Employees", "country": "Country/Region"}, "Company owner"),
    ("Pipedrive", "people", "Person - ID,Person - Name,Person - Organization,Person - Email - Work,"
     "Person - Email - Home,Organization - ID,Person - Job title",
     {"id": "Person - ID", "company_id": "Organization - ID", "name": "Person - Name",
      "title": "Person - Job title", "email": "Person - Email - Work"},
     "Person - Organization,Person - Email - Home"),
    ("Pipedrive", "companies", "Organization - ID,Organization - Name,Organization - Website,"
     "Organization - Number of employees,Organization - Owner",
     {"id": "Organization - ID", "name": "Organization - Name", "website": "Organization - Website",
      "employee_count": "Organization - Number of employees"}, "Organization - Owner"),
    ("Dynamics", "people", "contactid,fullname,jobtitle,emailaddress1,_parentcustomerid_value,"
     "address1_city,telephone1",
     {"id": "contactid", "company_id": "_parentcustomerid_value", "name": "fullname",
      "title": "jobtitle", "email": "emailaddress1", "location": "address1_city"}, "telephone1"),
    ("Dynamics", "companies", "(Do Not Modify) Account,(Do Not Modify) Row Checksum,Account Name,"
     "Main Phone,Website,Address 1: Country/Region",
     {"id": "(Do Not Modify) Account", "name": "Account Name", "website": "Website",
      "country": "Address 1: Country/Region"}, "(Do Not Modify) Row Checksum,Main Phone"),
    ("Apollo", "people", "First Name,Last Name,Title,Company,Email,Seniority,Departments,"
     "Person Linkedin Url,City,Apollo Contact Id,Apollo Account Id",
     {"id": "Apollo Contact Id", "company_id": "Apollo Account Id", "name": "First Name+Last Name",
      "title": "Title", "department": "Departments", "seniority": "Seniority", "email": "Email",
      "location": "City"}, "Company,Person Linkedin Url"),
    ("ZoomInfo", "people", "ZoomInfo Contact ID,Last Name,First Name,Job Title,Management Level,"
     "Email Address,ZoomInfo Company ID,Company Name,Revenue (in 000s USD)",
     {"id": "ZoomInfo Contact ID", "company_id": "ZoomInfo Company ID",
      "name": "First Name+Last Name", "title": "Job Title", "seniority": "Management Level",
      "email": "Email Address"}, "Company Name,Revenue (in 000s USD)"),
    ("ZoomInfo", "companies", "ZoomInfo Company ID,Company Name,Website,Revenue (in 000s USD),"
     "Employees,Primary Industry,Country",
     {"id": "ZoomInfo Company ID", "name": "Company Name", "website": "Website",
      "industry": "Primary Industry", "employee_count": "Employees", "country": "Country"},
     "Revenue (in 000s USD)"),
)  # fmt: skip


@pytest.mark.parametrize(("system", "kind", "header", "read", "ignored"), EXPORTS)
def test_the_export_of_a_known_system_is_read_by_its_headers_and_the_rest_is_named(
    system: str, kind: Kind, header: str, read: dict[str, str], ignored: str
) -> None:
    found, sources = fitted(header, kind)
    assert (found.system, sources, ",".join(found.ignored)) == (system, read, ignored)


def test_a_list_of_linkedin_is_known_and_the_address_of_a_profile_is_its_own_key() -> None:
    found, sources = fitted("First Name,Last Name,URL,Email Address,Company,Position,Connected On")
    assert sources == {
        "name": "First Name+Last Name", "title": "Position", "email": "Email Address",
        "source_id": "URL", "company_name": "Company",
    }  # fmt: skip
    assert (found.system, found.ignored, found.sought) == ("LinkedIn", ("Connected On",), True)
    assert found.required == ()


@pytest.mark.parametrize(
    ("header", "read"),
    [("Full Name,Employer,Role,E-mail", "name,title,email,company_name"),
     ("First Name,Last Name,Website,Job Title", "name,title,company_domain"),
     ("Contact ID,Account Name,Name", "id,name,company_name"),
     ("Name,Email", "name,email"), ("Email,company_id", "company_id,email")],
)  # fmt: skip
def test_a_file_needs_no_ids_where_it_tells_who_somebody_is_and_where(
    header: str, read: str
) -> None:
    found, sources = fitted(header)
    assert (",".join(sources), found.sought) == (read, True)


def test_a_file_with_our_ids_is_not_searched_for_what_names_tell() -> None:
    found, _ = fitted("Contact ID,Account ID,Name,Account Name,Reports To ID")
    assert (found.sought, found.ignored) == (False, ("Account Name",))
    assert found.required == ("id", "company_id")


def test_a_column_of_two_words_joined_is_told_by_the_mapping(tmp_path: Path) -> None:
    for written in ("Given+Surname", '"Given"+"Surname"', " given + SURNAME "):
        path = tmp_path / "map"
        path.write_text(f"name={written}\n")
        sources = fitted("id,company_id,Surname,Given", mapping=read_file(path))[1]
        assert sources["name"] == "Given+Surname"
    assert fitted("id,company_id,A+B", mapping={"name": "A+B"})[1]["name"] == "A+B"


@pytest.mark.parametrize(
    ("mapping", "said"),
    [({"email": "A+B"}, "only texts can be joined"), ({"name": "A+C"}, '--map name="C" names'),
     ({"name": "A+B", "title": "b"}, "mapped to the same column")],
)  # fmt: skip
def test_what_can_not_be_joined_is_refused(mapping: dict[str, str], said: str) -> None:
    with pytest.raises(BadHeader, match=said):
        fitted("id,company_id,A,B", mapping=mapping)


def test_names_are_joined_without_their_empty_parts(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("id,company_id,Last Name,First Name\n1,a,Roe, Jo \n2,a,Roe,\n3,a,,\n")
    with open_import(path, "people", {}, False) as file:
        rows = [row for row in file.rows() if isinstance(row, Row)]
    assert [row.values["name"] for row in rows] == ["Jo Roe", "Roe", None]


def test_a_table_of_one_s_own_comes_first_and_may_tell_another_system(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        "system,kind,column,header,mark\nOurs,people,id,Nummer,yes\nOurs,people,company_id,Kunde,\n"
        "any,people,title,Rolle,\n"
    )
    found, sources = fitted("Nummer,Kunde,Rolle,Rest", own=own)
    assert (found.system, found.ignored) == ("Ours", ("Rest",))
    assert sources == {"id": "Nummer", "company_id": "Kunde", "title": "Rolle"}


@pytest.mark.parametrize(
    ("content", "said"),
    [("a,b\n", "line 1: it takes a CSV"), ("system,kind,column,header\nX,cats,id,A\n", "line 2"),
     ("system,kind,column,header\nX,people,nme,A\n", "line 2: nme is no column of people"),
     ("system,kind,column,header\nX,people,id,\n", "line 2"), ("\0", "it takes a CSV")],
)  # fmt: skip
def test_a_table_that_can_not_be_used_is_refused_with_its_line(
    tmp_path: Path, content: str, said: str
) -> None:
    own = tmp_path / "own.csv"
    own.write_text(content)
    with pytest.raises(BadHeaders, match=said):
        fitted("id,company_id", own=own)
