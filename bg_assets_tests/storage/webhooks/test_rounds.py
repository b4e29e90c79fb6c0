"""A round of applying as a whole: all or nothing, alone, and nobody held up by one bad event."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from bg_assets import encryption
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.encryption import Keys
from bg_assets.storage import claims, database
from bg_assets.storage.webhooks import applying as webhook_apply
from bg_assets.storage.webhooks.applying import Applied
from bg_assets_tests.storage import invariants, steps, told
from bg_assets_tests.storage.crashing import ends_at_each_place
from bg_assets_tests.storage.rows import (
    at,
    change,
    company,
    forget_changes,
    insert,
    locked,
    rows,
    run,
    value,
)
from bg_assets_tests.storage.told import APPLIED, apply, became, changes, event, one, person


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """The engine of the real thing."""
    made = database.make_engine(database_url, pool_size=4)
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def world(engine: sa.Engine) -> None:
    """A source that may create, and a company with three people."""
    told.source(engine, "crm", may_create=True)
    company(engine, "acme", ["ada", "bo", "cy"])


def titles(engine: sa.Engine) -> dict[str, str]:
    return {row["id"]: row["title"] for row in rows(engine, "select id, title from bg.people")}


def role(
    engine: sa.Engine, who: str, title: str, seconds: float = 0, at_company: str = "acme"
) -> str:
    return event(
        engine, "person.role_change", {"id": who, "newTitle": title}, at_company, seconds=seconds
    )


def states(engine: sa.Engine) -> set[str]:
    return {row["status"] for row in rows(engine, "select status from bg.webhook_events")}


@pytest.mark.parametrize("kill", [False, True], ids=["process", "connection"])
def test_a_round_that_is_ended_anywhere_leaves_all_events_pending_and_is_done_by_the_next(
    engine: sa.Engine, *, kill: bool
) -> None:
    def prepare(turn: int) -> Callable[[], object]:
        run(engine, "delete from bg.webhook_events")
        forget_changes(engine)
        role(engine, "ada", f"CEO {turn}", turn)
        role(engine, f"new-{turn}", "CTO", turn, f"new-{turn}")
        event(engine, "company.refresh_requested")
        return lambda: apply(engine)

    def look(turn: int) -> None:
        if states(engine) == {"pending"}:
            assert changes(engine) == []
            assert titles(engine)["ada"] != f"CEO {turn}"
            assert person(engine, f"new-{turn}") is None
            assert apply(engine).applied == 3
        assert states(engine) == {"applied"}
        assert titles(engine)["ada"] == f"CEO {turn}"
        assert len(changes(engine)) == 4

    assert ends_at_each_place(engine, prepare, look, kill=kill) > 10


def test_rounds_at_once_apply_each_event_once(engine: sa.Engine) -> None:
    for turn in range(5):
        forget_changes(engine)
        for number in range(40):
            role(engine, f"{turn}-{number % 20}", f"title {number}", number)
        barrier = threading.Barrier(4)
        done: list[Applied] = []

        def work(barrier: threading.Barrier = barrier, done: list[Applied] = done) -> None:
            barrier.wait()
            done.append(apply(engine))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(done) == 4
        assert sum(one.applied for one in done) == 40
        assert len(changes(engine)) == 20
        assert {titles(engine)[f"{turn}-{n}"] for n in range(20)} == {
            f"title {n}" for n in range(20, 40)
        }


def test_a_round_takes_no_more_than_its_limit_the_earliest_first(engine: sa.Engine) -> None:
    ids = [role(engine, "ada", f"title {number}", -number) for number in range(7)]
    assert apply(engine, 3) == Applied(applied=3, looked_at=3)
    assert [became(engine, one)[0] for one in ids] == ["pending"] * 4 + ["applied"] * 3
    assert apply(engine, 3).applied == 3
    assert apply(engine, 3).applied == 1
    assert apply(engine, 3) == Applied()
    assert titles(engine)["ada"] == "title 0"


def test_what_a_constraint_refuses_is_dead_and_all_others_are_applied(engine: sa.Engine) -> None:
    run(engine, "alter table bg.people add constraint no_kings check (title <> 'King')")
    bad = [role(engine, f"king-{number}", "King", number) for number in range(5, 60, 11)]
    good = [role(engine, f"p{number}", "CEO", 100 + number) for number in range(60)]
    done = apply(engine)
    assert (done.applied, done.dead) == (60, 5)
    assert {became(engine, one) for one in bad} == {
        ("dead", "the database refused it: check violation (no_kings)")
    }
    assert {became(engine, one) for one in good} == {APPLIED}
    assert set(titles(engine).values()) == {"CFO", "CEO"}


def test_what_a_trigger_of_the_user_refuses_is_dead_and_the_reason_tells_no_value(
    engine: sa.Engine,
) -> None:
    run(engine, """create function refuse() returns trigger language plpgsql as $$ begin
        if new.title = 'King' then raise exception 'no %', new.title; end if; return new;
        end $$""")  # fmt: skip
    run(engine, """create constraint trigger late after update on bg.people
        deferrable initially deferred for each row execute function refuse()""")  # fmt: skip
    good, bad = role(engine, "ada", "CEO"), role(engine, "bo", "King")
    apply(engine)
    assert became(engine, good) == APPLIED
    assert became(engine, bad) == ("dead", "the database refused it: raise exception")
    assert titles(engine) == {"ada": "CEO", "bo": "CFO", "cy": "CFO"}


def test_an_event_after_one_that_is_refused_does_not_build_on_it(engine: sa.Engine) -> None:
    run(engine, "alter table bg.people add constraint no_kings check (title <> 'King')")
    bad = role(engine, "dee", "King")
    good = event(
        engine, "person.department_change", "dee", changes={"department": {"new": "Tax"}}, seconds=1
    )
    apply(engine)
    assert (became(engine, bad)[0], became(engine, good)) == ("dead", APPLIED)
    found = person(engine, "dee")
    assert found is not None
    assert (found["title"], found["department"]) == (None, "Tax")


def test_a_database_that_lacks_rights_or_columns_fails_the_round_and_kills_no_event(
    engine: sa.Engine,
) -> None:
    run(engine, "alter table bg.people rename column seniority to rank")
    role(engine, "ada", "CEO")
    with pytest.raises(sa.exc.ProgrammingError):
        apply(engine)
    assert states(engine) == {"pending"}


def test_people_whom_another_writes_wait_for_the_next_round_and_nobody_else_does(
    engine: sa.Engine,
) -> None:
    waits = [role(engine, "ada", "CEO"), role(engine, "ada", "Chair", 2)]
    goes = role(engine, "bo", "CIO")
    with engine.begin() as other:
        run(
            other,
            "update bg.people set title = 'COO', observed_at = :at where id = 'ada'",
            at=at(1.5),
        )
        assert apply(engine) == Applied(applied=1, looked_at=3)
        assert [became(engine, one)[0] for one in waits] == ["pending"] * 2
        assert became(engine, goes) == APPLIED
    apply(engine)
    assert [became(engine, one)[0] for one in waits] == ["ignored", "applied"]
    assert titles(engine) == {"ada": "Chair", "bo": "CIO", "cy": "CFO"}


def test_a_table_that_another_holds_is_not_asked_for_by_each_event(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one they would wait for a minute, and the tick with them."""
    monkeypatch.setattr(webhook_apply, "_BUSY_SECONDS", 0)
    with engine.begin() as conn:
        for number in range(600):
            event(conn, "person.role_change", {"id": "ada", "newTitle": f"t{number}"})
    with locked(engine, "bg.changes"), ThreadPoolExecutor(1) as pool:
        applying = pool.submit(apply, engine)
        finished, _ = wait([applying], 30)
        assert finished
        assert applying.result() == Applied(looked_at=600)
    assert states(engine) == {"pending"}


def test_a_person_whom_another_is_creating_waits_for_the_next_round(engine: sa.Engine) -> None:
    waits, goes = role(engine, "dee", "CEO"), role(engine, "bo", "CIO", 1)
    with engine.begin() as other:
        insert(other, "bg.people", id="dee", company_id="acme", title="VP")
        done = apply(engine)
        assert done == Applied(applied=1, looked_at=2)
        assert [(one.source, one.status, one.company_id) for one in done.became] == [
            ("crm", "applied", "acme")
        ]
        assert (became(engine, waits)[0], became(engine, goes)) == ("pending", APPLIED)
    assert apply(engine).applied == 1
    assert titles(engine)["dee"] == "CEO"


def test_an_event_that_no_key_opens_is_dead_and_the_others_are_applied(engine: sa.Engine) -> None:
    ours, foreign = (Keys((Fernet.generate_key().decode(),)) for _ in range(2))
    good, bad, junk = role(engine, "ada", "CEO"), role(engine, "bo", "CIO"), role(engine, "cy", "x")
    for event_id, key in ((good, ours), (bad, foreign)):
        payload = bytes(value(engine, "select payload from bg.webhook_events where event_id = :id",
            id=event_id))  # fmt: skip
        run(engine, "update bg.webhook_events set payload = :token where event_id = :id",
            token=key.encrypt(payload), id=event_id)  # fmt: skip
    done = webhook_apply.apply_pending(engine, ours.decrypt)
    assert (done.applied, done.dead) == (1, 2)
    why = ("dead", "payload can't be decrypted with the keys that are here")
    assert became(engine, bad) == became(engine, junk) == why
    assert titles(engine) == {"ada": "CEO", "bo": "CFO", "cy": "CFO"}


def test_without_any_keys_nothing_is_done_and_the_events_wait(engine: sa.Engine) -> None:
    def none(_token: bytes) -> bytes:
        raise encryption.KeysUnusable("the file is gone")

    role(engine, "ada", "CEO")
    with pytest.raises(encryption.KeysUnusable):
        webhook_apply.apply_pending(engine, none)
    assert states(engine) == {"pending"}


def test_keys_are_not_asked_for_where_nothing_waits(engine: sa.Engine) -> None:
    def never(_token: bytes) -> bytes:
        raise AssertionError

    assert webhook_apply.apply_pending(engine, never) == Applied()


def test_a_database_that_is_away_is_not_read_as_nothing_pending() -> None:
    away = database.make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnreachable):
        apply(away)


def test_an_event_for_a_company_that_was_refreshed_a_minute_ago_is_in_people_at_once(
    engine: sa.Engine,
) -> None:
    """Its change waits for the next refresh, which takes it; nothing is lost."""
    policy = claims.Policy(settle=0, refresh_interval=steps.HOUR, claim_limit=100)

    def refreshed(seconds: float) -> list[set[str]]:
        held = [
            (request.run_key, steps.take(engine, request.run_key, request, seconds))
            for request in steps.tick(engine, seconds, policy)
        ]
        return [steps.complete(engine, key, taken) for key, taken in held]

    change(engine, "acme")
    invariants.finish(engine)
    change(engine, "acme", 1)
    now = claims_now(engine)
    assert refreshed(now) == [{"acme"}]
    assert one(engine, "person.role_change", {"id": "ada", "newTitle": "CEO"}) == APPLIED
    assert titles(engine)["ada"] == "CEO"
    assert refreshed(now + 60) == []
    assert changes(engine) == [("acme", "ada", "role_change")]
    assert refreshed(now + steps.HOUR + 60) == [{"acme"}]
    assert changes(engine) == []


def claims_now(engine: sa.Engine) -> float:
    """The database's clock in seconds from START."""
    with engine.connect() as conn:
        return (claims.database_now(conn) - at(0)).total_seconds() + 5


def test_a_round_has_as_many_statements_for_a_thousand_events_as_for_a_few(
    engine: sa.Engine,
) -> None:
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    counts = []
    for turn, number in ((1, 3), (2, 1000)):
        with engine.begin() as conn:
            for n in range(number):
                mail = {"email": f"{turn}-{n}@acme.example", "newTitle": "CEO"}
                event(conn, "person.role_change", {"id": f"{turn}-{n}"} | mail, f"{turn}-{n % 9}")
            for who in ("ada", "bo"):
                event(conn, "person.role_change", {"id": who, "newTitle": f"title {turn}"},
                    {"id": "acme", "name": "Acme", "domain": "acme.example"})  # fmt: skip
            event(conn, "company.refresh_requested")
        statements.clear()
        assert apply(engine).applied == number + 3
        counts.append(len(statements))
    assert counts[1] <= counts[0] <= 30


def test_large_bodies_are_not_held_all_at_once(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        for number in range(400):
            event(conn, "person.role_change", f"p{number}", padding="x" * 250_000)
    before = _most_memory()
    assert apply(engine).applied == 400
    assert _most_memory() - before < 60e6


def _most_memory() -> int:
    """Most bytes that this process had in memory since the last call."""
    status = Path("/proc/self/status")
    try:
        found = status.read_text().split("VmHWM:")[1].split()[0]
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, IndexError):
        pytest.skip("this system does not tell what memory a process had")
    return int(found) * 1024
