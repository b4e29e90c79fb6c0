"""What the rules know of each person of a company, kept for all who are alike to them anywhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from bg_assets.domain.titles import authority
from bg_assets.domain.titles.verdict import TitleVerdict
from bg_assets.domain.values import departments, sectors
from bg_assets.domain.values.sectors import Sector


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the rules know of a person. functions, levels: the answer, then what it could be."""

    title: str | None
    department: str | None
    functions: tuple[str, ...]
    levels: tuple[str, ...]
    rank: float  # authority.rank
    standing: frozenset[str]
    board_only: bool
    by_department: bool = False  # the title alone does not tell the function
    sector: Sector | None = None
    bare: str | None = None  # the title without the company's name
    unranked: bool = False  # the title has a function and no word of rank: counts as staff

    def __hash__(self) -> int:
        # Of all it is the same, and takes four times as long, for each person of each company.
        return hash((self.title, self.department, self.functions, self.levels))

    @property
    def level(self) -> str | None:
        """The level that counts, None when unknown."""
        return self.levels[0] if self.levels else None

    @property
    def level_told(self) -> str:
        """The level as people read it, with what is only taken for one."""
        return "unknown, taken for staff" if self.unranked else self.level or "unknown"


class Employer(Protocol):
    """What is read of a company."""

    @property
    def name(self) -> str | None: ...
    @property
    def country(self) -> str | None: ...
    @property
    def industry(self) -> str | None: ...


class Row(Protocol):
    """What is read of a person."""

    @property
    def person_id(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def department(self) -> str | None: ...
    @property
    def verdict(self) -> TitleVerdict: ...


def read(company: Employer, people: Iterable[Row], employees: int | None) -> dict[str, Candidate]:
    """Everybody by person id; those who are alike are one and the same."""
    name, apart = company.name, departments.apart
    where = authority.surroundings(employees, company.country, company.industry)
    sector = sectors.sector(company.industry, name)
    found: dict[str, Candidate] = {}
    for person in people:
        title, verdict = person.title, person.verdict
        found[person.person_id] = candidate(
            title,
            apart(title, name),
            apart(person.department, name),
            verdict.function,
            verdict.function_alternatives,
            verdict.level,
            verdict.level_alternatives,
            verdict.by_department,
            where,
            sector,
        )
    return found


@lru_cache(maxsize=1 << 14)
def candidate(
    title: str | None,
    bare: str | None,
    department: str | None,
    function: str | None,
    further_functions: tuple[str, ...],
    level: str | None,
    further_levels: tuple[str, ...],
    by_department: bool,
    where: authority.Surroundings,
    sector: Sector | None,
) -> Candidate:
    """One person's candidate from all that it hangs on; the same people stand in many companies.

    bare: the title apart from the company's name.
    """
    functions = (function, *further_functions) if function else ()
    levels = (level, *further_levels) if level else ()
    # `Sales`, `IT Support`: who leads others is called so.
    unranked = not levels and function is not None and not by_department
    return Candidate(
        title,
        department,
        tuple(dict.fromkeys(functions)),
        ("staff",) if unranked else tuple(dict.fromkeys(levels)),
        authority.rank_at(title, level, where),
        authority.standing(title),
        authority.on_board_only(title, level),
        by_department,
        sector=sector,
        bare=bare,
        unranked=unranked,
    )
