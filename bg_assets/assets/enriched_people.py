"""enriched_people: what providers of outside data were asked about each company, and told."""

import time

import dagster as dg
import sqlalchemy as sa

from bg_assets import partitions, settings
from bg_assets.assets import enrichment_metadata, failures, runs, traces
from bg_assets.domain.enrichment.plan import Plan
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.enriching import enrichment, plans
from bg_assets.enriching.enrichment import Enriched
from bg_assets.enriching.ready import NO_LEVEL, NO_PROVIDER, Ready, ready
from bg_assets.instance.report import report
from bg_assets.resources import Database
from bg_assets.storage.database import connect
from bg_assets.storage.enrichment import due

BATCH_TAG = "bg/enrichment_id"
# After this a batch leaves its other companies to the next: a provider may be slow.
LONGEST_SECONDS = 300.0


@dg.asset(
    deps=["company_people"],
    partitions_def=partitions.companies,
    backfill_policy=runs.BACKFILLS,
    retry_policy=runs.RETRIES,
    config_schema=runs.CONFIG,
    group_name="buyer_groups",
    kinds={"postgres", "python"},
    owners=["team:sales-operations"],
    code_version="1",
    metadata={"dagster/relation_identifier": "bg.enrichments"},
)
@traces.step
def enriched_people(context: dg.AssetExecutionContext, database: Database) -> None:
    """What was missing or in doubt of a company's people, asked of providers of outside data.

    What they saw is written to people like what any other writer saw, and leads to a refresh the
    same way. Without a provider, or where no template asks, it passes through and says so.
    """
    engine = database.engine
    companies, run_id = _companies(context, engine)
    have = ready(engine, settings.read())
    if isinstance(have, str):
        context.log.info(have)
        _let_go(engine, companies, run_id, None if have in (NO_PROVIDER, NO_LEVEL) else have)
        report(context, {company: {"because": have} for company in companies})
        return
    for mistake in have.mistakes:
        context.log.warning(mistake)
    made = plans.make(engine, have.templates, have.asking.providers, companies, have.budget)
    metadata: dict[str, dict[str, object]] = {}
    end = time.monotonic() + LONGEST_SECONDS
    for place, company in enumerate(companies):
        if run_id is not None and time.monotonic() > end:
            _give_back(context, engine, companies[place:], run_id)
            break
        if company not in made:
            metadata[company] = {"because": "the company is not tracked any more"}
            _let_go(engine, [company], run_id)
            continue
        enriched = _enrich(context, engine, made[company], have, run_id)
        metadata[company] = (
            {"because": enriched}
            if isinstance(enriched, str)
            else enrichment_metadata.describe(enriched)
        )
    report(context, metadata)


def batch_config(companies: tuple[str, ...]) -> dict[str, object]:
    """The run config of a batch, which a re-execution takes over."""
    return {"ops": {"enriched_people": {"config": {"companies": list(companies)}}}}


def _companies(
    context: dg.AssetExecutionContext, engine: sa.Engine
) -> tuple[list[str], str | None]:
    """The companies of the run, and its id where it holds them as a batch; by hand it holds none.

    Of a batch that another run has taken meanwhile none are left.
    """
    batch_id = context.run.tags.get(BATCH_TAG)
    if batch_id is None or context.run.parent_run_id is not None:
        return list(runs.purpose(context, engine).companies), None
    with connect(engine) as conn:
        companies = due.begin(conn, batch_id, context.run.run_id)
    if not companies:
        context.log.info("nothing left to ask: another run has taken these companies")
    return companies, context.run.run_id


def _enrich(
    context: dg.AssetExecutionContext,
    engine: sa.Engine,
    plan: Plan,
    have: Ready,
    run_id: str | None,
) -> Enriched | str:
    """Carry out a plan; a company that fails hurts itself alone, and is tried again later."""
    try:
        enriched = enrichment.carry_out(engine, plan, have.asking, run_id)
    except DatabaseUnreachable:
        raise
    except Exception as err:
        why = failures.in_words(err)
        context.log.error(f"{plan.company_id} could not be enriched: {why}")
        with connect(engine) as conn:
            due.not_done(conn, plan.company_id, run_id, why)
        return f"failed: {why}"
    if enriched.not_done is not None:
        context.log.warning(f"{plan.company_id} is asked about again later: {enriched.not_done}")
    return enriched


def _give_back(
    context: dg.AssetExecutionContext, engine: sa.Engine, companies: list[str], run_id: str
) -> None:
    context.log.info(f"{len(companies)} companies are left to the next run: this one took long")
    with connect(engine) as conn:
        due.give_back(conn, companies, run_id)


def _let_go(
    engine: sa.Engine, companies: list[str], run_id: str | None, error: str | None = None
) -> None:
    """Companies of a batch about which nothing was asked, for good or with an error until later.

    By hand none was held.
    """
    if run_id is None:
        return
    with connect(engine) as conn:
        if error is None:
            due.forget(conn, companies, run_id)
            return
        for company in companies:
            due.not_done(conn, company, run_id, error)
