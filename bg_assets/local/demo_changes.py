"""What happens to the people of the demo: a few changes of every sort, chosen by rule."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from bg_assets.files.header import Kind
from bg_assets.files.reading import open_import
from bg_assets.files.rows import Row
from bg_assets.local import demo_webhooks
from bg_assets.sample import world
from bg_assets.storage import database, imports


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, in words, and the companies whose groups it touches."""

    what: str
    companies: tuple[str, ...]


# The companies with the most members, so that there is something to see; each used once.
_CANDIDATES = sa.text("""
    select company_id from bg.buyer_group_members
    group by company_id having count(*) >= 4 order by company_id
""")
_ANY_MEMBER = sa.text("""
    select person_id from bg.buyer_group_members
    where company_id = :company_id order by person_id limit 1
""")
_TITLE = sa.text("update bg.people set title = :title where id = :person_id")
_LEAVE = sa.text("update bg.people set status = 'left' where id = :person_id")
_MOVE = sa.text("update bg.people set company_id = :company_id where id = :person_id")
_DEPARTMENTS = sa.text("""
    update bg.people set department = coalesce(department, 'Head Office') || ' (new)'
    where company_id = any(:companies)
""")
_JOIN = sa.text("""
    insert into bg.people (id, company_id, title, department)
    values (:person_id, :company_id, 'Chief Financial Officer', 'Finance')
""")


def import_sample(engine: sa.Engine, folder: Path, companies: int, seed: int) -> world.Counts:
    """Write a sample and import both files as `bg-assets import` does."""
    folder.mkdir(parents=True, exist_ok=True)
    of_companies, of_people, counts = world.write_sample(folder, companies, seed)
    files: tuple[tuple[Kind, Path], ...] = (("companies", of_companies), ("people", of_people))
    for kind, path in files:
        with open_import(path, kind, {}, False) as opened, database.connect(engine) as conn:
            rows = (
                (row.line, None, None, *row.cells) for row in opened.rows() if isinstance(row, Row)
            )
            imports.stage(conn, kind, opened.columns, rows)
            imports.judge(conn, kind)
            imports.apply(conn, kind, opened.columns, file=path.name)
    return counts


def make(engine: sa.Engine) -> list[Step]:
    """Change people, each step in a transaction of its own, two of them by way of the webhook door.

    Returns the steps. Raises NotTaken.
    """
    with database.connect(engine) as conn:
        companies = list(conn.execute(_CANDIDATES).scalars())
    title, leaver, origin, target, burst, newcomer, promoted, left, *scattered = companies
    scattered = scattered[:40]

    def do(statement: sa.TextClause, **values: object) -> None:
        with database.connect(engine) as conn:
            conn.execute(statement, values)

    def member(company_id: str) -> str:
        with database.connect(engine) as conn:
            return str(conn.execute(_ANY_MEMBER, {"company_id": company_id}).scalar_one())

    do(_TITLE, person_id=member(title), title="Head of Finance")
    do(_LEAVE, person_id=member(leaver))
    do(_MOVE, person_id=member(origin), company_id=target)
    somebody = member(burst)
    for number in range(100):
        do(_TITLE, person_id=somebody, title=f"Finance Manager, Team {number}")
    do(_JOIN, person_id="demo-newcomer", company_id=newcomer)
    do(_DEPARTMENTS, companies=scattered)
    told = {"newTitle": "Vice President Finance, Europe"}
    demo_webhooks.send(engine, "standard", "person.role_change", member(promoted), promoted, **told)
    demo_webhooks.send(engine, "plain", "person.left", member(left), left)
    return [
        Step("a new title", (title,)),
        Step("a member of the group left", (leaver,)),
        Step("a member moved to another company", (origin, target)),
        Step("100 changes of one person in a moment", (burst,)),
        Step("a new chief financial officer", (newcomer,)),
        Step("a signed webhook (Standard Webhooks): a new title", (promoted,)),
        Step("a signed webhook (plain HMAC): a member left", (left,)),
        Step(f"departments renamed in {len(scattered)} companies", tuple(scattered)),
    ]
