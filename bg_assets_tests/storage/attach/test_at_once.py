"""An owner who writes their table while events tell of the same people, all at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.capture import observed
from bg_assets_tests.storage import told
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import OWNER, RAILS
from bg_assets_tests.storage.attach.telling import since_start
from bg_assets_tests.storage.rows import rows, run, value

PEOPLE = 12
MADE = f"""
    insert into app.people (id, company_id, first_name, title)
    select g, 7, 'P' || g, 'CFO' from generate_series(101, {100 + PEOPLE}) as g
"""
# What is kept beside says what the owner's row says, but for what was told.
STALE = """
    select o.id from bg.observed_people as o join bg.attached_people() as t on t.id = o.id
    where o.theirs ->> 'title' is distinct from t.title
        or (o.title is distinct from t.title and not o.told ? 'title')
        or (o.email is distinct from t.email)
"""


class Owner:
    """A program of the owner's that writes e-mails, and now and then a title."""

    def __init__(self, engine: sa.Engine, number: int) -> None:
        self._engine, self._number = engine, number

    def __call__(self, turn: int) -> None:
        said = f"{self._number}.{turn}"
        # In order, as they would else be in each other's way.
        some = sorted(101 + (self._number * 5 + turn * k) % PEOPLE for k in (1, 7))
        with self._engine.begin() as conn:
            conn.exec_driver_sql(f"set local role {OWNER}")
            for one in some:
                mail = f"update app.people set email = 'e{said}@x.example' where id = {one}"
                conn.exec_driver_sql(mail)
            if turn % 3 == 0:
                title = f"update app.people set title = 'Own {said}' where id = {some[0]}"
                conn.exec_driver_sql(title)


def settle(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        observed.settle(conn)


def tell(engine: sa.Engine, turn: int) -> list[str]:
    """Two events, applied."""
    company = {"id": "7", "name": "Acme"}
    events = [
        told.event(
            engine, "person.role_change", {"id": str(one), "newTitle": f"Told {turn}"}, company,
            seconds=since_start(60 + turn),
        )
        for one in (101 + turn % PEOPLE, 101 + (turn + 5) % PEOPLE)
    ]  # fmt: skip
    told.apply(engine)
    return events


@pytest.mark.slow
@pytest.mark.parametrize("to_write", [False, True], ids=["read-only", "writable"])
def test_nothing_that_anybody_wrote_at_once_is_lost_and_nobody_fails(
    database_url: str, to_write: bool
) -> None:
    engine = database.make_engine(database_url, pool_size=8)
    shapes.make(engine, RAILS)
    run(engine, MADE)
    shapes.attach_both(engine, RAILS, to_write=to_write)
    told.source(engine, "crm")
    stop = threading.Event()

    def again(what: Callable[[int], object]) -> int:
        turn = 0
        while not stop.is_set():
            turn += 1
            what(turn)
        return turn

    writers: list[Callable[[int], object]] = [
        Owner(engine, 1),
        Owner(engine, 2),
        lambda _: settle(engine),
    ]
    with ThreadPoolExecutor(len(writers)) as pool:
        threads = [pool.submit(again, one) for one in writers]
        events = [one for turn in range(25) for one in tell(engine, turn)]
        stop.set()
        assert all(one.result() for one in threads)
    while value(engine, "select count(*) from bg.webhook_events where status = 'pending'"):
        told.apply(engine)
    for _ in range(3):
        settle(engine)

    assert {told.became(engine, one)[0] for one in events} == {"applied"}
    assert rows(engine, STALE) == []
    assert value(engine, "select count(*) from bg.observed_unsettled") == 0
    if to_write:
        assert rows(engine, "select * from bg.observations") == []
    engine.dispose()
