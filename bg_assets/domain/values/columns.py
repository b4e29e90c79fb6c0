"""The columns of people and of companies: each stands here once, with all that is done with it.

The canonical views, change capture, imports, events and what Dagster shows take their lists from
here. A new column takes a migration (of the table, of bg.observed_people, and of bg.touch_person
where it is watched), its line here, at the end, since that is the only place where a view that
stands can grow, a field of the webhooks' Person where it is one of people, and what uses it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

# What a value is; from this follow its type in the database and how it is read from outside.
Form = Literal[
    "person id", "company id", "name", "title", "text", "e-mail", "day", "status", "company name",
    "domain", "website", "headcount", "revenue", "country", "moment",
]  # fmt: skip
# Kinds of change. With "presence" it depends: on it hangs whether somebody is there at all.
Change = Literal[
    "company_change", "role_change", "department_change", "contact_change", "presence",
    "company_profile_change",
]  # fmt: skip

_TYPES = {
    "day": "date", "moment": "timestamptz", "headcount": "integer", "revenue": "numeric",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A canonical column.

    change: which kind of change it is when it differs; None: it is not watched. What is a
    contact_change stays with a person who moves to another company, the rest was of the old job.
    in_files: whether a file to import may or must have it; file_column: as which column, where that
    is another one. in_events: whether ``changes`` of an event may tell it. of_arrival,
    of_departure: whether a change tells it of who joined or left. kept: whether company_people
    holds it, of a company company_profiles. about: for who looks at it in Dagster.
    """

    name: str
    form: Form
    change: Change | None = None
    in_files: Literal["may", "must"] | None = None
    file_column: str = ""
    in_events: bool = False
    of_arrival: bool = False
    of_departure: bool = False
    kept: bool = False
    about: str | None = None

    @property
    def type(self) -> str:
        """Its type in PostgreSQL."""
        return _TYPES.get(self.form, "text")


PEOPLE = (
    Column("id", "person id", in_files="must", about="Yours, or given by the door to the webhooks"),
    Column("company_id", "company id", "company_change", "must", about="The present employer"),
    Column(
        "name", "name", "contact_change", "may", in_events=True,
        about="Never leaves the database for Dagster",
    ),
    Column(
        "title", "title", "role_change", "may", in_events=True, of_arrival=True, of_departure=True,
        kept=True, about="As its source has it; it tells function and level",
    ),
    Column(
        "department", "text", "department_change", "may", in_events=True, of_arrival=True,
        of_departure=True, kept=True, about="Tells the function where the title does not",
    ),
    Column(
        "seniority", "text", "role_change", "may", in_events=True, of_arrival=True, kept=True,
        about="The rank, in the words of its source",
    ),
    Column(
        "email", "e-mail", "contact_change", "may", in_events=True,
        about="Never leaves the database for Dagster",
    ),
    Column(
        "location", "text", "contact_change", "may", in_events=True, of_arrival=True, kept=True,
        about="Where this person works",
    ),
    Column(
        "manager_id", "person id", "role_change", "may", of_arrival=True, kept=True,
        about="The id of whom this person reports to",
    ),
    Column("start_date", "day", "role_change", "may", kept=True, about="Of the present job"),
    Column("end_date", "day", "role_change", "may", about="Passed: gone"),
    Column("status", "status", "presence", "may", about="active or left"),
    Column("deleted_at", "moment", "presence", about="Set: gone"),
    Column("observed_at", "moment", about="When a writer saw this last"),
    Column("updated_at", "moment", about="When the row was last written"),
)  # fmt: skip

COMPANIES = (
    Column("id", "company id", in_files="must", about="The partition key of all assets"),
    Column(
        "workspace", "text", "company_profile_change", kept=True,
        about="Groups and filters, does not isolate",
    ),
    Column(
        "name", "company name", "company_profile_change", "must", kept=True,
        about="As shown everywhere",
    ),
    Column("domain", "domain", "company_profile_change", "may", about="By which webhooks find it"),
    Column("website", "website", "company_profile_change", "may"),
    Column("industry", "text", "company_profile_change", "may", kept=True, about="In any words"),
    Column("employee_min", "headcount", "company_profile_change", "may", "employee_count",
           kept=True, about="The headcount, at least"),
    Column("employee_max", "headcount", "company_profile_change", "may", "employee_count",
           kept=True, about="The headcount, at most"),
    Column("revenue", "revenue", "company_profile_change", "may", about="A year, in its money"),
    Column(
        "country", "country", "company_profile_change", "may", kept=True,
        about="ISO 3166, two letters",
    ),
    Column("deleted_at", "moment", "presence", about="Set: no longer tracked"),
)  # fmt: skip


def named(columns: Iterable[Column]) -> tuple[str, ...]:
    """Their names, in their order."""
    return tuple(column.name for column in columns)


def watched(columns: tuple[Column, ...], *kinds: Change) -> tuple[str, ...]:
    """The names of the columns of which a change is one of these kinds, kind by kind."""
    return tuple(one.name for kind in kinds for one in columns if one.change == kind)


def in_files(columns: tuple[Column, ...]) -> Iterator[tuple[str, Column]]:
    """The columns that files may have, by the name that they have there, in order.

    Where several columns are filled by one of a file, the first of them stands for all.
    """
    seen = set()
    for column in columns:
        name = column.file_column or column.name
        if column.in_files and name not in seen:
            seen.add(name)
            yield name, column
