"""Rows and rejects of files that are odd in one way each."""

import gzip
import io
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bg_assets.files import records, spellings
from bg_assets.files.header import BadHeader, Kind
from bg_assets.files.lines import BrokenFile
from bg_assets.files.reading import ImportFile, open_import
from bg_assets.files.rows import Reject, Row

# Read once, and before some tests let no file be opened.
HEADERS = list(spellings.rows())
PEOPLE = (
    "id,company_id,name,title,department,seniority,email,location,manager_id,"
    "start_date,end_date,status\n"
)


def read(folder: Path, content: str | bytes, kind: Kind = "people") -> list[Row | Reject]:
    path = folder / "file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_import(path, kind, {}, False) as file:
        return list(file.rows())


def lines(found: list[Row | Reject]) -> list[tuple[str, int]]:
    return [(type(one).__name__, one.line) for one in found]


def test_a_person_is_read_with_typed_values(tmp_path: Path) -> None:
    content = PEOPLE + (
        "p1,acme.com,Zoë Vastrick,CFO,Finance,C-Level,z@acme.com,Köln,p0,2020-02-29,,LEFT\n"
    )
    (row,) = read(tmp_path, content)
    assert isinstance(row, Row)
    assert row.line == 2
    assert row.values == {
        "id": "p1",
        "company_id": "acme.com",
        "name": "Zoë Vastrick",
        "title": "CFO",
        "department": "Finance",
        "seniority": "C-Level",
        "email": "z@acme.com",
        "location": "Köln",
        "manager_id": "p0",
        "start_date": date(2020, 2, 29),
        "end_date": None,
        "status": "left",
    }


def test_a_company_is_read_with_typed_values(tmp_path: Path) -> None:
    content = (
        "name,id,employee_count,revenue,country,domain,website,industry\n"
        'Nestlé,n1,"5,001-10,000",1.2m,ch,WWW.Nestle.example,https://nestle.example,Food\n'
        "日立,n2,,,,,,\n"
    )
    first, second = read(tmp_path, content, "companies")
    assert isinstance(first, Row)
    assert first.values == {
        "id": "n1",
        "name": "Nestlé",
        "domain": "nestle.example",
        "website": "https://nestle.example",
        "industry": "Food",
        "employee_min": 5001,
        "employee_max": 10000,
        "revenue": Decimal(1200000),
        "country": "CH",
    }
    assert isinstance(second, Row)
    assert {name for name, value in second.values.items() if value is not None} == {"id", "name"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",c1,,,,,,,,,,", "id: is empty"),
        ("p1,,,,,,,,,,,", "company_id: is empty"),
        ("p1,a b,,,,,,,,,,", "company_id: takes"),
        ("p1,a..b,,,,,,,,,,", "company_id: takes"),
        (f"{'p' * 201},c1,,,,,,,,,,", "id: takes"),
        ("p\u200b1,c1,,,,,,,,,,", "id: takes"),
        ("p1,c1,x", "has 3 fields, the header has 12"),
        ("p1,c1,,,,,,,,,,,,", "has 14 fields"),
        ("p\0,c1,,,,,,,,,,", "id: takes"),
        ('p1,c1,"a"b,,,,,,,,,', "quote"),
        (f"p1,c1,,{'t' * 140_000},,,,,,,,", "too long"),
        (f"p1,c1,,{'t' * 1_000_100},,,,,,,,", "longer than 1,000,000"),
        (f'p1,c1,"{"t" * 3_000_100}",,,,,,,,,', "longer than 1,000,000"),
    ],
)
def test_a_record_with_one_thing_wrong_is_a_reject_and_the_next_is_read(
    tmp_path: Path, row: str, said: str
) -> None:
    good = "p2,c1,,,,,,,,,,\n"
    found = read(tmp_path, f"{PEOPLE}{row}\n{good}")
    assert lines(found) == [("Reject", 2), ("Row", 3)]
    assert isinstance(found[0], Reject)
    assert said in found[0].reason


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"p1,c1,{'n' * 301},,,,,,,,,", "name: has 301 characters"),
        (f"p1,c1,,{'t' * 10000},,,,,,,,", "title: has 10,000 characters, at most 1,000"),
        ("p1,c1,,,,,no-at,,,,,", "email: is not"),
        ("p1,c1,,,,,a@b@c.com,,,,,", "email: is not"),
        ("p1,c1,,,,,a b@c.com,,,,,", "email: is not"),
        ("p1,c1,,,,,,,p1,,,", "manager_id: is the person itself"),
        ("p1,c1,,,,,,,,03.01.2020,,", "start_date: could be two days"),
        ("p1,c1,,,,,,,,2020-02-30,,", "start_date: is not"),
        ("p1,c1,,,,,,,,2020-02-01x,,", "start_date: is not"),
        ("p1,c1,,,,,,,,20200201,,", "start_date: is not"),
        ("p1,c1,,,,,,,,2020-02-02,2020-02-01,", "end_date: is before"),
        ("p1,c1,,,,,,,,,,somewhere", "status: is not understood"),
        (f"p1,c1,,{'t' * 1001},,,,,,,,", "title: has 1,001 characters"),
        (f"p1,c1,,,{'d' * 301},,,,,,,", "department: has 301 characters"),
        (f"p1,c1,,,,,{'m' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 62},,,,,", "email: is not"),
        (f"p1,c1,,,,,{'ä' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 62},,,,,", "email: is not"),
    ],
)
def test_a_record_whose_optional_value_is_wrong_is_kept_without_it(
    tmp_path: Path, row: str, said: str
) -> None:
    first, second = read(tmp_path, f"{PEOPLE}{row}\np2,c1,,,,,,,,,,\n")
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    assert said in (first.kept or "")
    assert second.kept is None
    known = {name for name, value in first.values.items() if value is not None}
    assert known <= {"id", "company_id", "status"}


def test_all_that_is_wrong_with_a_row_is_said(tmp_path: Path) -> None:
    (reject,) = read(tmp_path, PEOPLE + "1.23457E+17,a b,,,,,x,,,,,gone\n")
    assert isinstance(reject, Reject)
    assert reject.reason.count(";") == 1
    assert reject.original[6] == "x"


def test_bytes_that_are_not_utf8_reject_their_record_alone(tmp_path: Path) -> None:
    content = PEOPLE.encode() + b"p1,c1,M\xfcller,,,,,,,,,\np2,c1,M\xc3\xbcller,,,,,,,,,\n"
    found = read(tmp_path, content)
    assert lines(found) == [("Reject", 2), ("Row", 3)]


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("Zoe\u0308", "Zoë"),
        ("王小明", "王小明"),
        ("مدير \u200fمالي", "مدير \u200fمالي"),
        ("Chief 🚀 Officer 👩\u200d💻", "Chief 🚀 Officer 👩\u200d💻"),
        ('"Head\r\nof\tSales"', "Head of Sales"),
        ("Bell\x07\x1b[31m", "Bell [31m"),
        ("two  spaces \0 \x9b\u2028 gone", "two  spaces gone"),
        ("\x07CFO\x9b", "CFO"),
        ("\x07", None),
        ("  CFO\u00a0 ", "CFO"),
        ('=HYPERLINK(""x"")', '=HYPERLINK(""x"")'),
        ("NULL", "NULL"),
        (" ", None),
    ],
)
def test_text_in_any_script_is_stored(tmp_path: Path, written: str, stored: str | None) -> None:
    (row,) = read(tmp_path, f"id,company_id,title\np1,c1,{written}\n")
    assert isinstance(row, Row)
    assert row.values["title"] == stored


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", "i" * 200),
        ("name", "n" * 300),
        ("title", "t" * 1000),
        ("title", "t\0" + "\n" * 5000),
        ("department", "d" * 300),
        ("seniority", "s" * 300),
        ("location", "e\u0301" * 300),
        ("email", f"{'m' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 61}"),
        ("email", f"{'ä' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 61}"),
    ],
)
def test_a_value_may_be_as_long_as_it_is_stored(tmp_path: Path, column: str, value: str) -> None:
    cells = {"id": "p1", "company_id": "c1", column: f'"{value}"'}
    (row,) = read(tmp_path, f"{','.join(cells)}\n{','.join(cells.values())}\n")
    assert isinstance(row, Row), row
    assert row.values[column] == value.rstrip("\0\n").replace("e\u0301", "\u00e9")


@pytest.mark.parametrize(("length", "fits"), [(1, False), (2, True), (200, True), (201, False)])
def test_a_company_s_name_has_2_to_200_characters(tmp_path: Path, length: int, fits: bool) -> None:
    (row,) = read(tmp_path, f"id,name\nc1,{'n' * length}\n", "companies")
    assert isinstance(row, Row) == fits


def test_nobody_without_id_and_manager_is_their_own_manager(tmp_path: Path) -> None:
    (reject,) = read(tmp_path, "id,company_id,manager_id\n,c1,\n")
    assert isinstance(reject, Reject)
    assert reject.reason == "id: is empty"


def test_somebody_may_come_and_go_on_one_day(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "id,company_id,start_date,end_date\np1,c1,2020-02-02,2020-02-02\n")
    assert isinstance(row, Row)


def test_a_line_of_commas_alone_is_no_record_however_many(tmp_path: Path) -> None:
    assert lines(read(tmp_path, "id,company_id\n,\n,,,\n ,\np1,c1\n")) == [("Row", 5)]


def test_a_last_line_without_end_that_has_too_many_fields_is_a_reject(tmp_path: Path) -> None:
    assert lines(read(tmp_path, "id,company_id\np1,c1,x")) == [("Reject", 2)]


def test_values_in_which_control_characters_were_replaced_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(
        "id,company_id,name,title,other\n"
        'p1,c1,"A\nb",C\x1bO,x\x1b\n'
        "p2,c1,A b\t,CFO,\np3,c1,A\x9bb,CFO,\np3, ,A\x9bb,CFO,\n"
    )
    with open_import(path, "people", {}, True) as file:
        rows = list(file.rows())
        assert [type(row).__name__ for row in rows] == ["Row", "Row", "Row", "Reject"]
        assert file.cleaned == 3


@pytest.mark.parametrize(
    "written", ["2020-01-31", "2020-01-31T10:00:00Z", "2020-01-31 23:59:59.123+02:00"]
)
def test_a_time_counts_as_its_day(tmp_path: Path, written: str) -> None:
    (row,) = read(tmp_path, f"id,company_id,start_date\np1,c1,{written}\n")
    assert isinstance(row, Row)
    assert row.values["start_date"] == date(2020, 1, 31)


def test_an_empty_status_is_active_and_an_absent_one_is_not_told(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "id,company_id,status\np1,c1,\n")
    assert isinstance(row, Row)
    assert row.values["status"] == "active"
    (row,) = read(tmp_path, "id,company_id\np1,c1\n")
    assert isinstance(row, Row)
    assert "status" not in row.values


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_the_physical_ones_where_records_start(tmp_path: Path, end: str) -> None:
    content = end.join(
        [
            "\ufeffid,company_id,title",
            'p1,c1,"Head',
            'of, ""Sales"""',
            "",
            "p2,c1,CFO",
            ",,",
            'p3,c1,"x"y',
            "p4,c1,last",
        ]
    )
    found = read(tmp_path, content)
    assert lines(found) == [("Row", 2), ("Row", 5), ("Reject", 7), ("Row", 8)]
    assert isinstance(found[0], Row)
    assert found[0].values["title"] == 'Head of, "Sales"'


def test_a_stray_quote_costs_its_own_line_only(tmp_path: Path) -> None:
    content = 'id,company_id,title\np1,c1,"CFO\np2,c1,"Head"\np3,c1,"CTO"\n'
    found = read(tmp_path, content)
    assert lines(found) == [("Reject", 2), ("Row", 3), ("Row", 4)]
    assert isinstance(found[0], Reject)
    assert found[0].original == ['p1,c1,"CFO']


@pytest.mark.parametrize(
    "content",
    [
        'id,company_id,title\np1,c1,CFO\np2,c1,"He',
        'id,company_id,title\np1,c1,"CFO\np2,c1,Head\n',
        "id,company_id,title\np1,c1,CFO\np2,c",
        'id,company_id,title\np1,c1,"CFO\n' + "p2,c1,Head\n" * 20_000,
        'id,company_id,title\np1,c1,"CFO' + ',"",\n' * 400_000,
    ],
)
def test_a_file_that_is_cut_off_or_a_quote_left_open_stops_the_import(
    tmp_path: Path, content: str
) -> None:
    with pytest.raises(BrokenFile, match=r"^file\.csv .* line [23]"):
        read(tmp_path, content)


@pytest.mark.parametrize("lost", [1, 8, 12, 400])
def test_a_truncated_gz_stops_the_import(tmp_path: Path, lost: int) -> None:
    rows = "".join(f"p{i},c{i % 7},Title {i * 7919 % 1000}\n" for i in range(20_000))
    content = gzip.compress(f"id,company_id,title\n{rows}".encode())
    assert len(read(tmp_path, content)) == 20_000
    with pytest.raises(BrokenFile, match="damaged or cut off"):
        read(tmp_path, content[:-lost])
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 0xFF
    with pytest.raises(BrokenFile):
        read(tmp_path, bytes(damaged))


def test_a_gz_that_is_damaged_before_its_header_ends_is_named(tmp_path: Path) -> None:
    content = gzip.compress(b"id,company_id,title\np1,c1,CFO\n")
    with pytest.raises(BrokenFile, match=r"^file\.csv .*damaged or cut off"):
        read(tmp_path, content[:14])


def test_the_original_fields_of_lines_can_be_had_again(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('id,company_id\np1,"c1"\np1,c2\np1,c3\n')
    with open_import(path, "people", {}, False) as file:
        assert len(list(file.rows())) == 3
        assert list(file.again([(2, "comes again"), (3, "comes again")])) == [
            Reject(2, "comes again", ["p1", "c1"]),
            Reject(3, "comes again", ["p1", "c2"]),
        ]


def test_the_id_of_a_reject_is_told_where_its_fields_can_be_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('company_id,id\na b, p1 \nc1,p2,x\nc1,"p3"x\n,p\0\n')
    with open_import(path, "people", {}, False) as file:
        rejects = [one for one in file.rows() if isinstance(one, Reject)]
        assert [file.key(reject) for reject in rejects] == ["p1", None, None, None]


def test_progress_reaches_the_size_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("id,company_id\n" + "p1,c1\n" * 1000)
    with open_import(path, "people", {}, False) as file:
        assert sum(1 for _ in file.rows()) == 1000
        assert file.position == file.size


def opened(content: bytes, monkey: pytest.MonkeyPatch) -> ImportFile:
    """An import of bytes in memory: property tests make thousands."""
    path = Path("/dev/null")
    monkey.setattr(Path, "open", lambda *_: io.BufferedReader(io.BytesIO(content)))
    return open_import(path, "people", {}, True)


tricky = st.lists(
    st.sampled_from(
        [b"id", b"company_id", b",", b'"', b"\n", b"\r", b"\0", b"\xff", b"p1", b"c1", b"\xc3\xa9"]
    )
    | st.binary(max_size=6)
).map(b"".join)


@given(start=st.sampled_from([b"", b"id,company_id,title\n", b"\x1f\x8b\x08"]), rest=tricky)
@example(b"id,company_id\n", b'"\0\n"x')
def test_no_bytes_make_the_reader_fail_otherwise(start: bytes, rest: bytes) -> None:
    with pytest.MonkeyPatch.context() as monkey:
        try:
            with opened(start + rest, monkey) as file:
                found = list(file.rows())
        except (BadHeader, BrokenFile):
            return
    numbers = [one.line for one in found]
    assert numbers == sorted(set(numbers))


@given(rest=tricky)
def test_no_compressed_bytes_make_the_reader_fail_otherwise(rest: bytes) -> None:
    whole = gzip.compress(b"id,company_id\n" + rest)
    with pytest.MonkeyPatch.context() as monkey:
        for content in (whole, whole[: len(whole) // 2], whole[:-3], whole + rest):
            with suppress(BadHeader, BrokenFile), opened(content, monkey) as file:
                list(file.rows())


@given(rest=tricky, limit=st.integers(4, 40))
def test_no_line_limit_loses_the_place(rest: bytes, limit: int) -> None:
    with pytest.MonkeyPatch.context() as monkey:
        monkey.setattr(records, "LONGEST_LINE", limit)
        try:
            with opened(b"id,company_id\n" + rest, monkey) as file:
                numbers = [one.line for one in file.rows()]
        except (BadHeader, BrokenFile):
            return
    assert numbers == sorted(set(numbers))
