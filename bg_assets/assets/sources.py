"""The two tables that others write, as external assets: lineage starts there."""

import dagster as dg

_COMPANIES = dg.AssetSpec(
    "companies",
    description="Companies that are tracked: one row each, written by imports, CRMs and vendors.",
    group_name="sources",
    kinds={"postgres", "table"},
    owners=["team:sales-operations"],
    metadata={"dagster/relation_identifier": "bg.companies"},
)
_PEOPLE = dg.AssetSpec(
    "people",
    description=(
        "People and the company each works for. A trigger turns what changes here into rows of "
        "bg.changes; the sensors turn those into refreshes."
    ),
    group_name="sources",
    kinds={"postgres", "table"},
    owners=["team:sales-operations"],
    metadata={"dagster/relation_identifier": "bg.people"},
)

SOURCES = [_COMPANIES, _PEOPLE]
