"""Of two records that are one the survivor stays, whatever is told of the other in later rounds."""

from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import at, company, forget_changes, insert, rows, run
from bg_assets_tests.storage.told import APPLIED, one

KINDS = pytest.mark.parametrize(("kind", "table"), [("company", "companies"), ("person", "people")])


@pytest.fixture(autouse=True)
def world(engine: sa.Engine) -> None:
    """Two companies and two people of long ago, and a third of each; all called by our ids."""
    told.source(engine, "crm")
    for number in ("8001", "8002", "8003"):
        company(engine, number)
        insert(engine, "bg.people", id=number, company_id="8001", name=f"Ada {number}")
    for table in ("companies", "people"):
        told.known(engine, f"update bg.{table} set observed_at = :at", at=at(-3600))
    forget_changes(engine)


def say(engine: sa.Engine, kind: str, what: str, of: str, seconds: float, **more: Any) -> Any:
    company, person = ({"id": of}, None) if kind == "company" else ({"id": "8001"}, {"id": of})
    return one(engine, f"{kind}.{what}", person, company, seconds=seconds, **more)


def there(engine: sa.Engine, table: str) -> list[str]:
    found = rows(engine, f"select id from bg.{table} where deleted_at is null order by id")
    return [row["id"] for row in found]


@KINDS
@pytest.mark.parametrize("seconds", [5, 20])
def test_the_end_of_a_record_that_was_merged_away_is_not_the_survivors_in_later_rounds(
    engine: sa.Engine, kind: str, table: str, seconds: float
) -> None:
    assert say(engine, kind, "merged", "8002", 10, into="8001") == APPLIED
    assert say(engine, kind, "deleted", "8002", seconds)[0] == "ignored"
    assert there(engine, table) == ["8001", "8003"]
    new = {"name": {"new": "Late Name"}}
    assert say(engine, kind, "changed", "8002", 9, changes=new)[0] == "ignored"
    # That of the survivor is.
    assert say(engine, kind, "deleted", "8001", 30) == APPLIED
    assert there(engine, table) == ["8003"]


@KINDS
def test_a_chain_of_mergers_over_rounds_keeps_which_ids_have_ended(
    engine: sa.Engine, kind: str, table: str
) -> None:
    assert say(engine, kind, "merged", "8002", 10, into="8003") == APPLIED
    assert say(engine, kind, "merged", "8003", 20, into="8001") == APPLIED
    new = {"name": {"new": "Ada After"}}
    assert say(engine, kind, "changed", "8002", 15, changes=new)[0] == APPLIED[0]
    for ended in ("8002", "8003"):
        assert say(engine, kind, "deleted", ended, 30)[0] == "ignored"
    assert there(engine, table) == ["8001"]
    found = rows(engine, "select external_id, merged_at from bg.webhook_identities "
        "where kind = :kind and external_id <> '8001' order by 1", kind=kind)  # fmt: skip
    assert [tuple(row.values()) for row in found] == [("8002", at(10)), ("8003", at(20))]


def test_who_is_erased_under_an_id_that_was_merged_away_is_erased_in_a_later_round(
    engine: sa.Engine,
) -> None:
    assert say(engine, "person", "merged", "8002", 10, into="8001") == APPLIED
    assert say(engine, "person", "erased", "8002", 5) == APPLIED
    assert there(engine, "people") == ["8003"]


@KINDS
def test_an_id_that_ended_counts_for_its_source_only(
    engine: sa.Engine, kind: str, table: str
) -> None:
    assert say(engine, kind, "merged", "8002", 10, into="8001") == APPLIED
    run(engine, "update bg.webhook_identities set source = 'old', external_id = 'x' "
        "where external_id = '8002'")  # fmt: skip
    insert(engine, "bg.webhook_identities", source="crm", kind=kind, external_id="x",
           our_id="8001")  # fmt: skip
    assert say(engine, kind, "deleted", "x", 20) == APPLIED
    assert there(engine, table) == ["8003"]
