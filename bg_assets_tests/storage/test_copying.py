"""COPY from rows: every kind of value, any number of rows, and rows that fail on the way."""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bg_assets.storage.copying import copy_rows, encoded
from bg_assets_tests.storage.rows import rows, run, value


@pytest.fixture
def conn(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction with a table for every kind of value."""
    with engine.begin() as made:
        run(made, "create temporary table t (n integer, f double precision, b boolean, "
            "d date, at timestamptz, j jsonb, s text) on commit drop")  # fmt: skip
        yield made


def test_each_kind_of_value_arrives_as_it_is(conn: sa.Connection) -> None:
    moment = datetime(2026, 3, 2, 12, 30, 1, 250, tzinfo=UTC)
    nested = {"a": ["ü\\n\t", 1, None, True], "\n": "\\"}
    copy_rows(
        conn, "t", ("n", "f", "b", "d", "at", "j", "s"),
        [
            (1, 0.1, True, date(2024, 2, 29), moment, nested, "x"),
            (0, -1e300, False, None, None, ["a", "\r\n"], ""),
            (None, None, None, None, None, ("t",), None),
        ],
    )  # fmt: skip

    assert [tuple(row.values()) for row in rows(conn, "select * from t")] == [
        (1, 0.1, True, date(2024, 2, 29), moment, nested, "x"),
        (0, -1e300, False, None, None, ["a", "\r\n"], ""),
        (None, None, None, None, None, ["t"], None),
    ]


def test_values_encoded_once_arrive_in_each_row_that_has_them(conn: sa.Connection) -> None:
    shared = encoded((0.5, True, "tab\tand \\N", ["a\n", None]))
    copy_rows(conn, "t", ("n", "f", "b", "s", "j"), [(1, shared), (2, shared)])

    assert rows(conn, "select n, f, b, s, j from t order by n") == [
        {"n": n, "f": 0.5, "b": True, "s": "tab\tand \\N", "j": ["a\n", None]} for n in (1, 2)
    ]


def test_columns_are_those_named_and_in_their_order(conn: sa.Connection) -> None:
    copy_rows(conn, "t", ("s", "n"), [("x", 1)])

    assert rows(conn, "select s, n, b from t") == [{"s": "x", "n": 1, "b": None}]


@pytest.mark.parametrize("length", [0, 1, 7, 65_534, 65_535, 65_536, 65_537, 200_000])
def test_rows_of_any_length_are_whole_wherever_the_pieces_end(
    conn: sa.Connection, length: int
) -> None:
    texts = ["ä" * length, "b" * length, "", "c" * (length % 1000)]
    copy_rows(conn, "t", ("n", "s"), enumerate(texts))

    assert [row["s"] for row in rows(conn, "select s from t order by n")] == texts


def test_no_rows_are_no_rows(conn: sa.Connection) -> None:
    copy_rows(conn, "t", ("n",), [])

    assert value(conn, "select count(*) from t") == 0


def test_many_small_rows_are_read_as_they_are_wanted(conn: sa.Connection) -> None:
    copy_rows(conn, "t", ("n", "s"), ((n, "x" * (n % 50)) for n in range(30_000)))

    found = rows(conn, "select count(*) as n, sum(n) as all, sum(length(s)) as letters from t")
    assert found == [{"n": 30_000, "all": 449_985_000, "letters": 735_000}]


def test_what_the_rows_raise_is_raised_and_nothing_is_printed(
    engine: sa.Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing() -> Iterator[tuple[int]]:
        yield (1,)
        raise KeyError("the ninth line")

    before = sys.excepthook
    with engine.connect() as conn, pytest.raises(KeyError, match="the ninth line"):
        copy_rows(conn, "bg.changes", ("id",), failing())
    assert sys.excepthook is before
    assert capsys.readouterr() == ("", "")


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9))
def test_any_text_arrives_as_it_is(conn: sa.Connection, text: str) -> None:
    run(conn, "truncate t")
    copy_rows(conn, "t", ("s", "j"), [(text, [text])])

    assert rows(conn, "select s, j from t") == [{"s": text, "j": [text]}]
