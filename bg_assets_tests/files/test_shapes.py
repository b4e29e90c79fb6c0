"""Files as programs write them: what separates columns, encodings, lines before the header."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bg_assets.files.header import BadHeader
from bg_assets.files.lines import BrokenFile
from bg_assets.files.reading import ImportFile, open_import
from bg_assets.files.rows import Reject, Row

LINKEDIN = (
    "Notes:\n"
    '"When exporting your connection data, you may notice that some of the email addresses are '
    'missing, for reasons of privacy."\n\n'
)
GERMAN = "id;company_id;Vorname;Nachname;Abteilung\np1;c1;Jörg;Müller;Außendienst\n"


def opened(folder: Path, content: str | bytes, name: str = "f.csv", **options: Any) -> ImportFile:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_import(path, "people", options.pop("mapping", {}), True, **options)


def read(folder: Path, content: str | bytes, name: str = "f.csv", **options: Any) -> Any:
    """Values of the rows, what was said of the file, and the rejects."""
    with opened(folder, content, name, **options) as file:
        found = list(file.rows())
        again = [(one.line, one.reason) for one in found if isinstance(one, Reject)]
        assert [one.line for one in file.again(again)] == [line for line, _ in again]
    return [row.values for row in found if isinstance(row, Row)], " ".join(file.shape.said), again


@pytest.mark.parametrize(
    ("mark", "said"),
    [(",", ""), (";", "separated by semicolons"), ("\t", "separated by tabs"), ("|", "by bars")],
)
def test_columns_may_be_separated_otherwise_than_by_commas(
    tmp_path: Path, mark: str, said: str
) -> None:
    content = f'id{mark}company_id{mark}title\np1{mark}c1{mark}"A{mark} B"\np2{mark}c1\n'
    (row,), told, rejects = read(tmp_path, content)
    assert row["title"] == f"A{mark} B".replace("\t", "")
    assert said in told
    assert rejects == [(3, "has 2 fields, the header has 3")]


@pytest.mark.parametrize("mark", [";", ",", "|", "^"])
def test_a_first_line_may_say_what_separates_columns(tmp_path: Path, mark: str) -> None:
    content = f"sep={mark}\r\nid{mark}company_id\r\np1{mark}c1\r\np2\r\n"
    rows, told, rejects = read(tmp_path, content)
    assert rows == [{"id": "p1", "company_id": "c1"}]
    assert "as its first line says" in told
    # Lines are counted as an editor does.
    assert rejects[0][0] == 4


def test_lines_before_the_header_are_passed_over_and_that_is_said(tmp_path: Path) -> None:
    content = (
        LINKEDIN + "First Name,Last Name,Company,Position,id,company_id\nAnn,Lee,A,CFO,p1,c1\n"
    )
    (row,), told, _ = read(tmp_path, content)
    assert (row["name"], row["title"]) == ("Ann Lee", "CFO")
    assert "the header is in line 4" in told


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_told_by_its_bytes(tmp_path: Path, encoding: str) -> None:
    content = "id;company_id;name\r\np1;c1;Łukasz Żak\r\n".encode(encoding)
    (row,), told, rejects = read(tmp_path, content)
    assert (row["name"], rejects) == ("Łukasz Żak", [])
    assert "UTF-16, without its mark" in told


def test_zeros_in_a_text_do_not_make_it_utf_16(tmp_path: Path) -> None:
    for content in (b"id,comp\0any_id\np1,c1\n", b"i\0d\0,company_id\np1,c1\n"):
        with pytest.raises(BadHeader, match="NUL byte"):
            opened(tmp_path, content)


def test_a_header_of_unknown_names_is_the_first_line_however_the_columns_are_separated(
    tmp_path: Path,
) -> None:
    mapping = {"id": "Schlüssel", "company_id": "Kunde"}
    rows, told, _ = read(tmp_path, "Schlüssel;Kunde;X\n1;c1;\n", mapping=mapping)
    assert rows == [{"id": "1", "company_id": "c1"}]
    assert "semicolons" in told
    with pytest.raises(BadHeader, match='"Eins", "Zwei"'):
        opened(tmp_path, "Eins;Zwei\n1;2\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_are_told_by_the_bytes_and_said(
    tmp_path: Path, encoding: str, packed: bool
) -> None:
    content = GERMAN.encode(encoding)
    name = "f.csv.gz" if packed else "f.csv"
    (row,), told, _ = read(tmp_path, gzip.compress(content) if packed else content, name)
    assert (row["name"], row["department"]) == ("Jörg Müller", "Außendienst")
    said = {"utf-16": "read as UTF-16", "cp1252": "read as Windows-1252, 100% sure by 3 special"}
    assert said.get(encoding, "separated") in told
    assert ("UTF-8" in told) == (encoding == "cp1252")


def test_a_first_umlaut_far_down_the_file_tells_the_encoding_too(tmp_path: Path) -> None:
    plain = "".join(f"p{number},c1,{'Clerk ' * 150}\n" for number in range(1500))
    content = f"id,company_id,title\n{plain}q,c1,Büro\n"
    assert len(content) > 1 << 20
    for encoding in ("cp1252", "utf-8"):
        rows, _, rejects = read(tmp_path, content.encode(encoding))
        assert (rows[-1]["title"], rejects) == ("Büro", [])


def test_a_last_byte_tells_the_encoding_too(tmp_path: Path) -> None:
    with opened(tmp_path, b"id,company_id,name\np1,c1,Andr\xe9") as file:
        assert file.shape.encoding == "cp1252"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Wałęsa Kościół żółw Łódź gęślą"), ("cp1251", "Иван Петров директор"),
        ("cp437", "Jörg Müller für Führung"), ("mac-roman", "Jörg Müller für Führung"),
        ("cp1253", "Γιώργος Παπαδόπουλος"),
    ],
)  # fmt: skip
def test_what_is_neither_utf_8_nor_windows_1252_is_not_guessed_but_read_when_named(
    tmp_path: Path, encoding: str, text: str
) -> None:
    content = f"id,company_id,name\np1,c1,{text}\n".encode(encoding)
    with pytest.raises(BadHeader, match=r"hardly Windows-1252.*--encoding"):
        opened(tmp_path, content)
    (row,), _, _ = read(tmp_path, content, encoding=encoding)
    assert row["name"] == text


@pytest.mark.parametrize("name", ["klingon", "rot13", "hex", "a b"])
def test_an_encoding_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadHeader, match=f"--encoding {name} is not known"):
        opened(tmp_path, "id,company_id\n", encoding=name)


def test_json_lines_are_read_as_a_csv_of_their_keys_would_be(tmp_path: Path) -> None:
    lines = [
        {"id": 90071992547409931, "company": {"id": "c1"}, "jobTitle": "CFO", "email": None},
        {"id": "p2", "company": {"id": "c1"}, "title": "a\nb", "tags": ["x", 1], "active": True},
        {"id": "p3", "companyId": ["c1", "c2"]},
    ]
    content = "\n".join(map(json.dumps, lines)) + '\n\n[1]\n{"id": "p4"'
    with pytest.raises(BadHeader, match="comes twice"):
        opened(tmp_path, content, "f.jsonl")
    content = content.replace("companyId", "company_ids")
    rows, _, rejects = read(
        tmp_path, content, "f.jsonl", mapping={"company_id": "company id", "status": "active"}
    )
    assert [(row["id"], row["company_id"]) for row in rows] == [
        ("90071992547409931", "c1"), ("p2", "c1"),
    ]  # fmt: skip
    assert [row["status"] for row in rows] == ["active", "active"]
    assert rows[1]["title"] == "a b"
    assert [line for line, _ in rejects] == [3, 5, 6]
    assert "is no JSON object" in rejects[1][1]


def test_json_lines_of_nothing_have_no_header(tmp_path: Path) -> None:
    for content in ("", "\n", "[]\n"):
        with pytest.raises(BadHeader, match="is empty"):
            opened(tmp_path, content, "f.ndjson")


def test_packed_json_lines_are_read_and_cut_off_ones_are_not(tmp_path: Path) -> None:
    content = gzip.compress(b"".join(b'{"id":"p%d","companyId":"c"}\n' % n for n in range(20_000)))
    assert len(read(tmp_path, content, "f.jsonl.gz")[0]) == 20_000
    with pytest.raises(BrokenFile, match=r"^f\.jsonl\.gz .*damaged or cut off"):
        read(tmp_path, content[: len(content) // 2], "f.jsonl.gz")
