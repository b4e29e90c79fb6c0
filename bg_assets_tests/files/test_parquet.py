"""Parquet files to import: what each type is read as, and what is wrong with a file."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from bg_assets.files.header import BadHeader
from bg_assets.files.lines import BrokenFile
from bg_assets.files.parquet import ParquetRecords
from bg_assets.files.reading import open_import
from bg_assets.files.rows import Reject, Row

ZONE = dt.timezone(dt.timedelta(hours=2))


def saved(folder: Path, columns: dict[str, Any], name: str = "f.parquet", **options: Any) -> Path:
    path = folder / name
    parquet.write_table(pa.table(columns), path, **options)
    return path


def texts(path: Path) -> list[list[str]]:
    """The header and the records, as texts."""
    records = ParquetRecords(path)
    first = records.first()
    assert first is not None
    found = [first[1], *(fields for _, fields, _ in records)]
    records.close()
    return found


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (90071992547409931, pa.int64(), "90071992547409931"), (7, pa.uint8(), "7"),
        ("a;b\n", pa.string(), "a;b\n"), ("ä", pa.large_string(), "ä"), (b"\xc3\xa4", None, "ä"),
        (1234567890123.0, None, "1234567890123"), (0.5, None, "0.5"), (float("nan"), None, ""),
        (2.0**60, None, "1.15292E+18"), (True, None, "true"), (False, None, "false"),
        (dt.date(2024, 3, 5), pa.date32(), "2024-03-05"),
        (dt.date(2024, 3, 5), pa.date64(), "2024-03-05"),
        (dt.datetime(2024, 3, 5), pa.timestamp("ns"), "2024-03-05"),  # noqa: DTZ001
        (dt.datetime(2024, 3, 5, 14, 30, tzinfo=ZONE), pa.timestamp("ms", "+02:00"),
         "2024-03-05 14:30:00+02:00"),
        (Decimal("12.50"), pa.decimal128(9, 2), "12.50"), (Decimal(12), pa.decimal128(9, 2), "12"),
        (["a", None, "b"], None, "a;;b"), ([1, 2], None, "1;2"), ([], pa.list_(pa.int8()), ""),
        ([{"a": 1}], None, '{"a": 1}'), (None, pa.string(), ""), (None, pa.null(), ""),
        ("c", pa.dictionary(pa.int8(), pa.string()), "c"),
    ],
)  # fmt: skip
def test_each_type_is_a_text_as_it_is_meant(
    tmp_path: Path, value: object, kind: Any, text: str
) -> None:
    column = pa.array([value, None], kind)
    assert texts(saved(tmp_path, {"x": column})) == [["x"], [text], [""]]


def test_structs_are_columns_of_both_names_as_in_json_lines(tmp_path: Path) -> None:
    rows = [{"id": "c1", "site": {"city": "Bonn"}}, None, {"id": None, "site": None}]
    path = saved(tmp_path, {"id": [1, 2, 3], "company": rows})
    assert texts(path) == [
        ["id", "company id", "company site city"],
        ["1", "c1", "Bonn"], ["2", "", ""], ["3", "", ""],
    ]  # fmt: skip
    with open_import(path, "people", {"location": "company site city"}, False) as file:
        first, *rejects = file.rows()
    assert isinstance(first, Row)
    assert first.values == {"id": "1", "company_id": "c1", "location": "Bonn"}
    assert [one.line for one in rejects] == [2, 3]


def test_rows_come_in_order_over_all_row_groups_and_again_by_their_number(tmp_path: Path) -> None:
    count = 12_345
    ids = [f"p{number}" for number in range(1, count + 1)]
    bad = {1, 5000, 5001, count}
    companies = [None if number in bad else "c1" for number in range(1, count + 1)]
    path = saved(tmp_path, {"id": ids, "company_id": companies}, row_group_size=5500)
    with open_import(path, "people", {}, False) as file:
        found = list(file.rows())
        again = list(file.again((line, "x") for line in sorted(bad)))
    assert [one.values["id"] for one in found if isinstance(one, Row)] == [
        one for number, one in enumerate(ids, 1) if number not in bad
    ]
    assert [one.line for one in found if isinstance(one, Reject)] == sorted(bad)
    assert [one.original[0] for one in again] == [f"p{number}" for number in sorted(bad)]


def test_a_file_that_is_cut_off_or_damaged_is_told(tmp_path: Path) -> None:
    ids = [f"p{number * 7919}" for number in range(50_000)]
    columns = {"id": ids, "company_id": ["c"] * 50_000}
    path = saved(tmp_path, columns, row_group_size=10_000, compression="zstd")
    content = path.read_bytes()
    path.write_bytes(content[:-1000])
    with pytest.raises(BadHeader, match=r"^f\.parquet is damaged or cut off: copy or make it"):
        open_import(path, "people", {}, False)
    half = len(content) // 2
    path.write_bytes(content[:half] + b"\xff" * 4000 + content[half + 4000 :])
    with (
        open_import(path, "people", {}, False) as file,
        pytest.raises(BrokenFile, match=r"^f\.parquet is damaged after row \d+,\d+"),
    ):
        list(file.rows())


def test_a_file_of_very_many_columns_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {f"c{number}": [1] for number in range(1001)})
    with pytest.raises(BadHeader, match="more than 1,000 columns"):
        ParquetRecords(path)
