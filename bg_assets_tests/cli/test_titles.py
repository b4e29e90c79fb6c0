"""`titles`: a row out for each row in, and one clear line for what can't be read."""

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bg_assets.cli.main import main
from bg_assets.domain.titles import verdict

HEADER = "title,function,level,confidence,reasons,function_alternatives,level_alternatives,left"


def _titles(content: bytes | str, *options: str) -> Result:
    sent = content.encode() if isinstance(content, str) else content
    result = CliRunner().invoke(main, ["titles", "-", *options], input=sent)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result


def _rows(content: bytes | str, *options: str) -> list[dict[str, str]]:
    result = _titles(content, *options)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0] == HEADER
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_a_list_gives_one_row_for_each_line_in_its_order() -> None:
    rows = _rows("CFO\nVice President, Sales\n\nZzyx\nFormer CTO\r\nHead of Growth")
    assert [(r["title"], r["function"], r["level"], r["left"]) for r in rows] == [
        ("CFO", "finance", "c_level", "false"),
        ("Vice President, Sales", "sales", "vp", "false"),
        ("", "unknown", "unknown", "false"),
        ("Zzyx", "unknown", "unknown", "false"),
        ("Former CTO", "engineering", "c_level", "true"),
        ("Head of Growth", "sales", "head", "false"),
    ]
    assert rows[2]["reasons"].startswith("garbage-only")
    assert rows[3]["reasons"].startswith("no-evidence")
    assert rows[5]["function_alternatives"] == "marketing"
    assert 0 < float(rows[5]["confidence"]) < float(rows[0]["confidence"]) <= 1


def test_an_ambiguous_word_is_read_in_the_language_of_the_country_else_of_the_file() -> None:
    rows = _rows("title,country\nLeder,Danmark\nLeder,Deutschland\nLeder,")
    assert [row["level"] for row in rows] == ["manager", "unknown", "manager"]
    german = ["Fachverkäufer für Möbel", "Lagerist in Teilzeit", "Buchhaltung und Verwaltung"]
    german += ["Sachbearbeiter im Innendienst", "Auszubildende im zweiten Jahr"]
    assert _rows("\n".join([*german, "Leder"]))[-1]["level"] == "unknown"


def test_what_was_learned_is_heard_unless_it_is_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = _rows("Börsenhändlerin")
    assert row["function"] == "finance"
    assert "function finance: like: '" in row["reasons"]
    monkeypatch.setenv("BG_TITLE_TAIL", "off")
    try:
        assert _rows("Börsenhändlerin")[0]["function"] == "unknown"
        assert _rows("CFO")[0]["function"] == "finance"
    finally:
        verdict.hear_tail(True)
    monkeypatch.setenv("BG_TITLE_TAIL", "loud")
    refused = _titles("CFO")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "BG_TITLE_TAIL takes one of on, off" in refused.stderr


def test_a_csv_is_known_by_its_header_whatever_its_case_and_other_columns() -> None:
    rows = _rows('\ufeffid,Title,Department\n1,"Director, EMEA",Finance\n\n2,,\n3,CTO,\n')
    assert [(r["title"], r["function"]) for r in rows] == [
        ("Director, EMEA", "finance"),
        ("", "unknown"),
        ("CTO", "engineering"),
    ]


def test_the_column_may_have_another_name() -> None:
    assert _rows("Job Title,x\nCTO,1\n", "--column", "job title")[0]["level"] == "c_level"


def test_a_column_of_titles_alone_takes_commas_and_empty_lines() -> None:
    rows = _rows('title\nVice President, Sales\n\n"VP, Sales"\n')
    assert [r["title"] for r in rows] == ["Vice President, Sales", "", "VP, Sales"]


def test_size_and_country_say_what_such_a_person_may_sign() -> None:
    rows = _rows(
        "title,employee_count,country\nFinance Director,200,GB\nFinance Director,200,US\n"
        "Clerk,200,US\nCFO,many,US\n"
    )
    assert "signs any sum" in rows[0]["reasons"]
    assert "signs up to about" in rows[1]["reasons"]
    assert "signs nothing alone" in rows[2]["reasons"]
    assert "company size: not a number of employees" in rows[3]["reasons"]


def test_json_is_one_document_with_null_for_unknown() -> None:
    document = json.loads(_titles("CFO\nZzyx\n", "--json").stdout)
    assert [row["function"] for row in document] == ["finance", None]
    assert document[1]["reasons"][0].startswith("no-evidence")
    assert document[0]["left"] is False
    assert json.loads(_titles("", "--json").stdout) == []


def test_an_empty_list_gives_the_header_alone() -> None:
    assert _rows("") == []
    assert _rows("title\n") == []


def test_a_compressed_file_is_read_and_half_of_it_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress("".join(f"Manager {n * 7919}\n" for n in range(9_000)).encode())
    path = tmp_path / "list.gz"
    path.write_bytes(packed)
    result = CliRunner().invoke(main, ["titles", str(path)])
    assert (result.exit_code, result.stdout.count("\n")) == (0, 9_001)
    path.write_bytes(packed[: len(packed) // 2])
    result = CliRunner().invoke(main, ["titles", str(path)])
    assert result.exit_code == 1
    assert "list.gz: is damaged or cut off after line" in result.stderr


REFUSED: list[tuple[bytes, int, str]] = [
    (b"CFO\nf\xfcr\n", 1, "line 2 holds bytes that are not UTF-8"),
    (b"title,department\nCFO,Finance\nCTO\n", 1, "line 3 has 1 fields, the header has 2"),
    (b'title,department\nCFO,"Fin', 1, "in the record of line 2"),
    (b'title,department\nCFO,"' + b"x\n" * 60_000, 1, "characters, or a quote before it"),
    (b"x" * 200_000, 1, "line 1 is longer than"),
    (b"title;department\nCFO;Finance\n", 2, "separated by semicolons"),
    (b"title,Title\nCFO,x\n", 2, "comes twice"),
    ("title\nCFO\n".encode("utf-16"), 2, "is UTF-16"),
    (b"PK\x03\x04rest", 2, "workbook"),
]


@pytest.mark.parametrize(("content", "code", "said"), REFUSED)
def test_what_can_not_be_read_is_refused_in_one_line(content: bytes, code: int, said: str) -> None:
    result = _titles(content)
    assert result.exit_code == code
    assert said in result.stderr
    assert "standard input" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_column_or_file_is_a_matter_of_usage(tmp_path: Path) -> None:
    result = _titles("name,job\nx,CFO\n", "--column", "jobb")
    assert result.exit_code == 2
    assert "did you mean job" in result.stderr
    for path in (tmp_path / "none.csv", tmp_path):
        assert CliRunner().invoke(main, ["titles", str(path)]).exit_code == 2


def test_a_list_that_may_be_a_csv_is_read_with_a_hint() -> None:
    result = _titles("id,Job Title,dept\n1,CFO,Finance\n")
    assert result.exit_code == 0
    assert "read as a list" in result.stderr


def test_a_reader_that_stops_early_ends_it_without_a_word() -> None:
    command = [sys.executable, "-c", "from bg_assets.cli.main import main; main()", "titles", "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"CFO\n" * 10)
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
