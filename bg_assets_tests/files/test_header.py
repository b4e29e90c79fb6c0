"""Which headers fit, and what the refusal of one that does not says."""

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest

from bg_assets.files.header import BadHeader, Kind
from bg_assets.files.mapping import parse_options, read_file
from bg_assets.files.reading import open_import


def refused(
    folder: Path,
    content: bytes,
    kind: Kind = "people",
    mapping: Mapping[str, str] | None = None,
    *,
    ignore_unknown: bool = False,
    strict: bool = False,
    name: str = "file.csv",
) -> str:
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(BadHeader) as caught:
        open_import(path, kind, mapping or {}, ignore_unknown, strict=strict)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\n\n\n", "is empty"),
        (b",,\n", "first line is empty"),
        (b"id;name;Phone\n1;2;3\n", "company_id is missing"),
        ("id,compañía".encode("cp437"), "hardly Windows-1252"),
        (b"id,comp\0any_id\n", "NUL byte"),
        (b"PK\x03\x04rest", "workbook"),
        (b"\xd0\xcf\x11\xe0rest", "workbook"),
        (b"%PDF-1.7", "PDF"),
        (b'id,"comp"any_id\n', "quote"),
        (b"id,company_id,id\n", '"id" comes twice'),
        (b"id,title\n", "company_id is missing"),
        (b"id,Company Ident\n", '--map company_id="Company Ident"'),
        (b"id,company_id,Jobs Title\n", '--map title="Jobs Title"'),
        (b"id,company_id,title,Title\n", '"title" and "Title" comes twice'),
        (b"id,Phone\n", 'not their names ("Phone"), name that with --map'),
        (b"id\n", "company_id is missing, and no column is left"),
        (b"id,company_id,Titel\n", "or pass --ignore-unknown if not"),
        (b"p1,c1,jane@acme.com,CFO\n", "looks like data"),
        (b"17,18,x\n", "looks like data"),
    ],
)
def test_a_header_that_does_not_fit_is_refused_with_what_to_do(
    tmp_path: Path, content: bytes, said: str
) -> None:
    assert said in refused(tmp_path, content)


def test_the_refusal_names_the_file_and_every_problem(tmp_path: Path) -> None:
    message = refused(tmp_path, b"IDs,foo,bar\n", name="people.csv", strict=True)
    assert message.startswith("people.csv: ")
    for part in ("company_id", '--map id="IDs"', '"foo"', '"bar"'):
        assert part in message


def test_a_name_may_hold_what_separates_columns_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("Firm;Name,id\n")
    with open_import(path, "companies", {"name": "Firm;Name"}, False) as file:
        assert set(file.columns) == {"id", "name"}


def test_a_column_that_is_ignored_may_come_twice(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("id,name,x,x\n")
    with open_import(path, "companies", {}, True) as file:
        assert set(file.columns) == {"id", "name"}


def test_a_first_line_of_data_is_not_repeated(tmp_path: Path) -> None:
    message = refused(tmp_path, b"p1,c1,jane@acme.com,Jane Roe\n")
    assert "jane" not in message.lower()


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadHeader, match="No such file"):
        open_import(tmp_path / "none.csv", "people", {}, False)
    with pytest.raises(BadHeader, match="directory"):
        open_import(tmp_path, "people", {}, False)


def test_a_file_named_gz_that_is_not_compressed_is_refused(tmp_path: Path) -> None:
    assert "gzip" in refused(tmp_path, b"id,company_id\n", name="people.csv.gz")


def test_what_can_not_be_opened_at_all_is_refused_by_its_name(tmp_path: Path) -> None:
    assert refused(tmp_path, b"PK\x03\x04rest", name="people.csv").startswith("people.csv is ")


STRICTLY_REFUSED = (
    (b"id,company_id,x,x\n", '"x" comes twice'),
    (b"id,company_id,Phone\n", "map what is one of name, title"),
    (b"id,company_id,Title Name\n", '--map title="Title Name"'),
    (b"id,company_id,\n", "without a name"),
)


@pytest.mark.parametrize(("content", "said"), STRICTLY_REFUSED)
def test_an_unknown_column_is_refused_with_strict_alone(
    tmp_path: Path, content: bytes, said: str
) -> None:
    assert said in refused(tmp_path, content, strict=True)
    with open_import(tmp_path / "file.csv", "people", {}, False) as file:
        assert file.columns == ("id", "company_id")
        assert file.fitted.ignored
    with open_import(tmp_path / "file.csv", "people", {}, True, strict=True) as file:
        assert file.columns == ("id", "company_id")


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"titel": "Job"}, 'near: "title"'),
        ({"title": "Jobs"}, 'near: "Job"'),
        ({"title": "Job", "department": "Job"}, "same column"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(
    tmp_path: Path, mapping: dict[str, str], said: str
) -> None:
    message = refused(tmp_path, b"id,company_id,Job\n", mapping=mapping, ignore_unknown=True)
    assert said in message


def test_a_mapped_column_takes_the_place_of_ours_of_that_name(tmp_path: Path) -> None:
    content = b"id,company_id,title,Job\np1,c1,old,new\n"
    assert '"title"' in refused(tmp_path, content, mapping={"title": "Job"}, strict=True)
    with open_import(tmp_path / "file.csv", "people", {"title": "Job"}, True) as file:
        assert [getattr(row, "values", {})["title"] for row in file.rows()] == ["new"]


def test_unknown_columns_even_twice_are_passed_over_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id,Notes,company_id,Notes,\np1,a,c1,b,c\n")
    with open_import(path, "people", {}, True) as file:
        assert file.columns == ("id", "company_id")
        assert len(list(file.rows())) == 1


def test_the_number_of_employees_fills_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "companies.csv.gz"
    path.write_bytes(gzip.compress(b"id,employee_count,name\n"))
    with open_import(path, "companies", {}, False) as file:
        assert file.columns == ("id", "name", "employee_min", "employee_max")


@pytest.mark.parametrize(
    "content",
    [
        '# ours: theirs\ntitle: "Job Title"\nid: 17\nstatus: on\n',
        "# ours=theirs\n\ntitle=\"Job Title\"\nid = 17\nstatus='on'\n",
    ],
)
def test_options_and_files_of_a_mapping_say_the_same(tmp_path: Path, content: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(content)
    mapping = {"title": "Job Title", "id": "17", "status": "on"}
    assert read_file(path) == mapping
    assert parse_options(["title=Job Title", "id = 17", "status=on"]) == mapping


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"title: [a, b]", "line 1"),
        (b"title: a\ntitle: b", "line 2 maps title a second time"),
        (b"title=a\n\ntitle=b", "line 3 maps title a second time"),
        (b"title=a\nname: b", "line 2: --map takes"),
        (b"- title", "not a mapping"),
        (b"", "not a mapping"),
        (b"title: 'a", "not YAML"),
        (b"\xff", "not UTF-8"),
        (b"title:", "line 1"),
        (b"[" * 5000, "not"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_with_the_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "map.yaml"
    path.write_bytes(content)
    with pytest.raises(BadHeader, match=said):
        read_file(path)


@pytest.mark.parametrize("options", [["title"], ["=x"], ["title="], ["a=b", "a=c"]])
def test_an_option_that_is_no_mapping_is_refused(options: list[str]) -> None:
    with pytest.raises(BadHeader, match="--map"):
        parse_options(options)
