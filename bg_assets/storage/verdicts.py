"""How each group fared when it was judged by the checks, and the sums over all of them.

Judging itself is no matter of this file: see bg_assets.assets.judging.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

# A join of both tables by their primary keys: 0.1 s for 100,000 groups.
_NOT_JUDGED = sa.text("""
    select g.company_id
    from bg.buyer_groups as g
    left join bg.group_verdicts as v
        on v.company_id = g.company_id and v.product = g.product
    where v.refresh_id is distinct from g.refresh_id
    group by g.company_id
    limit :most
""")
# Served by group_verdicts_by_age.
_OLDEST = sa.text("select company_id from bg.group_verdicts order by judged_at limit :most")
_WRITE = sa.text("""
    insert into bg.group_verdicts as v
        (company_id, product, refresh_id, fails, completeness, confidence, cohesion)
    select company_id, product, refresh_id, fails, completeness, confidence, cohesion
    from jsonb_to_recordset(cast(:verdicts as jsonb)) as n(
        company_id text, product text, refresh_id uuid, fails text[], completeness float,
        confidence float, cohesion float)
    order by company_id, product
    on conflict (company_id, product) do update set
        refresh_id = excluded.refresh_id, judged_at = clock_timestamp(), fails = excluded.fails,
        completeness = excluded.completeness, confidence = excluded.confidence,
        cohesion = excluded.cohesion
""")
_FORGET = sa.text("""
    delete from bg.group_verdicts as v
    where not exists (
        select from bg.buyer_groups as g
        where g.company_id = v.company_id and g.product = v.product)
""")
# Looks at all verdicts, narrow rows: 0.1 s together for 100,000.
_SUMS = sa.text("""
    select count(*) as groups,
        (select count(*) from bg.buyer_groups as g
            left join bg.group_verdicts as v
                on v.company_id = g.company_id and v.product = g.product
            where v.refresh_id is distinct from g.refresh_id) as waiting,
        avg(completeness) as completeness, count(completeness) as completeness_measured,
        avg(confidence) as confidence, count(confidence) as confidence_measured,
        avg(cohesion) as cohesion, count(cohesion) as cohesion_measured
    from bg.group_verdicts
""")
_FAILING = sa.text("""
    select rule, count(*) as failing
    from (
        select distinct company_id, rule from bg.group_verdicts, unnest(fails) as rule
        where fails <> '{}'
    ) as found
    group by rule
""")
# Served by the primary key, which is gone through until enough are found.
_WHO = sa.text("""
    select distinct company_id from bg.group_verdicts
    where fails @> array[cast(:rule as text)] order by company_id limit :most
""")
# Of what means are taken.
FIGURES = ("completeness", "confidence", "cohesion")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which checks a group fails, by their names, and the figures of which means are taken."""

    company_id: str
    product: str
    refresh_id: str
    fails: tuple[str, ...]
    completeness: float
    confidence: float | None
    cohesion: float | None


@dataclass(frozen=True, slots=True)
class Tally:
    """The sums over all groups that were judged.

    waiting: groups that are to be judged, for the first time or anew. failing: how many companies
    fail a check, by its name; companies: the first of them. means: of each figure, None where
    nothing was measured, and over how many groups.
    """

    groups: int
    waiting: int
    failing: Mapping[str, int]
    companies: Mapping[str, Sequence[str]]
    means: Mapping[str, tuple[float | None, int]]


def not_judged(conn: sa.Connection, most: int) -> list[str]:
    """Companies with a group that no verdict is of, in no order."""
    return list(conn.execute(_NOT_JUDGED, {"most": most}).scalars())


def oldest(conn: sa.Connection, most: int) -> list[str]:
    """The companies that were judged longest ago."""
    return list(dict.fromkeys(conn.execute(_OLDEST, {"most": most}).scalars()))


def write(conn: sa.Connection, verdicts: Sequence[Verdict]) -> None:
    """Keep these verdicts in place of earlier ones."""
    rows = [asdict(one) for one in verdicts]
    conn.execute(_WRITE, {"verdicts": json.dumps(rows)})


def forget(conn: sa.Connection) -> int:
    """Drop the verdicts of groups that are no more; returns how many."""
    return conn.execute(_FORGET).rowcount


def tally(conn: sa.Connection, most_listed: int) -> Tally:
    """Add up all verdicts."""
    sums = conn.execute(_SUMS).mappings().one()
    failing = {row.rule: int(row.failing) for row in conn.execute(_FAILING)}
    return Tally(
        groups=int(sums["groups"]),
        waiting=int(sums["waiting"]),
        failing=failing,
        companies={
            rule: list(conn.execute(_WHO, {"rule": rule, "most": most_listed}).scalars())
            for rule in sorted(failing)
        },
        means={figure: (sums[figure], int(sums[f"{figure}_measured"])) for figure in FIGURES},
    )
