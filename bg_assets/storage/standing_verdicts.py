"""What company_people holds already: verdicts that nobody makes again, rows that stay untouched."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import sqlalchemy as sa

from bg_assets.domain.groups.group import StaffMember
from bg_assets.domain.titles import languages
from bg_assets.domain.titles import verdict as titles
from bg_assets.storage import probes

# Served by the primary keys.
_AS_THEY_WERE = sa.text("""
    select c.id, c.country
    from bg.canonical_companies as c
    join bg.company_profiles as k on k.company_id = c.id
    where c.id = any(:companies) and k.name is not distinct from c.name
        and k.country is not distinct from c.country
""")
# Served by the primary key.
_ROWS = sa.text(f"""
    select company_id, k.* from {probes.EACH} cross join lateral (
        select person_id, lexicon_version = :version, title, department, location, manager_id,
            start_date, has_email, seniority, function, level, confidence,
            cast(evidence as text), cast(nullif(function_alternatives, '[]') as text),
            cast(nullif(level_alternatives, '[]') as text), has_left, by_department
        from bg.company_people where company_id = each.company_id offset 0) as k
""")


class Row(NamedTuple):
    """A row of company_people. verdict: None where one of another version made it."""

    title: str | None
    department: str | None
    location: str | None
    manager_id: str | None
    start_date: date | None
    has_email: bool
    seniority: str | None
    verdict: titles.TitleVerdict | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of the staff of some companies, by company and person.

    steady: the companies in which a verdict hangs on title and department alone, and on nothing
    that has changed since.
    """

    rows: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    steady: frozenset[str] = frozenset()

    def of(
        self, company_id: str, person_id: str, title: str | None, department: str | None
    ) -> titles.TitleVerdict | None:
        """The verdict on somebody, None where it has to be made: new, or called otherwise now."""
        found = self.rows.get((company_id, person_id)) if company_id in self.steady else None
        if found is None or found.title != title or found.department != department:
            return None
        return found.verdict

    def holds(self, company_id: str, member: StaffMember) -> bool:
        """Whether somebody's row is just as it would be written."""
        return self.rows.get((company_id, member.person_id)) == (
            member.title, member.department, member.location, member.manager_id,
            member.start_date, member.has_email, member.seniority, member.verdict,
        )  # fmt: skip

    def without(
        self, companies: Iterable[str], staff: Mapping[str, Collection[StaffMember]]
    ) -> list[tuple[str, str]]:
        """Who has a row in one of these companies and is not on its staff: company and person."""
        among = set(companies)
        there = {(one, member.person_id) for one in among for member in staff.get(one, ())}
        return sorted(row for row in self.rows.keys() - there if row[0] in among)


def read(conn: sa.Connection, companies: Collection[str]) -> Standing:
    """What stands of the staff of these companies.

    A company that has another name or country than it had, or whose titles tell their language by
    all of them together, is not steady: there a verdict hangs on more than title and department.
    """
    found = conn.execute(_AS_THEY_WERE, {"companies": list(companies)})
    steady = frozenset(row.id for row in found if languages.spoken_in(row.country))
    wanted = {"companies": list(companies), "version": titles.version()}
    rows = {
        (company_id, person_id): Row(
            title, department, location, manager_id, start_date, has_email, seniority,
            kept(*told) if current else None,
        )
        for company_id, person_id, current, title, department, location, manager_id, start_date,
            has_email, seniority, *told in conn.execute(_ROWS, wanted)
    }  # fmt: skip
    return Standing(rows, steady)


@lru_cache(maxsize=1 << 14)
def kept(
    function: str | None,
    level: str | None,
    confidence: float,
    evidence: str,
    functions: str | None,
    levels: str | None,
    left: bool,
    by_department: bool,
) -> titles.TitleVerdict:
    """The verdict that a row of company_people holds; the lists as JSON, None for empty ones."""
    return titles.TitleVerdict(
        function,
        level,
        confidence,
        tuple(json.loads(evidence)),
        tuple(json.loads(functions) if functions else ()),
        tuple(json.loads(levels) if levels else ()),
        left,
        by_department,
    )
