"""What a provider saw of people in a table of somebody else's is kept beside it."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import CompanyAsked, FoundCompany, FoundPerson, Kind
from bg_assets.storage import database
from bg_assets.storage.enrichment.writing import Settled, write
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import RAILS
from bg_assets_tests.storage.rows import forget_changes, rows

ACME = CompanyAsked("7", "Acme", "acme.example")


def test_a_provider_fills_what_the_owner_leaves_open_and_changes_what_is_older_than_it(
    engine: sa.Engine,
) -> None:
    shapes.make(engine, RAILS)
    shapes.attach_both(engine, RAILS)
    before = rows(engine, "select * from app.people union all select * from app.people")
    forget_changes(engine)
    now = datetime.now(UTC)
    old, new = now - timedelta(days=1), now + timedelta(minutes=1)
    found = FoundPerson(title="Boss", email="b@acme.example", employed_there=True, observed_at=old)
    hired = FoundPerson(name="Eva Lund", title="CIO", employed_there=True, observed_at=new)
    answers = [
        Settled(Kind.PERSON, "pdl", "found", 60, "2", person=found),
        Settled(Kind.DISCOVERY, "pdl", "found", 60, others=(hired,)),
        Settled(Kind.COMPANY, "pdl", "found", 60, company=FoundCompany(industry="Steel")),
    ]
    done = database.in_transaction(engine, lambda conn: write(conn, ACME, answers))

    assert done is not None
    assert done.people == {"2": ("email",)}
    assert done.kept[0] == ("2", "title: ours is newer")
    assert "companies are read from app.companies, which is attached" in done.kept[1][1]
    (new_one,) = done.created
    seen = rows(engine, "select person_id, kind, source from bg.changes order by id")
    assert [tuple(row.values()) for row in seen] == [
        ("2", "contact_change", "provider:pdl"), (new_one, "person_joined", "provider:pdl"),
    ]  # fmt: skip
    people = rows(engine, "select id, title, email from bg.canonical_people where company_id = '7'")
    assert {(row["title"], row["email"]) for row in people} == {
        ("CFO", "ada@acme.example"), ("Controller", "b@acme.example"), ("CIO", None),
    }  # fmt: skip
    assert before == rows(engine, "select * from app.people union all select * from app.people")


def test_a_provider_writes_through_to_a_table_that_may_be_written(engine: sa.Engine) -> None:
    shapes.make(engine, RAILS)
    shapes.attach_both(engine, RAILS, to_write=True)
    forget_changes(engine)
    new = datetime.now(UTC) + timedelta(minutes=1)
    found = FoundPerson(title="Treasurer", employed_there=True, observed_at=new)
    hired = FoundPerson(name="Eva Lund", title="CIO", employed_there=True, observed_at=new)
    answers = [
        Settled(Kind.PERSON, "pdl", "found", 60, "2", person=found),
        Settled(Kind.DISCOVERY, "pdl", "found", 60, others=(hired,)),
    ]
    done = database.in_transaction(engine, lambda conn: write(conn, ACME, answers))

    assert done is not None
    titles = rows(
        engine, "select id::text, title from app.people where company_id = 7 order by people.id"
    )
    assert [row["title"] for row in titles] == ["CFO", "Treasurer", "CIO"]
    assert done.created == [titles[-1]["id"]]
    seen = rows(engine, "select person_id, kind, source from bg.changes order by id")
    assert [tuple(row.values()) for row in seen] == [
        ("2", "role_change", "provider:pdl"),
        (titles[-1]["id"], "person_joined", "provider:pdl"),
    ]
