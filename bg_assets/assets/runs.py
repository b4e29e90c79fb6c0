"""What a run is for, and its first step: take the refreshes, read the people, read their titles."""

import warnings
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from types import MappingProxyType
from typing import Any

import dagster as dg
import sqlalchemy as sa

from bg_assets.assets import failures, handed, portions
from bg_assets.domain.groups import employment
from bg_assets.domain.groups.group import StaffMember
from bg_assets.domain.titles import lexicon
from bg_assets.domain.titles import verdict as titles
from bg_assets.domain.values import departments
from bg_assets.instance import report
from bg_assets.storage import claims, database, refreshes, staff, standing_verdicts
from bg_assets.storage import companies as tracked
from bg_assets.storage.refreshes import Held
from bg_assets.storage.reports import finding

REFRESH_TAG = "bg/refresh_id"
ATTEMPT_TAG = "bg/attempt"
BATCH_TAG = "bg/batch_id"

RETRIES = dg.RetryPolicy(
    max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
# Known, and not to be said at every start of every process.
warnings.filterwarnings("ignore", "Parameter `backfill_policy`", dg.BetaWarning)
# The same for all assets of the job: Dagster would take the smallest.
BACKFILLS = dg.BackfillPolicy.multi_run(max_partitions_per_run=100)
# The companies of a batch, for the UI and for those who run it again; see batch_config.
CONFIG = {"companies": dg.Field([str], default_value=[], description="All companies of a batch")}
_NO_PARTITION = (
    "This run names no company: launch it again with a partition, which is a company's id, or run "
    "`bg-assets refresh COMPANY`"
)
_MOST_NAMED = 5
_ASSETS = ("company_people", "buyer_groups")


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a run is for: one requested refresh, a batch of them, or companies asked for by hand."""

    run_id: str
    companies: tuple[str, ...]
    refresh: tuple[str, int] | None = None
    batch_id: str | None = None

    @property
    def by_hand(self) -> bool:
        """Whether nobody opened refreshes for this run: the UI, a backfill, a re-execution."""
        return self.refresh is None and self.batch_id is None


@dataclass(frozen=True, slots=True)
class Taken:
    """The refreshes that a run holds, and what is shown of their companies' staff, of one moment.

    failed: companies whose people can't be judged, with the reason; nothing is shown of them.
    staff: what company_people holds of the first of them, as far as handed.py has room.
    """

    held: tuple[Held, ...]
    shown: dict[str, dict[str, object]]
    failed: dict[str, str]
    staff: dict[str, list[StaffMember]]


def purpose(context: dg.AssetExecutionContext, engine: sa.Engine) -> Purpose:
    """Read what the run is for from its tags and partitions.

    Companies that nobody tracks are left out where others are in the run, and get no event. Raises
    Failure, which is not tried again, where the run names no company or none that is known.
    """
    tags, run = context.run.tags, context.run
    batch_id = tags.get(BATCH_TAG)
    if batch_id is not None:
        with database.connect(engine) as conn:
            companies = tuple(refreshes.companies_of_batch(conn, batch_id))
    elif report.has_partitions(context):
        companies = tuple(report.partition_keys(context))
    else:
        raise dg.Failure(_NO_PARTITION, allow_retries=False)
    if run.parent_run_id is not None:
        # Those that failed belong to other batches by now.
        asked = tuple(context.op_execution_context.op_config["companies"])
        return Purpose(run.run_id, _known(context, engine, asked or companies))
    refresh = (tags[REFRESH_TAG], int(tags[ATTEMPT_TAG])) if REFRESH_TAG in tags else None
    if refresh is None and batch_id is None:
        companies = _known(context, engine, companies)
    return Purpose(run.run_id, companies, refresh, batch_id)


def _known(
    context: dg.AssetExecutionContext, engine: sa.Engine, companies: Sequence[str]
) -> tuple[str, ...]:
    """Those of the companies that there are; what the others are told is in the run's log."""
    with database.connect(engine) as conn:
        unknown = set(tracked.of_no_use(conn, companies))
        some = [company for company in companies if company in unknown][:_MOST_NAMED]
        message = "; ".join(finding.no_company(conn, company) for company in some)
    if len(unknown) > len(some):
        message += f"; and {len(unknown) - len(some)} more that are not known"
    if len(unknown) == len(set(companies)):
        raise dg.Failure(message, allow_retries=False)
    if unknown:
        context.log.warning(message)
        # Dagster itself would show all partitions of the run as materialized.
        report.defer(context)
    return tuple(company for company in companies if company not in unknown)


def batch_config(companies: Sequence[str]) -> dict[str, Any]:
    """The run config of a batch, which a re-execution takes over."""
    return {"ops": {asset: {"config": {"companies": list(companies)}} for asset in _ASSETS}}


def take(engine: sa.Engine, what: Purpose) -> Taken:
    """Take the refreshes and write company_people, in one transaction that sees one moment.

    A company whose people can't be judged is in ``failed`` with the reason.
    """

    def work(conn: sa.Connection) -> Taken:
        held = refreshes.take(
            conn,
            what.run_id,
            claims.database_now(conn),
            refresh=what.refresh,
            batch_id=what.batch_id,
            companies=what.companies if what.by_hand else (),
        )
        companies = [refresh.company_id for refresh in held]
        as_of = {refresh.company_id: refresh.as_of for refresh in held}
        return Taken(tuple(held), *_write_staff(conn, companies, as_of))

    return database.repeatable_read(engine, work)


def rejudge(engine: sa.Engine, companies: Sequence[str]) -> Taken:
    """Write company_people without a refresh, for a run that stops there."""

    def work(conn: sa.Connection) -> Taken:
        today = claims.database_now(conn).astimezone(UTC).date()
        return Taken((), *_write_staff(conn, companies, dict.fromkeys(companies, today)))

    return database.repeatable_read(engine, work)


def _write_staff(
    conn: sa.Connection, companies: Sequence[str], as_of: Mapping[str, date]
) -> tuple[dict[str, dict[str, object]], dict[str, str], dict[str, list[StaffMember]]]:
    """Judge the people of these companies and write company_people, some companies at a time.

    So a run holds few people whatever its batch. Returns what is shown of each company's staff, the
    companies that failed, of which nothing is written, and the staff that is handed on.
    """
    shown: dict[str, dict[str, object]] = {}
    failed: dict[str, str] = {}
    kept: dict[str, list[StaffMember]] = {}
    room = handed.MOST_PEOPLE
    for portion in portions.divided(companies, staff.count_people(conn, companies)):
        people = staff.read_people(conn, portion)
        names, spoken = staff.read_context(conn, portion, people)
        days = {company: as_of[company] for company in portion}
        standing = standing_verdicts.read(conn, portion)
        judged, bad = judge(people, days, names, spoken, standing)
        good = [company for company in portion if company not in bad]
        staff.write_staff(conn, good, judged, standing)
        shown |= {company: describe(judged[company]) for company in good}
        failed |= bad
        number = sum(len(judged[company]) for company in good)
        if number <= room:
            kept |= {company: judged[company] for company in good}
            room -= number
    return shown, failed, kept


def describe(members: Sequence[StaffMember]) -> dict[str, object]:
    """What is shown of a company's staff: how many, by function and by level."""
    functions = Counter(one.verdict.function or "unknown" for one in members)
    levels = Counter(one.verdict.level or "unknown" for one in members)
    return {
        "dagster/row_count": len(members),
        "functions": dict(sorted(functions.items())),
        "levels": dict(sorted(levels.items())),
    }


def judge(
    people: Sequence[staff.Person],
    as_of: dict[str, date],
    names: Mapping[str, str],
    spoken: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    standing: standing_verdicts.Standing | None = None,
) -> tuple[dict[str, list[StaffMember]], dict[str, str]]:
    """The staff by company, each with the verdict on their title; and the companies that failed.

    names: of the companies, which tell nothing where a department repeats them. spoken: the
    languages that their titles may be in. standing: what was read before, and holds.
    """
    # A lexicon that does not load is nobody's poison: the run fails as a whole.
    lexicon.shipped()
    judged: dict[str, list[StaffMember]] = {company: [] for company in as_of}
    failed: dict[str, str] = {}
    before = standing or standing_verdicts.Standing()
    for person in people:
        company = person.company_id
        if company in failed:
            continue
        try:
            verdict = before.of(company, person.person_id, person.title, person.department)
            if verdict is None:
                department = departments.apart(person.department, names.get(company))
                verdict = titles.classify(person.title, department, spoken.get(company, ()))
            today = as_of[company]
            if employment.is_employed(
                person.status, person.start_date, person.end_date, today, verdict
            ):
                judged[company].append(_member(person, verdict))
        except Exception as err:
            failed[company] = failures.in_words(err)
    return judged, failed


def _member(person: staff.Person, verdict: titles.TitleVerdict) -> StaffMember:
    return StaffMember(
        person_id=person.person_id,
        title=person.title,
        department=person.department,
        location=person.location,
        manager_id=person.manager_id,
        verdict=verdict,
        has_email=person.has_email,
        start_date=person.start_date,
        seen=person.seen,
        seniority=person.seniority,
    )


def to_report(
    context: dg.AssetExecutionContext,
    metadata: Mapping[str, Mapping[str, Any]],
    written: Collection[str],
) -> dict[str, Mapping[str, Any]]:
    """What of the metadata to report: in a batch that of the companies written alone.

    In other runs Dagster shows each partition as materialized, and the metadata says what is true.
    """
    only_written = report.is_deferred(context)
    return {who: shown for who, shown in metadata.items() if not only_written or who in written}


def has_step(context: dg.AssetExecutionContext, asset: str) -> bool:
    """Whether this run also makes the other asset of the job. A run that selects none has all."""
    selected = context.run.asset_selection
    steps = context.run.step_keys_to_execute
    return (not selected or dg.AssetKey(asset) in selected) and (steps is None or asset in steps)
