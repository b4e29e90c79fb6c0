"""Others who write what a round of applying writes: what they hold up stays pending, never dead."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import company, insert, run, value
from bg_assets_tests.storage.told import APPLIED, apply, became, event, person

# Shorter than a round waits for a lock, so that it is the round that looks for the deadlock.
_ROUND_LOOKS = "50ms"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """The engine of the real thing, on a server that looks for deadlocks soon."""
    made = database.make_engine(database_url, pool_size=4)
    _let(made, "deadlock_timeout", _ROUND_LOOKS)
    made.dispose()
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def world(engine: sa.Engine) -> None:
    """A source that may create, and a company with two people."""
    told.source(engine, "crm", may_create=True)
    company(engine, "acme", ["ada", "bo"])


def _let(engine: sa.Engine, setting: str, what: str) -> None:
    name = engine.url.database
    run(engine, f"alter database {name} set {setting} = '{what}'")


@contextmanager
def just_before(engine: sa.Engine, fragment: str, action: Callable[[], None]) -> Iterator[None]:
    """Do something once, right before this engine's first statement that holds the fragment."""
    waiting = [action]

    def look(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if fragment in statement and waiting:
            waiting.pop()()

    sa.event.listen(engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        sa.event.remove(engine, "before_cursor_execute", look)
        assert not waiting


def _role(engine: sa.Engine, who: str, seconds: float = 0) -> str:
    return event(engine, "person.role_change", {"id": who, "newTitle": "CEO"}, seconds=seconds)


def test_a_deadlock_leaves_pending_what_it_was_about_and_applies_the_rest(
    engine: sa.Engine, database_url: str
) -> None:
    """Another creates dee and then wants ada, whom the round has locked before it creates dee."""
    waits, goes = _role(engine, "dee"), _role(engine, "ada", 1)
    other = sa.create_engine(database_url, poolclass=sa.NullPool)
    conn = other.connect()
    # It never looks itself, so that it is the round that loses.
    conn.execute(sa.text("set deadlock_timeout = '60s'"))
    insert(conn, "bg.people", id="dee", company_id="acme", title="VP")
    update = threading.Thread(
        target=lambda: run(conn, "update bg.people set seniority = 'x' where id = 'ada'")
    )

    def wants_ada() -> None:
        update.start()
        _wait_for_a_lock(other)

    with just_before(engine, "insert into bg.people", wants_ada):
        done = apply(engine)
    assert (done.applied, done.dead, done.looked_at) == (1, 0, 2)
    assert (became(engine, waits), became(engine, goes)) == (("pending", None), APPLIED)
    update.join(30)
    conn.commit()
    conn.close()
    assert apply(engine).looked_at == 1
    assert became(engine, waits)[0] in {"applied", "ignored"}


def _wait_for_a_lock(engine: sa.Engine) -> None:
    waiting = """
        select exists (select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock')
    """
    until = time.monotonic() + 30
    while not value(engine, waiting):
        assert time.monotonic() < until
        time.sleep(0.005)


def test_whom_another_created_in_between_is_known_to_the_next_round(engine: sa.Engine) -> None:
    waits, goes = _role(engine, "dee"), _role(engine, "ada", 1)

    def create() -> None:
        insert(engine, "bg.people", id="dee", company_id="acme", title="VP", name="Dee")

    with just_before(engine, "insert into bg.people", create):
        done = apply(engine)
    assert (done.applied, done.dead, done.looked_at) == (1, 0, 2)
    assert (became(engine, waits), became(engine, goes)) == (("pending", None), APPLIED)
    assert apply(engine).applied == 1
    found = person(engine, "dee")
    assert found is not None
    assert (found["title"], found["name"]) == ("CEO", "Dee")


def test_what_could_not_be_serialised_is_done_by_the_next_round(engine: sa.Engine) -> None:
    """On a server whose transactions see one moment only."""
    _let(engine, "default_transaction_isolation", "repeatable read")
    engine.dispose()
    waits = _role(engine, "ada")

    def recognise() -> None:
        insert(engine, "bg.webhook_identities", kind="person", source="crm", external_id="ada",
            our_id="ada")  # fmt: skip

    with just_before(engine, "insert into bg.webhook_identities", recognise):
        done = apply(engine)
    assert (done.dead, became(engine, waits)) == (0, ("pending", None))
    assert apply(engine).applied == 1


def test_what_is_held_for_longer_than_a_round_waits_is_left_to_the_next(engine: sa.Engine) -> None:
    """And no longer than that: who holds it may be somebody's forgotten terminal."""
    _let(engine, "deadlock_timeout", "60s")
    engine.dispose()
    waits, goes = _role(engine, "dee"), _role(engine, "bo", 1)
    with engine.connect() as other:
        insert(other, "bg.people", id="dee", company_id="acme")
        before = value(engine, "show lock_timeout")
        done = apply(engine)
        assert (done.applied, done.dead) == (1, 0)
        assert (became(engine, waits), became(engine, goes)) == (("pending", None), APPLIED)
        # Whoever gets the connection of that round waits as long as ever.
        assert value(engine, "show lock_timeout") == before
        other.rollback()
    assert apply(engine).applied == 1
