"""buyer_groups: who decides at the company, one group a product; completes the refresh."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
import sqlalchemy as sa

from bg_assets import partitions, settings
from bg_assets.assets import (
    failures,
    freshness,
    group_checks,
    group_metadata,
    handed,
    judging,
    portions,
    progress,
    runs,
    traces,
    unseen,
    unshown,
    versions,
)
from bg_assets.domain.groups.group import StaffMember
from bg_assets.domain.groups.outcome import Outcome, outcome
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.enriching import plans
from bg_assets.instance import report
from bg_assets.logs.log import logger
from bg_assets.products import in_force
from bg_assets.resources import Database
from bg_assets.storage import experiment_groups, groups, next_refreshes, refreshes, staff
from bg_assets.storage.database import connect, in_transaction
from bg_assets.storage.enrichment import due
from bg_assets.storage.refreshes import Held
from bg_assets.storage.reports import partition, shown

LOG = logger(__name__)
COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("company_id", "text", description="The partition"),
        dg.TableColumn("product", "text", description="The template's name"),
        dg.TableColumn("person_id", "text", description="The id in people"),
        dg.TableColumn("role", "text", description="Exactly one a person"),
        dg.TableColumn("confidence", "double precision", description="In the role, 0 to 1"),
        dg.TableColumn("influence", "double precision", description="By rank, 0 to 1"),
        dg.TableColumn("pinned", "boolean", description="Chosen by a human"),
        dg.TableColumn("reasons", "jsonb", description="Why this person has this role"),
    ]
)


@dg.asset(
    deps=["company_people", "enriched_people", "companies"],
    partitions_def=partitions.companies,
    backfill_policy=runs.BACKFILLS,
    retry_policy=runs.RETRIES,
    config_schema=runs.CONFIG,
    group_name="buyer_groups",
    kinds={"postgres", "python"},
    owners=["team:sales-operations"],
    code_version=versions.of_groups(),
    freshness_policy=freshness.policy(),
    metadata={
        "dagster/relation_identifier": "bg.buyer_group_members",
        "dagster/column_schema": COLUMNS,
    },
)
@traces.step
def buyer_groups(context: dg.AssetExecutionContext, database: Database) -> None:
    """The people who will decide on each product at the company, each with one role and reasons.

    What is missing is named as a gap, never padded. The group, its history and the handling of the
    changes that led to it are written in one transaction; of a batch those of some companies at a
    time, so that what ends the run takes no more than these along.
    """
    engine = database.engine
    what = runs.purpose(context, engine)
    held = _held(context, engine, what)
    config = settings.read()
    force = in_force.in_force(engine, config.templates, config.products)
    if force.warning:
        context.log.warning(force.warning)
    run = _Run(context, engine, what.run_id, held, config, force)
    going = progress.Progress(context.log.info, len(held))
    any_written = False
    mine = {refresh.company_id: refresh for refresh in held}
    others = sorted(set(what.companies) - mine.keys())
    if others:
        any_written = _refresh(run, (), others)
    with connect(engine) as conn:
        people = staff.count_people(conn, list(mine), "company_people")
    for companies in portions.divided(list(mine), people):
        written = _refresh(run, [mine[company] for company in companies], companies)
        any_written = any_written or written
        going.add(len(companies))
    if any_written:
        _tell_checks(context, engine)


@dataclass(frozen=True, slots=True)
class _Run:
    """What the portions of a run have in common; ``held`` is all that it took."""

    context: dg.AssetExecutionContext
    engine: sa.Engine
    run_id: str
    held: Sequence[Held]
    config: settings.Settings
    force: in_force.InForce


def _refresh(run: _Run, portion: Sequence[Held], companies: Sequence[str]) -> bool:
    """Decide on a portion of what the run holds, write and report it; whether any was written.

    ``companies`` are those to report on: of the portion, and others that the run does not hold.
    """
    context, engine, force = run.context, run.engine, run.force
    outcomes, failed, people = _decide(engine, run.run_id, portion, force)
    asks = bool(run.config.providers) and bool(plans.asking(force.templates.values()))
    causes, done = _complete(engine, run.run_id, outcomes, failed, people, asks=asks)
    failures.release(context, engine, run.held, failed)
    _tell_logs(outcomes, done, failed)
    with connect(engine) as conn:
        groups_shown = shown.read_shown(conn, companies, names=False)
        facts = partition.read_facts(conn, companies)
        titles = partition.read_titles(conn, group_metadata.leavers(groups_shown))
        coming = next_refreshes.read(conn, companies if run.config.refresh_without_news else ())
    judged = judging.judge_written(engine, sorted(done), force)
    decided = {refresh.company_id: decision for refresh, decision in outcomes}
    for company in sorted(decided.keys() - done - failed.keys()):
        context.log.warning(
            f"{company}: nothing written, its refresh was cancelled or another attempt holds it"
        )
    metadata = group_metadata.describe(
        companies, groups_shown, decided, causes, done, failed, judged, coming, facts, titles
    )
    if force.warning:
        metadata = {
            who: {**entries, "template_error": force.warning} for who, entries in metadata.items()
        }
    metadata = unshown.tell(
        metadata, force, [pair for pair in outcomes if pair[0].company_id in done]
    )
    report.report(context, runs.to_report(context, metadata, done))
    return bool(done)


def _tell_logs(
    outcomes: Sequence[tuple[Held, Outcome]], done: set[str], failed: Mapping[str, str]
) -> None:
    for held, decision in outcomes:
        ids = {"company": held.company_id, "refresh": held.refresh_id, "attempt": held.attempt}
        if held.company_id in done:
            members = sum(len(group.members) for group in decision.groups)
            LOG.info("refresh_completed", members=members, **ids)
        elif held.company_id not in failed:
            LOG.warning("refresh_lost", **ids)


def _tell_checks(context: dg.AssetExecutionContext, engine: sa.Engine) -> None:
    """How all groups fare; without events of this run the UI says that no check has run since."""
    new = judging.tally_if_due(engine)
    report.report_checks(context, group_checks.evaluate(new or judging.last_tally(engine)))
    if new is not None:
        judging.told(engine, new)


def _held(
    context: dg.AssetExecutionContext, engine: sa.Engine, what: runs.Purpose
) -> tuple[Held, ...]:
    """What the first step took; a run that has only this step takes here."""
    if runs.has_step(context, "company_people"):
        with connect(engine) as conn:
            return tuple(refreshes.held_by(conn, what.run_id, what.companies))
    taken = runs.take(engine, what)
    handed.keep(what.run_id, taken.held, taken.staff)
    failures.release(context, engine, taken.held, taken.failed)
    return tuple(one for one in taken.held if one.company_id not in taken.failed)


def _decide(
    engine: sa.Engine, run_id: str, held: Sequence[Held], force: in_force.InForce
) -> tuple[list[tuple[Held, Outcome]], dict[str, str], dict[str, Sequence[StaffMember]]]:
    """The outcome of each company; for which the rules failed, with the reason; and the staff."""
    companies = [refresh.company_id for refresh in held]
    people = handed.take(run_id, held)
    with connect(engine) as conn:
        known = staff.read_companies(conn, companies)
        others = [company for company in companies if company not in people]
        people |= staff.read_staff(conn, others) if others else {}
        overrides = staff.read_overrides(conn, companies)
        before = groups.read_groups(conn, companies)
    outcomes: list[tuple[Held, Outcome]] = []
    failed: dict[str, str] = {}
    for refresh in held:
        try:
            decision = outcome(
                known.get(refresh.company_id),
                people.get(refresh.company_id, []),
                list(force.of(refresh.company_id).values()),
                refresh.as_of,
                overrides.get(refresh.company_id, {}),
                before.get(refresh.company_id, {}),
            )
            outcomes.append((refresh, decision))
        except Exception as err:
            failed[refresh.company_id] = failures.in_words(err)
    if force.experiments:
        outcomes = unshown.add(outcomes, force, known, people, overrides)
    return outcomes, failed, people


def _complete(
    engine: sa.Engine,
    run_id: str,
    outcomes: Sequence[tuple[Held, Outcome]],
    failed: dict[str, str],
    people: Mapping[str, Sequence[StaffMember]],
    *,
    asks: bool,
) -> tuple[dict[str, groups.Cause], set[str]]:
    """Write all outcomes at once; where the database refuses, each by itself.

    Returns the causes by company and the companies that were written; adds to ``failed``. ``asks``:
    whether providers may be asked what they lack.
    """
    try:
        return _write(engine, run_id, outcomes, people, asks=asks)
    except DatabaseUnreachable:
        raise
    except sa.exc.SQLAlchemyError as err:
        if len(outcomes) == 1:
            failed[outcomes[0][0].company_id] = failures.in_words(err)
            return {}, set()
    causes: dict[str, groups.Cause] = {}
    done: set[str] = set()
    for pair in outcomes:
        some_causes, some_done = _complete(engine, run_id, [pair], failed, people, asks=asks)
        causes |= some_causes
        done |= some_done
    return causes, done


def _write(
    engine: sa.Engine,
    run_id: str,
    outcomes: Sequence[tuple[Held, Outcome]],
    people: Mapping[str, Sequence[StaffMember]],
    *,
    asks: bool,
) -> tuple[dict[str, groups.Cause], set[str]]:
    interval = settings.read().refresh_interval

    def write(conn: sa.Connection) -> tuple[dict[str, groups.Cause], set[str]]:
        commit.look(conn)
        causes = groups.read_causes(conn, [held.refresh_id for held, _ in outcomes])
        done = groups.complete(conn, run_id, outcomes, interval)
        experiment_groups.note(conn, [pair for pair in outcomes if pair[0].refresh_id in done])
        unseen.note(conn, [pair for pair in outcomes if pair[0].refresh_id in done], people)
        if asks:
            due.want(conn, _to_ask(outcomes, causes, done))
        return causes, done

    with traces.committing(run_id, [held for held, _ in outcomes]) as commit:
        causes, mine = in_transaction(engine, write)
        commit.done(mine)
    companies = {held.refresh_id: held.company_id for held, _ in outcomes}
    return (
        {companies[refresh_id]: cause for refresh_id, cause in causes.items()},
        {companies[refresh_id] for refresh_id in mine},
    )


def _to_ask(
    outcomes: Sequence[tuple[Held, Outcome]], causes: dict[str, groups.Cause], done: set[str]
) -> list[str]:
    """The companies of which something may be asked that was not asked just now."""
    return [
        held.company_id
        for held, outcome in outcomes
        if held.refresh_id in done
        and outcome.gone is None
        and (held.refresh_id not in causes or plans.news(causes[held.refresh_id].kinds))
    ]
