"""Which changes of role become promotions when a refresh takes them."""

import sqlalchemy as sa

from bg_assets.storage import groups
from bg_assets.storage.claims import Request
from bg_assets_tests.storage.rows import at, company, forget_changes, rows, run
from bg_assets_tests.storage.steps import release, take, tick

TITLES = {"ann": "Finance Manager", "bob": "CFO", "cat": "CFO", "dan": "Sales Manager"}


def kinds(engine: sa.Engine) -> dict[str, str]:
    return {row["person_id"]: row["kind"] for row in rows(engine, "select * from bg.changes")}


def staffed(engine: sa.Engine, company_id: str = "acme") -> None:
    company(engine, company_id, list(TITLES))
    for person_id, title in TITLES.items():
        retitle(engine, person_id, title)
    forget_changes(engine)


def retitle(engine: sa.Engine, person_id: str, title: str) -> None:
    told = {"id": person_id, "title": title}
    run(engine, "update bg.people set title = :title where id = :id", **told)


def due(engine: sa.Engine) -> list[Request]:
    run(engine, "update bg.changes set occurred_at = :at", at=at(0))
    return tick(engine)


def test_the_refresh_that_takes_a_rise_calls_it_a_promotion(engine: sa.Engine) -> None:
    staffed(engine)
    retitle(engine, "ann", "Finance Director")
    retitle(engine, "bob", "Finance Director")
    run(engine, "update bg.people set manager_id = 'ann' where id = 'cat'")
    run(engine, "update bg.people set status = 'left', title = 'CRO' where id = 'dan'")
    before = {"ann": "role_change", "bob": "role_change", "cat": "role_change"}
    assert kinds(engine) == before | {"dan": "person_left"}

    (request,) = due(engine)
    take(engine, "run-1", request)
    assert kinds(engine) == before | {"ann": "promotion", "dan": "person_left"}


def test_what_another_refresh_is_to_take_is_left_to_it(engine: sa.Engine) -> None:
    staffed(engine)
    retitle(engine, "ann", "CFO")
    (request,) = due(engine)
    run(engine, "insert into bg.companies (id, name) values ('bolt', 'Bolt')")
    run(
        engine,
        "insert into bg.changes (company_id, person_id, kind, source, old, new) "
        "select 'bolt', 'eve', kind, source, old, new from bg.changes where person_id = 'ann'",
    )
    take(engine, "run-1", request)
    assert (kinds(engine)["ann"], kinds(engine)["eve"]) == ("promotion", "role_change")


def test_a_promotion_is_told_as_the_cause_and_stays_one_when_it_is_taken_again(
    engine: sa.Engine,
) -> None:
    staffed(engine)
    retitle(engine, "ann", "CFO")
    (request,) = due(engine)
    held = take(engine, "run-1", request)
    with engine.connect() as conn:
        (cause,) = groups.read_causes(conn, [held[0].refresh_id]).values()
    assert cause.kinds == ["promotion (people_table)"]
    release(engine, held)
    (again,) = tick(engine)
    take(engine, "run-2", again)
    assert kinds(engine) == {"ann": "promotion"}
