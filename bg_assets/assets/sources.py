"""The two tables that others write, as external assets: lineage starts there."""

import dagster as dg

_COMPANY_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("id", "text", description="The partition key of all assets"),
        dg.TableColumn("workspace", "text", description="Groups and filters, does not isolate"),
        dg.TableColumn("name", "text"),
        dg.TableColumn("domain", "text"),
        dg.TableColumn("website", "text"),
        dg.TableColumn("industry", "text"),
        dg.TableColumn("employee_min", "integer"),
        dg.TableColumn("employee_max", "integer"),
        dg.TableColumn("revenue", "numeric"),
        dg.TableColumn("country", "text"),
        dg.TableColumn("deleted_at", "timestamptz", description="Set: no longer tracked"),
    ]
)
_PEOPLE_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("id", "text"),
        dg.TableColumn("company_id", "text", description="The present employer"),
        dg.TableColumn("name", "text", description="Never leaves the database for Dagster"),
        dg.TableColumn("title", "text"),
        dg.TableColumn("department", "text"),
        dg.TableColumn("seniority", "text"),
        dg.TableColumn("email", "text", description="Never leaves the database for Dagster"),
        dg.TableColumn("location", "text"),
        dg.TableColumn("manager_id", "text", description="A person"),
        dg.TableColumn("start_date", "date"),
        dg.TableColumn("end_date", "date"),
        dg.TableColumn("status", "text", description="active or left"),
        dg.TableColumn("deleted_at", "timestamptz", description="Set: gone"),
        dg.TableColumn("observed_at", "timestamptz", description="When a source saw this last"),
        dg.TableColumn("updated_at", "timestamptz"),
    ]
)
_COMPANIES = dg.AssetSpec(
    "companies",
    description="Companies that are tracked: one row each, written by imports, CRMs and vendors.",
    group_name="sources",
    kinds={"postgres", "table"},
    owners=["team:sales-operations"],
    metadata={
        "dagster/relation_identifier": "bg.companies",
        "dagster/column_schema": _COMPANY_COLUMNS,
    },
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
    metadata={
        "dagster/relation_identifier": "bg.people",
        "dagster/column_schema": _PEOPLE_COLUMNS,
    },
)

SOURCES = [_COMPANIES, _PEOPLE]
