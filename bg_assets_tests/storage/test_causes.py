"""A request tells what led to it: what has changed, who wrote it, and from where."""

import pytest
import sqlalchemy as sa

from bg_assets.storage import causes, refreshes
from bg_assets.storage.claims import Request
from bg_assets_tests.storage.rows import change, refresh, run


def _reasons(engine: sa.Engine, *companies: str) -> dict[str, int]:
    asked = Request("key", companies, 0, {"role_change": 1})
    with engine.begin() as conn:
        (told,) = causes.explained(conn, [asked])
    assert told.run_key == "key"
    return told.reasons


def test_each_kind_and_writer_is_told_with_the_number_of_companies(engine: sa.Engine) -> None:
    change(engine, "acme", source="import")
    change(engine, "acme", source="import")
    change(engine, "acme", source="webhook")
    change(engine, "bolt", source="import")
    change(engine, "bolt", kind="resync", source="manual")
    change(engine, "corp", source="my-job")
    assert _reasons(engine, "acme", "bolt") == {
        "import: new titles": 2, "refresh by hand": 1, "webhook: new titles": 1,
    }  # fmt: skip


def test_what_was_asked_for_tells_by_which_command(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        refreshes.request_by_hand(conn, ["acme", "bolt"])
        refreshes.request_by_hand(conn, ["acme"], asked="pin")
        refreshes.request_by_hand(conn, ["bolt"], asked="back,\nfill", priority=-10)
    assert _reasons(engine, "acme", "bolt") == {
        "refresh by hand": 2, "somebody was pinned": 1, "back fill by hand": 1,
    }  # fmt: skip


def test_what_another_refresh_has_taken_is_no_reason_for_this_one(engine: sa.Engine) -> None:
    change(engine, "acme", source="import")
    taken = refresh(engine, "acme", "running")
    run(engine, "update bg.changes set refresh_id = cast(:taken as uuid)", taken=taken)
    change(engine, "acme", source="webhook")
    assert _reasons(engine, "acme") == {"webhook: new titles": 1}
    run(engine, "delete from bg.changes where refresh_id is null")
    assert _reasons(engine, "acme") == {"new titles": 1}


@pytest.mark.parametrize(
    ("writer", "said"),
    [
        ("my-job", "my-job"),
        ("a, b,,c", "a b c"),
        ("two\nlines\t\x1b[31m\x7f", "two lines [31m"),
        ("Übersee/CRM: 1", "Übersee/CRM: 1"),
        ("w" * 61, "w" * 59 + "…"),
    ],
)
def test_a_writer_is_told_in_one_line_whatever_it_calls_itself(
    engine: sa.Engine, writer: str, said: str
) -> None:
    change(engine, "acme", source=writer)
    assert _reasons(engine, "acme") == {f"{said}: new titles": 1}
