"""The tables of others in Dagster: where each is, and the columns it has in PostgreSQL."""

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets.definitions import defs
from bg_assets_tests.storage.rows import rows, value

COLUMNS = """
    select attname, atttypid::regtype::text as type from pg_attribute
    where attrelid = to_regclass(:table) and attnum > 0 and not attisdropped
"""


@pytest.mark.parametrize("name", ["companies", "people"])
def test_a_table_of_others_names_its_relation_and_the_columns_that_are_there(
    engine: sa.Engine, name: str
) -> None:
    spec = defs.resolve_asset_graph().get(dg.AssetKey(name))
    assert spec.metadata["dagster/relation_identifier"] == f"bg.{name}"
    there = {row["attname"]: row["type"] for row in rows(engine, COLUMNS, table=f"bg.{name}")}
    told = {
        one.name: value(engine, "select to_regtype(:type)::text", type=one.type)
        for one in spec.metadata["dagster/column_schema"].columns
    }
    assert told.items() <= there.items()
    # When a row was written, or told of, tells nothing of a company.
    assert set(there) - set(told) <= {"created_at", "updated_at", "observed_at"}
