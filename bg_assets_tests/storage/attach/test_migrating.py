"""A table that was attached before anything was kept beside it stays attached through `migrate`."""

import json

import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.attach import catalog, choosing
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import told
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import RAILS
from bg_assets_tests.storage.attach.telling import tell
from bg_assets_tests.storage.rows import insert, rows, run, value
from bg_assets_tests.storage.told import APPLIED


def test_a_table_that_is_attached_already_is_read_and_kept_beside(postgres: Cluster) -> None:
    url = postgres.clone("template0")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as conn:
        run(conn, "create schema bg")
        told.upgrade(conn, "0025")
    shapes.make(engine, RAILS)
    with engine.begin() as conn:
        table = catalog.read(conn, RAILS.people)
        choice = choosing.choose(table, "people", {})
    insert(
        engine, "bg.attached_tables", kind="people", on_table="app.people", schema="app",
        table_oid=table.oid, mapping="{}", gone=[], readers=json.dumps(choice.readers),
        columns="{}", attached_by="tester",
    )  # fmt: skip
    run(engine, "insert into bg.companies (id, name) values ('7', 'Acme')")
    database.migrate(url)
    told.source(engine, "crm", may_create=True)
    done = tell(engine, "person.role_change", {"id": "1", "newTitle": "VP"}, RAILS)

    assert done == APPLIED
    titles = rows(engine, "select title from bg.canonical_people order by id")
    assert [row["title"] for row in titles] == ["VP", "Controller", "CEO"]
    assert value(engine, "select observed_of from bg.capture_watch") == "app.people"
    postgres.drop(url)
