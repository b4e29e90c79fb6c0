"""What refreshes bring for experiments that run: both groups of each company as figures, and sums.

One row a company, in the place of the last one; the group that is shown stands where all do.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.experiments.figures import Pairs
from bg_assets.domain.experiments.report import Overrides, Sums
from bg_assets.domain.groups.group import BuyerGroup
from bg_assets.domain.groups.outcome import Outcome, Unshown
from bg_assets.storage.experiments import Experiment
from bg_assets.storage.refreshes import Held

# Whoever stops an experiment waits for the refreshes that write for it, or they find it stopped.
_RUNNING = sa.text("""
    select id::text from bg.experiments
    where id = any(cast(:ids as uuid[])) and stopped_at is null
    order by id for share
""")
# Served by the primary key.
_FORGET = sa.text("""
    delete from bg.experiment_groups
    where experiment_id = any(cast(:ids as uuid[])) and company_id = any(:companies)
""")
_COLUMNS = (
    "shown", "refresh_id", "size_a", "size_b", "completeness_a", "completeness_b", "confidence_a",
    "confidence_b", "cohesion_a", "cohesion_b", "members_overlap", "decision_makers_overlap",
    "members",
)  # fmt: skip
_WRITE = sa.text(f"""
    insert into bg.experiment_groups (experiment_id, company_id, {", ".join(_COLUMNS)})
    select experiment_id, company_id, {", ".join(_COLUMNS)}
    from jsonb_to_recordset(cast(:rows as jsonb)) as n(
        experiment_id uuid, company_id text, shown text, refresh_id uuid,
        size_a integer, size_b integer, completeness_a float, completeness_b float,
        confidence_a float, confidence_b float, cohesion_a float, cohesion_b float,
        members_overlap float, decision_makers_overlap float, members jsonb)
    order by experiment_id, company_id
    on conflict (experiment_id, company_id) do update set
        updated_at = clock_timestamp(), {", ".join(f"{one} = excluded.{one}" for one in _COLUMNS)}
""")
# Served by the primary key: the rows of one experiment, 0.3 s for 100,000 companies.
_PAIRS = sa.text("""
    select m.name, count(*) as companies, count(*) filter (where m.b <> m.a) as differing,
        avg(m.a) as a, avg(m.b) as b, avg(m.b - m.a) as difference,
        stddev_samp(m.b - m.a) as deviation
    from bg.experiment_groups as g
    cross join lateral (values
        ('size', g.size_a::float, g.size_b::float),
        ('confidence', g.confidence_a, g.confidence_b),
        ('completeness', g.completeness_a, g.completeness_b),
        ('cohesion', g.cohesion_a, g.cohesion_b),
        ('members_overlap', 0, g.members_overlap),
        ('decision_makers_overlap', 0, g.decision_makers_overlap)) as m(name, a, b)
    where g.experiment_id = cast(:id as uuid) and m.a is not null and m.b is not null
    group by m.name
""")
# The rule of domain/experiments/assignment.py.
SHOWS_B = """(('x' || left(encode(sha256(convert_to(
            cast(:id as text) || ' ' || {company}, 'UTF8')), 'hex'), 8))::bit(32)::bigint
            % 100 < :share)"""
# Served by buyer_groups_by_template and member_overrides_by_time.
_OVERRIDES = sa.text(f"""
    with said as (
        select company_id, count(*) filter (where action = 'pin') as pins,
            count(*) filter (where action = 'exclude') as exclusions
        from bg.member_overrides
        where product = :product and created_at >= :since
        group by company_id
    )
    select g.shows_b, count(*) as companies, count(s.company_id) as overridden,
        coalesce(sum(s.pins), 0)::integer as pins,
        coalesce(sum(s.exclusions), 0)::integer as exclusions
    from (
        select company_id, template_hash, {SHOWS_B.format(company="company_id")} as shows_b
        from bg.buyer_groups
        where product = :product and template_hash in (:a_hash, :b_hash)
    ) as g
    left join said as s on s.company_id = g.company_id
    where g.template_hash = case when g.shows_b then :b_hash else :a_hash end
    group by g.shows_b
""")


def note(conn: sa.Connection, outcomes: Sequence[tuple[Held, Outcome]]) -> None:
    """Keep both groups of each company that was refreshed, for the experiments that still run.

    Call it in the transaction that writes the groups. Where there is nothing to compare, what was
    kept of the company goes. Costs nothing where no experiment runs.
    """
    found = [(held, outcome, one) for held, outcome in outcomes for one in outcome.unshown]
    if not found:
        return
    ids = sorted({one.experiment_id for _, _, one in found})
    running = set(conn.execute(_RUNNING, {"ids": ids}).scalars())
    rows = [row for held, outcome, one in found if (row := _row(held, outcome, one))]
    written = {(row["experiment_id"], row["company_id"]) for row in rows}
    gone = {
        held.company_id for held, _, one in found
        if (one.experiment_id, held.company_id) not in written
    }  # fmt: skip
    if gone:
        conn.execute(_FORGET, {"ids": ids, "companies": sorted(gone)})
    kept = [row for row in rows if row["experiment_id"] in running]
    if kept:
        conn.execute(_WRITE, {"rows": json.dumps(kept)})


def sums(conn: sa.Connection, one: Experiment) -> Sums:
    """What a report on an experiment that runs is made of."""
    pairs = {row.name: Pairs(**row._mapping) for row in conn.execute(_PAIRS, {"id": one.id})}
    parameters = {
        "id": one.id,
        "share": one.share,
        "product": one.product,
        "since": one.started_at,
        "a_hash": one.a_hash,
        "b_hash": one.b_hash,
    }
    sides = {False: Overrides(), True: Overrides()}
    for row in conn.execute(_OVERRIDES, parameters):
        sides[row.shows_b] = Overrides(row.companies, row.overridden, row.pins, row.exclusions)
    return Sums(pairs, sides[False], sides[True])


def _row(held: Held, outcome: Outcome, one: Unshown) -> dict[str, Any] | None:
    shown = next((group for group in outcome.groups if group.product == one.product), None)
    if shown is None or one.group is None:
        return None
    a, b = (shown, one.group) if one.shown == "a" else (one.group, shown)
    return {
        "experiment_id": one.experiment_id,
        "company_id": held.company_id,
        "shown": one.shown,
        "refresh_id": held.refresh_id,
        **_figures("a", a),
        **_figures("b", b),
        "members_overlap": _overlap(_ids(a), _ids(b)),
        "decision_makers_overlap": _overlap(_deciding(a), _deciding(b)),
        "members": {member.person_id: member.role for member in one.group.members},
    }


def _figures(variant: str, group: BuyerGroup) -> dict[str, Any]:
    return {
        f"size_{variant}": len(group.members),
        f"completeness_{variant}": group.completeness,
        f"confidence_{variant}": group.confidence,
        f"cohesion_{variant}": group.cohesion,
    }


def _ids(group: BuyerGroup) -> set[str]:
    return {member.person_id for member in group.members}


def _deciding(group: BuyerGroup) -> set[str]:
    return {one.person_id for one in group.members if one.role == "decision_maker"}


def _overlap(a: Iterable[str], b: Iterable[str]) -> float | None:
    """The Jaccard index; None where there is nobody in either."""
    one, other = set(a), set(b)
    return len(one & other) / len(one | other) if one | other else None
