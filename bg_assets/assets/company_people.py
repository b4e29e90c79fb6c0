"""company_people: each company's staff, with the function and level that their titles tell."""

import dagster as dg

from bg_assets import partitions
from bg_assets.assets import failures, freshness, handed, partition_metadata, runs, traces, versions
from bg_assets.instance.report import report
from bg_assets.logs.log import logger
from bg_assets.resources import Database
from bg_assets.storage.database import connect
from bg_assets.storage.reports import partition

LOG = logger(__name__)
COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("company_id", "text", description="The partition"),
        dg.TableColumn("person_id", "text", description="The id in people"),
        dg.TableColumn("title", "text", description="As it stands in people"),
        dg.TableColumn("function", "text", description="Null where the title does not tell"),
        dg.TableColumn("level", "text", description="Null where the title does not tell"),
        dg.TableColumn("confidence", "double precision", description="In both, 0 to 1"),
        dg.TableColumn("evidence", "jsonb", description="Why: the phrases and rules that decided"),
        dg.TableColumn("function_alternatives", "jsonb", description="What else it could be"),
        dg.TableColumn("level_alternatives", "jsonb", description="What else it could be"),
        dg.TableColumn("has_left", "boolean", description="The title itself says that it is over"),
        dg.TableColumn("by_department", "boolean", description="Only that tells the function"),
        dg.TableColumn("lexicon_version", "text", description="By which titles were read"),
    ]
)


@dg.asset(
    deps=["people", "companies"],
    partitions_def=partitions.companies,
    backfill_policy=runs.BACKFILLS,
    retry_policy=runs.RETRIES,
    config_schema=runs.CONFIG,
    group_name="buyer_groups",
    kinds={"postgres", "python"},
    owners=["team:sales-operations"],
    code_version=versions.of_people(),
    freshness_policy=freshness.policy(),
    metadata={
        "dagster/relation_identifier": "bg.company_people",
        "dagster/column_schema": COLUMNS,
    },
)
@traces.step
def company_people(context: dg.AssetExecutionContext, database: Database) -> None:
    """Everybody who works at the company, with function, level and how sure the title makes us."""
    what = runs.purpose(context, database.engine)
    if runs.has_step(context, "buyer_groups"):
        taken = runs.take(database.engine, what)
        handed.keep(what.run_id, taken.held, taken.staff)
        failures.release(context, database.engine, taken.held, taken.failed)
    else:
        taken = runs.rejudge(database.engine, what.companies)
    LOG.info("refresh_taken", companies=len(taken.held), failed=len(taken.failed))
    left_alone = len(set(what.companies) - set(taken.shown) - set(taken.failed))
    if left_alone:
        context.log.info(
            f"{left_alone} of {len(what.companies)} companies left alone: another run is "
            "refreshing them, or has done so since this run was asked for"
        )
    with connect(database.engine) as conn:
        names = partition.read_names(conn, what.companies)
    metadata = {
        company: {**partition_metadata.named(names, company), **_metadata(taken, company)}
        for company in what.companies
    }
    report(context, runs.to_report(context, metadata, taken.shown.keys()))


def _metadata(taken: runs.Taken, company: str) -> dict[str, object]:
    if company in taken.failed:
        return {"because": f"failed: {taken.failed[company]}"}
    shown = taken.shown.get(company)
    return shown or {"because": "left alone: another run is refreshing it, or has done so"}
