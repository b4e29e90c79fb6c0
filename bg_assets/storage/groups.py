"""Buyer groups in the tables, and the one transaction that completes a refresh."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from bg_assets.domain import causes
from bg_assets.domain.groups.gaps import Gap
from bg_assets.domain.groups.group import BuyerGroup, Member
from bg_assets.domain.groups.outcome import Outcome, StoredGroup
from bg_assets.storage import cancelling, stuck
from bg_assets.storage.causes import counted, made
from bg_assets.storage.notifications import outbox
from bg_assets.storage.refreshes import Held


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a company was refreshed, by kind and writer, and the seconds since the first change."""

    told: tuple[causes.Cause, ...]
    lag_seconds: float | None

    @property
    def kinds(self) -> list[str]:
        """Each kind with its writer: ``role_change (import)``."""
        return [one.code for one in self.told]


# Served by the primary keys.
_GROUPS = sa.text("""
    select g.company_id, g.product, g.gaps,
        coalesce((
            select jsonb_object_agg(m.person_id, m.role) from bg.buyer_group_members as m
            where m.company_id = g.company_id and m.product = g.product), '{}') as members
    from bg.buyer_groups as g
    where g.company_id = any(:companies)
""")

# Served by changes_by_refresh.
_CAUSES = sa.text(
    counted(
        "c.refresh_id::text", "c.refresh_id = any(cast(:ids as uuid[])) and c.handled_at is null"
    )
)

# Served by the primary key, see dueness.NAMED_UNDER_WAY.
_LOCK = sa.text("""
    select r.id::text as refresh_id
    from bg.buyer_group_refresh_log as r
    join unnest(cast(:ids as uuid[]), cast(:attempts as integer[])) as a(id, attempt)
        on a.id = r.id and a.attempt = r.attempt
    where r.status || '' = 'running' and r.run_id = :run_id
    order by r.id for update of r
""")

# A refresh because of changes starts the interval. A first build does not, nor does the first one
# that has people in it, nor one that somebody or a template asked for (what it took along would
# have waited, and must not wait longer for it), nor the end of a company. "offset 0" makes it a
# probe for each company, not a look at all.
_COMPLETE = sa.text("""
    update bg.buyer_group_refresh_log as r
    set status = 'completed', finished_at = d.finished_at, diff = d.diff, error = null,
        starts_interval = d.starts and r.triggered_by <> 'dagster',
        not_before = case when d.starts and r.triggered_by <> 'dagster'
            then d.finished_at + make_interval(secs => :interval) end
    from (
        select o.id, o.diff, clock_timestamp() as finished_at,
            coalesce(bool_or(c.kind <> 'resync' or c.source <> 'schedule'), false)
            and not coalesce(bool_or(
                c.kind = 'resync' and c.source in ('manual', 'template')), false)
            and not o.gone
            and exists (
                select from bg.buyer_groups as g
                where g.company_id = o.company_id and not g.of_nobody
                offset 0) as starts
        from jsonb_to_recordset(cast(:outcomes as jsonb))
            as o(id uuid, company_id text, diff jsonb, gone boolean)
        left join bg.changes as c on c.refresh_id = o.id and c.handled_at is null
        group by o.id, o.company_id, o.diff, o.gone
    ) as d
    where r.id = d.id
""")
_HANDLE = sa.text("""
    update bg.changes set handled_at = clock_timestamp()
    where refresh_id = any(cast(:ids as uuid[])) and handled_at is null
""")
# A run by hand that opened its refresh in the moment in which the last one died, or was cancelled,
# did not see its changes: they are pending again.
_SUPERSEDE = sa.text(f"""
    with dead as (
        select id from bg.buyer_group_refresh_log
        where {cancelling.SET_ASIDE} and company_id = any(:companies)
        order by id for update
    ), given_back as (
        update bg.changes as c set refresh_id = null
        from dead where c.refresh_id = dead.id and c.handled_at is null
    )
    update bg.buyer_group_refresh_log as r set status = 'failed'
    from dead where r.id = dead.id and r.status = 'dead'
""")

_REMOVE_GROUPS = sa.text("""
    delete from bg.buyer_groups as g
    where g.company_id = any(:companies) and not exists (
        select from jsonb_to_recordset(cast(:groups as jsonb)) as n(company_id text, product text)
        where n.company_id = g.company_id and n.product = g.product)
""")
# Served by the primary key of company_people: a probe for each group.
_WRITE_GROUPS = sa.text("""
    insert into bg.buyer_groups as g
        (company_id, product, refresh_id, template_hash, as_of, completeness, confidence, cohesion,
         cohesion_reason, coverage, gaps, of_nobody)
    select company_id, product, refresh_id, template_hash, as_of, completeness, confidence,
        cohesion, cohesion_reason, coverage, gaps, not exists (
            select from bg.company_people as k where k.company_id = n.company_id offset 0)
    from jsonb_to_recordset(cast(:groups as jsonb)) as n(
        company_id text, product text, refresh_id uuid, template_hash text, as_of date,
        completeness float, confidence float, cohesion float, cohesion_reason text,
        coverage float, gaps jsonb)
    on conflict (company_id, product) do update set
        refresh_id = excluded.refresh_id, template_hash = excluded.template_hash,
        as_of = excluded.as_of, completeness = excluded.completeness,
        confidence = excluded.confidence, cohesion = excluded.cohesion,
        cohesion_reason = excluded.cohesion_reason, coverage = excluded.coverage,
        gaps = excluded.gaps, of_nobody = excluded.of_nobody, updated_at = now()
""")
_REMOVE_MEMBERS = sa.text("""
    delete from bg.buyer_group_members as m
    where m.company_id = any(:companies) and not exists (
        select from jsonb_to_recordset(cast(:members as jsonb))
            as n(company_id text, product text, person_id text)
        where n.company_id = m.company_id and n.product = m.product
            and n.person_id = m.person_id)
""")
_WRITE_MEMBERS = sa.text("""
    insert into bg.buyer_group_members as m
        (company_id, product, person_id, role, confidence, influence, pinned, reasons)
    select company_id, product, person_id, role, confidence, influence, pinned, reasons
    from jsonb_to_recordset(cast(:members as jsonb)) as n(
        company_id text, product text, person_id text, role text, confidence float,
        influence float, pinned boolean, reasons jsonb)
    on conflict (company_id, product, person_id) do update set
        role = excluded.role, confidence = excluded.confidence, influence = excluded.influence,
        pinned = excluded.pinned, reasons = excluded.reasons
    where (m.*) is distinct from (excluded.*)
""")
_WRITE_HISTORY = sa.text("""
    insert into bg.buyer_group_history
        (refresh_id, company_id, product, person_id, event, old, new, because)
    select refresh_id, company_id, product, person_id, event, nullif(old, 'null'),
        nullif(new, 'null'), because
    from jsonb_to_recordset(cast(:events as jsonb)) as n(
        position integer, refresh_id uuid, company_id text, product text, person_id text,
        event text, old jsonb, new jsonb, because text)
    order by position
""")
_REMOVE_STAFF = sa.text("delete from bg.company_people where company_id = any(:companies)")


def read_groups(conn: sa.Connection, companies: Sequence[str]) -> dict[str, dict[str, StoredGroup]]:
    """What stands now, by company and then product."""
    found: dict[str, dict[str, StoredGroup]] = {}
    for row in conn.execute(_GROUPS, {"companies": list(companies)}):
        gaps = tuple(Gap(**gap) for gap in row.gaps)
        found.setdefault(row.company_id, {})[row.product] = StoredGroup(row.members, gaps)
    return found


def read_causes(conn: sa.Connection, refresh_ids: Sequence[str]) -> dict[str, Cause]:
    """The changes that these refreshes have taken and not yet handled, by refresh id."""
    rows: dict[str, list[sa.RowMapping]] = {}
    for row in conn.execute(_CAUSES, {"ids": list(refresh_ids)}).mappings():
        rows.setdefault(row["owner"], []).append(row)
    return {
        refresh_id: Cause(tuple(map(made, some)), max(one["lag_seconds"] for one in some))
        for refresh_id, some in rows.items()
    }


def complete(
    conn: sa.Connection,
    run_id: str,
    outcomes: Sequence[tuple[Held, Outcome]],
    refresh_interval: float,
) -> set[str]:
    """Write groups, members and history, and close the refreshes and their changes: all or nothing.

    Only what this run still holds with the same attempt is written; returns the ids of those
    refreshes. The number of statements does not depend on the number of outcomes.
    """
    stuck.give_up_when_silent(conn)
    parameters = {
        "ids": [held.refresh_id for held, _ in outcomes],
        "attempts": [held.attempt for held, _ in outcomes],
        "run_id": run_id,
    }
    mine = set(conn.execute(_LOCK, parameters).scalars())
    ours = [(held, outcome) for held, outcome in outcomes if held.refresh_id in mine]
    if not ours:
        return set()
    companies = [held.company_id for held, _ in ours]
    closing = [
        {
            "id": held.refresh_id,
            "company_id": held.company_id,
            "diff": _diff(outcome),
            "gone": outcome.gone is not None,
        }
        for held, outcome in ours
    ]
    conn.execute(_COMPLETE, {"outcomes": json.dumps(closing), "interval": refresh_interval})
    groups = [_group_row(held, group) for held, outcome in ours for group in outcome.groups]
    members = [
        _member_row(held, group, member)
        for held, outcome in ours
        for group in outcome.groups
        for member in group.members
    ]
    events = [
        {
            "refresh_id": held.refresh_id,
            "company_id": held.company_id,
            "product": product,
            "position": position,
            **asdict(event),
        }
        for held, outcome in ours
        for position, (product, event) in enumerate(outcome.events)
    ]
    conn.execute(_REMOVE_GROUPS, {"companies": companies, "groups": json.dumps(groups)})
    conn.execute(_WRITE_GROUPS, {"groups": json.dumps(groups)})
    conn.execute(_REMOVE_MEMBERS, {"companies": companies, "members": json.dumps(members)})
    conn.execute(_WRITE_MEMBERS, {"members": json.dumps(members)})
    conn.execute(_WRITE_HISTORY, {"events": json.dumps(events)})
    outbox.write(conn, events)
    gone = [held.company_id for held, outcome in ours if outcome.gone]
    conn.execute(_REMOVE_STAFF, {"companies": gone})
    conn.execute(_HANDLE, {"ids": sorted(mine)})
    conn.execute(_SUPERSEDE, {"companies": companies})
    return mine


def difference_by_product(outcome: Outcome) -> dict[str, dict[str, list[object]]]:
    """Who joined, left and changed role, by product: person ids, and roles old and new."""
    differences: dict[str, dict[str, list[object]]] = {}
    for product, event in outcome.events:
        diff = differences.setdefault(product, {"joined": [], "left": [], "role_changed": []})
        if event.event in {"joined", "left"}:
            diff[event.event].append(event.person_id)
        elif event.event == "role_changed":
            diff["role_changed"].append(
                {"person_id": event.person_id, "old": event.old, "new": event.new}
            )
    return differences


def _diff(outcome: Outcome) -> dict[str, object]:
    return {"gone": outcome.gone} if outcome.gone else {**difference_by_product(outcome)}


def _group_row(held: Held, group: BuyerGroup) -> dict[str, object]:
    return {
        "company_id": held.company_id,
        "product": group.product,
        "refresh_id": held.refresh_id,
        "template_hash": group.template_hash,
        "as_of": held.as_of.isoformat(),
        "completeness": group.completeness,
        "confidence": group.confidence,
        "cohesion": group.cohesion,
        "cohesion_reason": group.cohesion_reason,
        "coverage": group.coverage,
        "gaps": [asdict(gap) for gap in group.gaps],
    }


def _member_row(held: Held, group: BuyerGroup, member: Member) -> dict[str, object]:
    return {
        "company_id": held.company_id,
        "product": group.product,
        "person_id": member.person_id,
        "role": member.role,
        "confidence": member.confidence,
        "influence": member.influence,
        "pinned": member.pinned,
        "reasons": member.reasons,
    }
