"""Companies and people of `bg-assets sample`, copied into the database of a bench."""

import sqlalchemy as sa

from bg_assets.sample import world
from bg_assets.storage import copying

_SEED = 7
_OF_COMPANIES = ("id", "name", "employee_min", "employee_max", "country")
_OF_PEOPLE = ("id", "company_id", "name", "title", "department", "seniority", "email", "location",
              "manager_id", "start_date", "status")  # fmt: skip
_COUNTED = sa.text("select count(*) from bg.people")


def fill(engine: sa.Engine, number: int) -> int:
    """Add so many companies with their people, in one transaction; gives how many people."""
    rows = list(world.generate_companies(number, _SEED))
    people = world.generate_people(rows, _SEED)
    with engine.begin() as conn:
        copying.copy_rows(
            conn,
            "bg.companies",
            _OF_COMPANIES,
            ((r.id, r.name, r.employees, r.employees, r.home) for r in rows),
        )
        copying.copy_rows(
            conn, "bg.people", _OF_PEOPLE, ([getattr(r, one) for one in _OF_PEOPLE] for r in people)
        )
        return int(conn.execute(_COUNTED).scalar_one())
