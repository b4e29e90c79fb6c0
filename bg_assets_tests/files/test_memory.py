"""What reading a file takes of memory does not grow with its rows, nor with its texts."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from bg_assets_tests.files.raw_workbook import raw_workbook

pytestmark = pytest.mark.slow

FEW, MANY = 2_000, 150_000
TEXTS = 2  # of each row, which no other row has
# Megabytes; as objects the rows of the longer file would take 70 and more.
ROOM = 40
READ = """
import resource, sys
from pathlib import Path
from bg_assets.files.reading import open_import
with open_import(Path(sys.argv[1]), "people", {}, False) as file:
    rows = sum(1 for _ in file.rows())
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def name(number: int) -> str:
    return f"Somebody with a rather long name, the {number}th of all"


def as_workbook(path: Path, rows: int) -> Path:
    """As Excel writes them: all texts shared, few of them twice."""
    header = ("id", "company_id", "name", "title")
    texts = [*header, *(name(number) for number in range(TEXTS * rows))]
    head = "".join(f'<c t="s"><v>{number}</v></c>' for number in range(len(header)))
    body = "".join(
        f'<row><c><v>{number}</v></c><c><v>1</v></c><c t="s"><v>{4 + 2 * number}</v></c>'
        f'<c t="s"><v>{5 + 2 * number}</v></c></row>'
        for number in range(rows)
    )
    shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
    return raw_workbook(path, f"<row>{head}</row>{body}", shared=shared)


def as_parquet(path: Path, rows: int) -> Path:
    """All rows in one group."""
    names = [name(number) for number in range(rows)]
    columns = {"id": range(rows), "company_id": [1] * rows, "name": names, "title": names[::-1]}
    table = pa.table({key: pa.array(values) for key, values in columns.items()})
    parquet.write_table(table, path, row_group_size=rows)
    return path


def peak(path: Path, rows: int) -> float:
    """Megabytes of a process that reads the file."""
    # Through a shell: a process begins with the peak of the one that started it.
    command = ["/bin/sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    read, kilobytes = map(int, done.stdout.split())
    assert read == rows
    return kilobytes / (1 if sys.platform == "linux" else 1024) / 1024


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_a_file_of_many_rows_takes_hardly_more_memory_than_one_of_few(
    tmp_path: Path, form: str
) -> None:
    make = as_workbook if form == "xlsx" else as_parquet
    few = peak(make(tmp_path / f"few.{form}", FEW), FEW)
    many = peak(make(tmp_path / f"many.{form}", MANY), MANY)
    assert many < few + ROOM
