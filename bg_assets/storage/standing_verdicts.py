"""Verdicts in company_people that hold as they stand: nobody reads their titles again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from bg_assets.domain.titles import languages
from bg_assets.domain.titles import verdict as titles
from bg_assets.storage.staff import kept

# Served by the primary keys.
_AS_THEY_WERE = sa.text("""
    select c.id, c.country
    from bg.canonical_companies as c
    join bg.company_profiles as k on k.company_id = c.id
    where c.id = any(:companies) and k.name is not distinct from c.name
        and k.country is not distinct from c.country
""")
# Served by the primary key.
_VERDICTS = sa.text("""
    select company_id, person_id, title, department, function, level, confidence,
        cast(evidence as text), cast(nullif(function_alternatives, '[]') as text),
        cast(nullif(level_alternatives, '[]') as text), has_left, by_department
    from bg.company_people
    where company_id = any(:companies) and lexicon_version = :version
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """What was read of titles before, by company and person: title, department and verdict."""

    known: Mapping[tuple[str, str], tuple[str | None, str | None, titles.TitleVerdict]] = field(
        default_factory=dict
    )

    def of(
        self, company_id: str, person_id: str, title: str | None, department: str | None
    ) -> titles.TitleVerdict | None:
        """The verdict on somebody, None where it has to be made: new, or called otherwise now."""
        found = self.known.get((company_id, person_id))
        if found is None or found[0] != title or found[1] != department:
            return None
        return found[2]


def read(conn: sa.Connection, companies: Sequence[str]) -> Standing:
    """The verdicts of this version on the people of these companies.

    A company that has another name or country than it had, or whose titles tell their language by
    all of them together, has none: there a verdict hangs on more than title and department.
    """
    rows = conn.execute(_AS_THEY_WERE, {"companies": list(companies)})
    steady = [row.id for row in rows if languages.spoken_in(row.country)]
    if not steady:
        return Standing()
    wanted = {"companies": steady, "version": titles.version()}
    return Standing(
        {
            (company_id, person_id): (title, department, kept(*told))
            for company_id, person_id, title, department, *told in conn.execute(_VERDICTS, wanted)
        }
    )
