"""How the groups are as they stand, by product. Looks at all of them: once in minutes, not often.

100,000 groups of ten people each take a second together, on a busy machine.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.kpis.catalogue import Measured
from bg_assets.domain.vocabulary import ROLES

# Served by the primary key of the members, of which nothing else is read. Who has no staff at all
# can't have members.
_MEMBERS = sa.text("""
    select g.product, g.groups, coalesce(m.members, 0)::float / g.groups as mean
    from (
        select product, count(*) as groups from bg.buyer_groups where not of_nobody
        group by product
    ) as g
    left join (
        select product, count(*) as members from bg.buyer_group_members group by product
    ) as m on m.product = g.product
""")
# Looks at all verdicts, narrow rows, of which none is older than the group by more than a minute.
_VERDICTS = sa.text("""
    select product, count(*) as groups,
        100 * avg((not fails @> '{size_within_target}')::integer)::float as members_in_band,
        100 * avg(confidence) as confidence, count(confidence) as confidence_of,
        avg(cohesion) as cohesion, count(cohesion) as cohesion_of,
        100 * avg(completeness) as completeness
    from bg.group_verdicts group by product
""")
_LACKING = ", ".join(
    f"""100 * avg((gaps @> '[{{"role": "{role}"}}]')::integer)::float as {role}""" for role in ROLES
)
# Looks at all groups.
_GAPS = sa.text(f"""
    select product, count(*) as groups, {_LACKING} from bg.buyer_groups group by product
""")
# Served by buyer_groups_by_age.
_OLDEST = sa.text("""
    select extract(epoch from clock_timestamp() - min(updated_at))::float / 86400
    from bg.buyer_groups
""")


def members(conn: sa.Connection) -> list[Measured]:
    """The mean size of the groups."""
    rows = conn.execute(_MEMBERS).all()
    return [Measured("members", row.mean, row.product, row.groups) for row in rows]


def verdicts(conn: sa.Connection) -> list[Measured]:
    """What the checks measured of each group, in the mean; cohesion where it is measurable."""
    found = []
    for row in conn.execute(_VERDICTS).mappings():
        found += [_mean(row, name) for name in ("members_in_band", "completeness")]
        found += [_mean(row, name, f"{name}_of") for name in ("confidence", "cohesion")]
    return found


def gaps(conn: sa.Connection) -> list[Measured]:
    """The share of the groups with a gap, by role."""
    return [
        Measured(f"gaps_{role}", row[role], row["product"], row["groups"])
        for row in conn.execute(_GAPS).mappings()
        for role in ROLES
    ]


def oldest(conn: sa.Connection) -> list[Measured]:
    """The age in days of the group that was written longest ago."""
    return [Measured("oldest_group", conn.execute(_OLDEST).scalar())]


def _mean(row: Mapping[Any, Any], name: str, of: str = "groups") -> Measured:
    return Measured(name, row[name], row["product"], row[of])
