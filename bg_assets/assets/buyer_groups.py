"""buyer_groups: who decides at the company, one group a product; completes the refresh."""

from collections.abc import Sequence

import dagster as dg
import sqlalchemy as sa

from bg_assets import partitions, settings
from bg_assets.assets import failures, group_checks, group_metadata, judging, runs, versions
from bg_assets.domain.groups import difference
from bg_assets.domain.groups.group import Company, Override, StaffMember, decide
from bg_assets.domain.products import template
from bg_assets.domain.values import regions
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.instance import report
from bg_assets.products import in_force
from bg_assets.resources import Database
from bg_assets.storage import groups, refreshes, staff
from bg_assets.storage.database import connect
from bg_assets.storage.groups import Outcome, StoredGroup
from bg_assets.storage.refreshes import Held
from bg_assets.storage.reports import shown

COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("company_id", "text", description="The partition"),
        dg.TableColumn("product", "text", description="The template's name"),
        dg.TableColumn("person_id", "text"),
        dg.TableColumn("role", "text", description="Exactly one a person"),
        dg.TableColumn("confidence", "double precision", description="0 to 1"),
        dg.TableColumn("influence", "double precision", description="0 to 1"),
        dg.TableColumn("pinned", "boolean", description="Chosen by a human"),
        dg.TableColumn("reasons", "jsonb", description="Why this person has this role"),
    ]
)


@dg.asset(
    deps=["company_people", "companies"],
    partitions_def=partitions.companies,
    backfill_policy=runs.BACKFILLS,
    retry_policy=runs.RETRIES,
    config_schema=runs.CONFIG,
    group_name="buyer_groups",
    kinds={"postgres", "python"},
    owners=["team:sales-operations"],
    code_version=versions.of_groups(),
    metadata={
        "dagster/relation_identifier": "bg.buyer_group_members",
        "dagster/column_schema": COLUMNS,
    },
)
def buyer_groups(context: dg.AssetExecutionContext, database: Database) -> None:
    """The people who will decide on each product at the company, each with one role and reasons.

    What is missing is named as a gap, never padded. The group, its history and the handling of the
    changes that led to it are written in one transaction.
    """
    engine = database.engine
    what = runs.purpose(context, engine)
    held = _held(context, engine, what)
    config = settings.read()
    force = in_force.in_force(engine, config.templates, config.products)
    outcomes, failed = _decide(engine, held, list(force.templates.values()))
    causes, done = _complete(engine, what.run_id, outcomes, failed)
    failures.release(context, engine, held, failed)
    with connect(engine) as conn:
        groups_shown = shown.read_shown(conn, what.companies, names=False)
    judged = judging.judge_written(engine, sorted(done), force.templates)
    for outcome in outcomes:
        if outcome.held.company_id not in done and outcome.held.company_id not in failed:
            context.log.warning(
                f"{outcome.held.company_id}: nothing written, another attempt holds its refresh"
            )
    metadata = group_metadata.describe(
        what.companies, groups_shown, outcomes, causes, done, failed, judged
    )
    if force.warning:
        context.log.warning(force.warning)
        metadata = {who: {**one, "template_error": force.warning} for who, one in metadata.items()}
    report.report(context, runs.to_report(context, metadata, done))
    if done:
        _tell_checks(context, engine)


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
    failures.release(context, engine, taken.held, taken.failed)
    return tuple(one for one in taken.held if one.company_id not in taken.failed)


def _decide(
    engine: sa.Engine, held: Sequence[Held], templates: Sequence[template.Template]
) -> tuple[list[Outcome], dict[str, str]]:
    """The outcome of each company; and for which the rules failed, with the reason."""
    companies = [one.company_id for one in held]
    with connect(engine) as conn:
        known = staff.read_companies(conn, companies)
        people = staff.read_staff(conn, companies)
        overrides = staff.read_overrides(conn, companies)
        before = groups.read_groups(conn, companies)
    outcomes: list[Outcome] = []
    failed: dict[str, str] = {}
    for one in held:
        try:
            outcomes.append(
                outcome(
                    one,
                    known.get(one.company_id),
                    people.get(one.company_id, []),
                    templates,
                    overrides.get(one.company_id, {}),
                    before.get(one.company_id, {}),
                )
            )
        except Exception as err:
            failed[one.company_id] = failures.in_words(err)
    return outcomes, failed


def outcome(
    held: Held,
    company: Company | None,
    people: Sequence[StaffMember],
    templates: Sequence[template.Template],
    overrides: dict[str, list[Override]],
    before: dict[str, StoredGroup],
) -> Outcome:
    """What a refresh leads to: a group for each product, or none where the company is gone."""
    if company is None:
        gone = "the company is no longer tracked"
        events = [
            (product, event)
            for product, stored in sorted(before.items())
            for event in _farewell(stored, gone)
        ]
        return Outcome(held, (), tuple(events), gone)
    elsewhere = {one.name: regions.not_sold(one.regions, company.country) for one in templates}
    found = tuple(
        decide(company, people, one, held.as_of, overrides.get(one.name, []))
        for one in templates
        if elsewhere[one.name] is None
    )
    present = {one.person_id for one in people}
    events = []
    for group in found:
        stored = before.get(group.product, StoredGroup({}, ()))
        left = {
            person_id: "no longer at the company"
            for person_id in stored.members
            if person_id not in present
        }
        left = _excluded(overrides.get(group.product, ())) | left
        events += [
            (group.product, event)
            for event in difference.difference(stored.members, stored.gaps, group, left)
        ]
    for product in sorted(before.keys() - {group.product for group in found}):
        because = elsewhere.get(product) or "the product is no longer tracked"
        events += [(product, event) for event in _farewell(before[product], because)]
    not_sold = {product: because for product, because in elsewhere.items() if because}
    return Outcome(held, found, tuple(events), not_sold=not_sold)


def _excluded(overrides: Sequence[Override]) -> dict[str, str]:
    return {one.person_id: "excluded by hand" for one in overrides if one.action == "exclude"}


def _farewell(stored: StoredGroup, because: str) -> list[difference.Event]:
    return [
        difference.Event("left", person_id, {"role": role}, None, because)
        for person_id, role in sorted(stored.members.items())
    ]


def _complete(
    engine: sa.Engine, run_id: str, outcomes: Sequence[Outcome], failed: dict[str, str]
) -> tuple[dict[str, groups.Cause], set[str]]:
    """Write all outcomes at once; where the database refuses, each by itself.

    Returns the causes by company and the companies that were written; adds to ``failed``.
    """
    try:
        return _write(engine, run_id, outcomes)
    except DatabaseUnreachable:
        raise
    except sa.exc.SQLAlchemyError as err:
        if len(outcomes) == 1:
            failed[outcomes[0].held.company_id] = failures.in_words(err)
            return {}, set()
    causes: dict[str, groups.Cause] = {}
    done: set[str] = set()
    for one in outcomes:
        some_causes, some_done = _complete(engine, run_id, [one], failed)
        causes |= some_causes
        done |= some_done
    return causes, done


def _write(
    engine: sa.Engine, run_id: str, outcomes: Sequence[Outcome]
) -> tuple[dict[str, groups.Cause], set[str]]:
    interval = settings.read().refresh_interval
    with connect(engine) as conn:
        found = groups.read_causes(conn, [one.held.refresh_id for one in outcomes])
        mine = groups.complete(conn, run_id, outcomes, interval)
    companies = {one.held.refresh_id: one.held.company_id for one in outcomes}
    causes = {companies[refresh_id]: cause for refresh_id, cause in found.items()}
    return causes, {companies[refresh_id] for refresh_id in mine}
