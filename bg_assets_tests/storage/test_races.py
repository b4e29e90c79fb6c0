"""Ticks, runs, repairs and writers at once, from many connections and in any order."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bg_assets.storage import claims, database, groups, refreshes
from bg_assets.storage.claims import Request
from bg_assets.storage.refreshes import Held
from bg_assets_tests.storage import invariants, steps
from bg_assets_tests.storage.invariants import LATER
from bg_assets_tests.storage.rows import at, change, company, insert, rows, run, value
from bg_assets_tests.storage.steps import complete, release, take, take_by_hand, tick


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.make_engine(database_url, pool_size=16)
    yield made
    made.dispose()


def together(*works: Callable[[], object]) -> list[object]:
    """Do all at once; the results, or the exceptions, in the order of the works."""
    barrier = threading.Barrier(len(works))
    results: list[object] = [None] * len(works)

    def do(place: int, work: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[place] = work()
        except Exception as err:
            results[place] = err

    threads = [threading.Thread(target=do, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return results


def test_two_runs_by_hand_at_once_share_the_companies_and_no_company_is_held_twice(
    engine: sa.Engine,
) -> None:
    names = [f"c{number}" for number in range(30)]
    for turn in range(5):
        shuffled = random.Random(turn).sample(names, len(names))
        one, two = together(
            lambda: take_by_hand(engine, f"one-{turn}", names),  # noqa: B023
            lambda: take_by_hand(engine, f"two-{turn}", shuffled),  # noqa: B023
        )
        assert isinstance(one, list)
        assert isinstance(two, list)
        assert sorted(held.company_id for held in one + two) == sorted(names)
        invariants.release_all(engine)


def test_of_a_queued_run_and_a_run_by_hand_one_takes_the_refresh(engine: sa.Engine) -> None:
    for turn in range(8):
        company(engine, f"c{turn}", [f"p{turn}"])
        change(engine, f"c{turn}")
        (request,) = tick(engine, LATER)
        first, second = together(
            lambda: take(engine, "queued", request),  # noqa: B023
            lambda: take_by_hand(engine, "by-hand", [f"c{turn}"]),  # noqa: B023
        )
        assert isinstance(first, list)
        assert isinstance(second, list)
        assert len(first) + len(second) == 1
        holder = "queued" if first else "by-hand"
        assert complete(engine, holder, first + second) == {f"c{turn}"}


def test_of_a_completion_and_a_release_at_once_exactly_one_counts(engine: sa.Engine) -> None:
    for turn in range(8):
        company(engine, f"c{turn}", [f"p{turn}"])
        change(engine, f"c{turn}")
        (request,) = tick(engine, LATER)
        held = take(engine, "run-1", request)
        done, let_go = together(
            lambda: complete(engine, "run-1", held),  # noqa: B023
            lambda: release(engine, held),  # noqa: B023
        )
        assert (done == {f"c{turn}"}) != (let_go == ([held[0].refresh_id], []))
        invariants.check(engine)
        invariants.release_all(engine)
        invariants.finish(engine)


def test_two_completions_of_the_same_run_at_once_write_once(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann"])
    change(engine, "acme")
    (request,) = tick(engine, LATER)
    held = take(engine, "run-1", request)
    outcomes = [steps.outcome(held[0], ["ann"])]

    def finish() -> set[str]:
        with engine.begin() as conn:
            return groups.complete(conn, "run-1", outcomes, 3600)

    results = together(finish, finish, finish)
    assert sorted(map(len, results)) == [0, 0, 1]  # type: ignore[arg-type]
    assert value(engine, "select count(*) from bg.buyer_group_history") == 1


def test_a_requeue_while_a_run_takes_over_loses_nothing(engine: sa.Engine) -> None:
    for turn in range(8):
        name = f"c{turn}"
        company(engine, name, [f"p{turn}"])
        change(engine, name)
        (request,) = tick(engine, LATER)
        release(engine, take(engine, "run-1", request), most=1)
        change(engine, name)
        (request,) = tick(engine, LATER)

        def requeue(name: str = name) -> object:
            with engine.begin() as conn:
                return refreshes.requeue(conn, [name])

        taken, _ = together(lambda: take(engine, "run-2", request), requeue)  # noqa: B023
        invariants.check(engine)
        assert isinstance(taken, list)
        assert complete(engine, "run-2", taken) == {name}
        invariants.finish(engine)


def test_a_transaction_that_another_got_in_between_is_run_again(engine: sa.Engine) -> None:
    insert(engine, "bg.companies", id="acme", name="one")
    seen: list[str] = []

    def work(conn: sa.Connection) -> None:
        seen.append(value(conn, "select name from bg.companies"))
        if len(seen) == 1:
            run(engine, "update bg.companies set name = 'two'")
        run(conn, "update bg.companies set country = 'AT'")

    database.repeatable_read(engine, work)
    assert seen == ["one", "two"]


def test_a_transaction_that_never_gets_through_fails_in_the_end(engine: sa.Engine) -> None:
    insert(engine, "bg.companies", id="acme", name="zero")
    tries: list[int] = []

    def work(conn: sa.Connection) -> None:
        value(conn, "select name from bg.companies")
        tries.append(1)
        run(engine, "update bg.companies set name = :name", name=f"name {len(tries)}")
        run(conn, "update bg.companies set country = 'AT'")

    with pytest.raises(sa.exc.OperationalError, match="could not serialize"):
        database.repeatable_read(engine, work)
    assert len(tries) == 10


def test_a_transaction_that_another_locked_out_is_run_again(engine: sa.Engine) -> None:
    for name in ("acme", "bolt"):
        insert(engine, "bg.companies", id=name, name=name)
    renamed = "update bg.companies set country = :by where id = :id"
    crossed = threading.Barrier(2)
    tries: list[int] = []

    def other() -> None:
        with engine.begin() as conn:
            # The first to look for a deadlock is the one that gives way.
            run(conn, "set local deadlock_timeout = '1min'")
            run(conn, renamed, by="DE", id="acme")
            crossed.wait()
            run(conn, renamed, by="DE", id="bolt")

    def work(conn: sa.Connection) -> None:
        tries.append(1)
        run(conn, "set local deadlock_timeout = '10ms'")
        run(conn, renamed, by="AT", id="bolt")
        if len(tries) == 1:
            crossed.wait()
        run(conn, renamed, by="AT", id="acme")

    assert together(other, lambda: database.in_transaction(engine, work)) == [None, None]
    assert len(tries) == 2
    assert rows(engine, "select distinct country from bg.companies") == [{"country": "AT"}]


class Storm:
    """Everybody at once on a few companies for a while; errors end up in ``errors``."""

    def __init__(self, engine: sa.Engine, seconds: float) -> None:
        self.engine = engine
        self.end = time.monotonic() + seconds
        self.queue: list[tuple[str, Request]] = []
        self.held: list[tuple[str, list[Held]]] = []
        self.errors: list[BaseException] = []
        self.done: dict[str, int] = {}
        self.names = [f"c{number}" for number in range(12)]

    def writer(self, dice: random.Random) -> None:
        who, where = f"p{dice.randrange(40)}", dice.choice(self.names)
        if dice.random() < 0.3:
            sql = "update bg.people set status = case status when 'left' then 'active' "
            run(self.engine, f"{sql} else 'left' end where id = :who", who=who)
        else:
            run(
                self.engine,
                "insert into bg.people (id, company_id) values (:who, :where) on conflict (id) "
                "do update set company_id = excluded.company_id, title = clock_timestamp()",
                who=who, where=where,
            )  # fmt: skip

    def ticker(self, dice: random.Random) -> None:
        sensor = dice.choice(["one", "two"])
        policy = replace(steps.POLICY, batch_from=dice.choice([2, 100]), batch_size=7)
        found = tick(self.engine, LATER, policy, sensor)
        if dice.random() < 0.05:
            with self.engine.begin() as conn:
                found += claims.ask_again(conn, sensor, at(LATER), patience=0)
        self.queue += [(f"run-{dice.random()}", one) for one in found]

    def runner(self, dice: random.Random) -> None:
        if self.queue:
            run_id, request = self.queue.pop(0)
            self.held.append((run_id, take(self.engine, run_id, request)))
        if dice.random() < 0.1:
            run_id = f"hand-{dice.random()}"
            self.held.append(
                (run_id, take_by_hand(self.engine, run_id, dice.sample(self.names, 5)))
            )

    def finisher(self, dice: random.Random) -> None:
        if not self.held:
            return
        run_id, held = self.held.pop(0)
        # Now and then the run dies, and is let go; or it is let go and goes on as a zombie.
        if dice.random() < 0.3:
            release(self.engine, held, most=2)
        if dice.random() < 0.8:
            for name in complete(self.engine, run_id, held):
                self.done[name] = self.done.get(name, 0) + 1

    def requeuer(self, dice: random.Random) -> None:
        with self.engine.begin() as conn:
            refreshes.requeue(conn, dice.sample(self.names, 6))
        if dice.random() < 0.2:
            invariants.release_all(self.engine, max_attempts=3)
        time.sleep(0.1)

    def go(self, seed: int, work: Callable[[random.Random], None]) -> None:
        dice = random.Random(seed)
        while time.monotonic() < self.end and not self.errors:
            time.sleep(0.005)
            try:
                work(dice)
            except IndexError:
                continue
            except Exception as err:
                self.errors.append(err)


def test_a_storm_of_everything_at_once_breaks_nothing(engine: sa.Engine) -> None:
    storm = Storm(engine, seconds=4)
    for name in storm.names:
        insert(engine, "bg.companies", id=name, name="Company")
    works = [
        storm.writer, storm.writer, storm.ticker, storm.ticker, storm.runner, storm.runner,
        storm.finisher, storm.finisher, storm.requeuer,
    ]  # fmt: skip
    threads = [
        threading.Thread(target=storm.go, args=(seed, work)) for seed, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [str(err) for err in storm.errors] == []
    invariants.check(engine)
    assert sum(storm.done.values()) > len(storm.names)
    invariants.finish(engine)
    assert rows(engine, "select 1 from bg.buyer_group_refresh_log where status = 'dead'") == []


def test_a_run_by_hand_that_looked_before_the_last_attempt_died_loses_no_change(
    engine: sa.Engine,
) -> None:
    company(engine, "acme", ["p1"])
    change(engine, "acme")
    (request,) = tick(engine, LATER)
    held = take(engine, "first", request)
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        value(conn, "select 1")
        assert release(engine, held, most=1) == ([], [held[0].refresh_id])
        by_hand = refreshes.take(conn, "second", at(LATER), companies=["acme"])
        conn.commit()
    assert complete(engine, "second", by_hand) == {"acme"}
    invariants.check(engine)
    # What the dead attempt had is pending again, and the next refresh takes it.
    (again,) = tick(engine, 2 * LATER)
    complete(engine, "third", take(engine, "third", again))
    assert rows(engine, "select 1 from bg.changes where handled_at is null") == []
