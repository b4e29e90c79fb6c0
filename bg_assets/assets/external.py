"""The two tables that others write, as external assets: lineage starts there."""

from collections.abc import Iterable

import dagster as dg

from bg_assets.domain.values.columns import COMPANIES, PEOPLE, Column


def _schema(columns: Iterable[Column]) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[dg.TableColumn(one.name, one.type, description=one.about) for one in columns]
    )


_COMPANIES = dg.AssetSpec(
    "companies",
    description="Companies that are tracked: one row each, written by imports, CRMs and vendors.",
    group_name="people_and_companies",
    kinds={"postgres", "table"},
    owners=["team:sales-operations"],
    metadata={
        "dagster/relation_identifier": "bg.companies",
        "dagster/column_schema": _schema(COMPANIES),
    },
)
_PEOPLE = dg.AssetSpec(
    "people",
    description=(
        "People and the company each works for. A trigger turns what changes here into rows of "
        "bg.changes; the sensors turn those into refreshes."
    ),
    group_name="people_and_companies",
    kinds={"postgres", "table"},
    owners=["team:sales-operations"],
    metadata={
        "dagster/relation_identifier": "bg.people",
        "dagster/column_schema": _schema(PEOPLE),
    },
)

EXTERNAL = [_COMPANIES, _PEOPLE]
