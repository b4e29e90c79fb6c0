"""Companies and their people for the tests of the running system, and what must hold in the end."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import dagster as dg
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.assets import runs
from bg_assets.domain.groups.group import BuyerGroup
from bg_assets.domain.groups.outcome import outcome
from bg_assets.products import files
from bg_assets.storage import staff
from bg_assets.storage.reports import shown
from bg_assets_tests.system.stack import Stack, eventually

# Lets no group of one company be written; take it back with `drop schema poison cascade`.
POISON = """
    create schema poison;
    create function poison.refuse() returns trigger language plpgsql as $$
    begin
        raise exception 'not this one';
    end $$;
    create trigger refuse before insert or update on bg.buyer_groups for each row
        when (new.company_id = '{company}') execute function poison.refuse()
"""
GROUPS = dg.AssetKey("buyer_groups")
PEOPLE = dg.AssetKey("company_people")
TITLES = (
    "CFO",
    "Finance Director",
    "Head of Accounting",
    "CIO",
    "Procurement Manager",
    "CEO",
    "Controller",
)

_COMPANIES = sa.text("""
    insert into bg.companies (id, name, employee_min, employee_max)
    select id, 'Company ' || id, 200, 200 from unnest(cast(:ids as text[])) as id
""")
_PEOPLE = sa.text("""
    insert into bg.people (id, company_id, name, title)
    select c.id || '-' || t.number, c.id, 'Some One', t.title
    from unnest(cast(:ids as text[])) as c(id),
        unnest(cast(:titles as text[])) with ordinality as t(title, number)
""")
_OPEN = sa.text("""
    select (select count(*) from bg.changes
            where company_id = any(:ids) and handled_at is null)
        + (select count(*) from bg.buyer_group_refresh_log
            where company_id = any(:ids) and status in ('requested', 'running'))
""")
_LOG = """
    select id::text as id, status, reason, triggered_by, attempt, run_id,
        batch_id::text as batch_id, requested_at, started_at, finished_at, not_before, diff, error
    from bg.buyer_group_refresh_log where company_id = :company order by requested_at
"""
_WAITING = """
    select count(*) from pg_stat_activity
    where wait_event_type = 'Lock' and query like '%bg.buyer_group%'
"""
_HOLD = sa.text("select from bg.buyer_groups where company_id = :company for update")
_REPLAYED = sa.text("""
    select company_id, product, person_id from (
        select distinct on (company_id, product, person_id) company_id, product, person_id, event
        from bg.buyer_group_history
        where company_id = any(:ids) and person_id is not null
        order by company_id, product, person_id, id desc
    ) as latest where event <> 'left'
""")


def grow(stack: Stack, prefix: str, number: int, seconds: float = 30) -> list[str]:
    """Add companies of seven people each and wait for their groups; gives the ids."""
    ids = [f"{prefix}{one:04}" for one in range(1, number + 1)]
    with stack.engine.begin() as conn:
        conn.execute(_COMPANIES, {"ids": ids})
        conn.execute(_PEOPLE, {"ids": ids, "titles": list(TITLES)})
    settle(stack, ids, seconds)
    return ids


def settle(stack: Stack, companies: Sequence[str], seconds: float = 30) -> None:
    """Wait until all changes of the companies are handled and no refresh is under way."""

    def settled() -> bool:
        # The database may be among what was killed.
        with contextlib.suppress(sa.exc.OperationalError), stack.engine.begin() as conn:
            return not conn.execute(_OPEN, {"ids": list(companies)}).scalar_one()
        return False

    eventually(settled, seconds, "all changes are handled")


def log_of(stack: Stack, company: str) -> list[Any]:
    """The refreshes of a company, oldest first."""
    return stack.rows(_LOG, company=company)


def retitle(stack: Stack, person: str, title: str) -> None:
    """Give one person another title, in a transaction of its own."""
    stack.execute("update bg.people set title = :title where id = :id", id=person, title=title)


@contextlib.contextmanager
def writes_blocked(stack: Stack) -> Iterator[None]:
    """While the block runs, every run that gets to writing its groups waits there."""
    with stack.engine.begin() as conn:
        conn.execute(sa.text("lock table bg.buyer_group_members in share row exclusive mode"))
        yield


def blocked_runs(stack: Stack) -> int:
    """How many runs wait to write their groups."""
    return int(stack.value(_WAITING))


@contextlib.contextmanager
def runs_queue_up(stack: Stack, prefix: str) -> Iterator[Callable[[], None]]:
    """While the block runs, the three runs that may be in progress are, and others are queued.

    What it gives lets one of the three go on, so that there is room for one.
    """
    busy = grow(stack, prefix, 3)
    with contextlib.ExitStack() as all_held:
        held = []
        for number, company in enumerate(busy, start=1):
            conn = all_held.enter_context(stack.engine.connect())
            conn.execute(_HOLD, {"company": company})
            held.append(conn)
            retitle(stack, f"{company}-2", "Chief Accountant")
            eventually(partial(_blocked, stack, number), 30, f"{number} runs are in progress")
        yield held[0].rollback
    settle(stack, busy)


def _blocked(stack: Stack, number: int) -> bool:
    return blocked_runs(stack) == number


def shown_by_dagster(stack: Stack, asset: dg.AssetKey, company: str) -> tuple[str, dict[str, Any]]:
    """The run and the metadata of the partition's latest materialization."""
    records = stack.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[company]), limit=1
    ).records
    assert len(records) == 1
    found = records[0].asset_materialization
    assert found is not None
    return records[0].run_id, {name: value.value for name, value in found.metadata.items()}


def assert_groups_as_recomputed(stack: Stack, companies: Sequence[str]) -> None:
    """What stands in the tables is what the rules give for the people as they are now."""
    stored, expected = _stored_and_expected(stack, companies)
    assert stored == expected


def companies_with_wrong_groups(stack: Stack, companies: Sequence[str]) -> set[str]:
    """Those of which what stands in the tables is not what the rules give now."""
    stored, expected = _stored_and_expected(stack, companies)
    return {
        key[0] for key in stored.keys() | expected.keys() if stored.get(key) != expected.get(key)
    }


_Groups = dict[tuple[str, str], dict[str, Any]]


def _stored_and_expected(stack: Stack, companies: Sequence[str]) -> tuple[_Groups, _Groups]:
    with stack.engine.begin() as conn:
        stored = {
            (company, group.product): _as_stored(group)
            for company, groups in shown.read_shown(conn, companies, names=False).items()
            for group in groups
        }
        dates = {
            row.company_id: row.as_of
            for row in conn.execute(
                sa.text("select company_id, as_of from bg.buyer_groups where company_id = any(:c)"),
                {"c": list(companies)},
            )
        }
        known = staff.read_companies(conn, companies)
        today = next(iter(dates.values()))
        as_of = {company: dates.get(company, today) for company in companies}
        people = staff.read_people(conn, companies)
        names, _ = staff.read_context(conn, companies, people)
        judged, failed = runs.judge(people, as_of, names)
    assert not failed
    config = settings.read()
    templates = list(files.load_templates(config.templates, config.products).values())
    expected = {
        (company, group.product): _as_decided(group)
        for company in known
        for group in outcome(
            known[company], judged[company], templates, as_of[company], {}, {}
        ).groups
    }
    return stored, expected


def assert_history_leads_to_members(stack: Stack, companies: Sequence[str]) -> None:
    """Who joined last and has not left is a member, and nobody else."""
    with stack.engine.begin() as conn:
        replayed = {tuple(row) for row in conn.execute(_REPLAYED, {"ids": list(companies)})}
        members = {
            (company, group.product, member.person_id)
            for company, groups in shown.read_shown(conn, companies, names=False).items()
            for group in groups
            for member in group.members
        }
    assert replayed == members


def _as_stored(group: shown.ShownGroup) -> dict[str, Any]:
    members = {
        one.person_id: (one.role, one.confidence, one.influence, tuple(one.reasons))
        for one in group.members
    }
    return _comparable(members, group.gaps, group.completeness, group.confidence)


def _as_decided(group: BuyerGroup) -> dict[str, Any]:
    members = {
        one.person_id: (one.role, one.confidence, one.influence, one.reasons)
        for one in group.members
    }
    gaps = [asdict(gap) for gap in group.gaps]
    return _comparable(members, gaps, group.completeness, group.confidence)


def _comparable(
    members: dict[str, Any], gaps: list[dict[str, Any]], completeness: float, mean: float | None
) -> dict[str, Any]:
    return {"members": members, "gaps": gaps, "completeness": completeness, "confidence": mean}
