"""Every storage step, ended before each of its statements: nothing is lost, nothing is halfway."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.storage import database, refreshes
from bg_assets.storage.claims import Request
from bg_assets_tests.storage import invariants, steps
from bg_assets_tests.storage.crashing import crash_at, ends_at_each_place
from bg_assets_tests.storage.invariants import LATER
from bg_assets_tests.storage.rows import rows, run, value
from bg_assets_tests.storage.steps import complete, release, take, take_by_hand, tick

Names = list[str]
PEOPLE = "insert into bg.people (id, company_id, title)"
# As many as make a batch, and so one run.
BATCH = steps.POLICY.batch_from


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """The engine of the real thing, which throws connections away that died."""
    made = database.make_engine(database_url, pool_size=3)
    yield made
    made.dispose()


BOTH_WAYS = pytest.mark.parametrize("kill", [False, True], ids=["process", "connection"])


def world(engine: sa.Engine, turn: int, number: int = BATCH) -> Names:
    """New companies with a group each, and then one person more and one less."""
    names = [f"t{turn}-{n}" for n in range(number)]
    with engine.begin() as conn:
        run(conn, "insert into bg.companies (id, name) select n, 'Company' "
            "from unnest(cast(:names as text[])) as n", names=names)  # fmt: skip
        run(conn, f"{PEOPLE} select n || '-old', n, 'CFO' "
            "from unnest(cast(:names as text[])) as n", names=names)  # fmt: skip
    invariants.finish(engine)
    with engine.begin() as conn:
        run(conn, "update bg.people set status = 'left' where company_id = any(:names)",
            names=names)  # fmt: skip
        run(conn, f"{PEOPLE} select n || '-new', n, 'CEO' "
            "from unnest(cast(:names as text[])) as n", names=names)  # fmt: skip
    return names


def look(engine: sa.Engine, names: Names) -> None:
    """Nothing is broken, each group is the old or the new one; then finish, each company once."""
    invariants.check(engine)
    found = invariants.members(engine)
    before = {name: [f"{name}-old"] for name in names}
    after = {name: [f"{name}-new"] for name in names}
    for name in names:
        assert found[name] in (before[name], after[name])
    invariants.finish(engine)
    found = invariants.members(engine)
    assert {name: found[name] for name in names} == after
    refreshed = rows(
        engine,
        "select r.company_id, count(*) as n from bg.buyer_group_refresh_log as r "
        "where r.company_id = any(:names) and r.status = 'completed' group by 1",
        names=names,
    )
    assert {row["company_id"]: row["n"] for row in refreshed} == dict.fromkeys(names, 2)


def each_place(
    engine: sa.Engine,
    work: Callable[[Names], Callable[[], object]],
    *,
    kill: bool,
    number: int = BATCH,
) -> int:
    worlds: dict[int, Names] = {}

    def prepare(turn: int) -> Callable[[], object]:
        worlds[turn] = world(engine, turn, number)
        return work(worlds[turn])

    return ends_at_each_place(engine, prepare, lambda turn: look(engine, worlds[turn]), kill=kill)


def test_a_tick(engine: sa.Engine) -> None:
    assert each_place(engine, lambda _: lambda: tick(engine, LATER), kill=True) >= 4


def test_the_whole_run_of_a_batch(engine: sa.Engine) -> None:
    def work(_: Names) -> Callable[[], object]:
        (batch,) = tick(engine, LATER)
        assert batch.batch_id is not None
        return lambda: complete(engine, "run-1", take(engine, "run-1", batch))

    assert each_place(engine, work, kill=True) >= 18


def test_taking_by_hand(engine: sa.Engine) -> None:
    assert (
        each_place(engine, lambda names: lambda: take_by_hand(engine, "hand", names), kill=True)
        >= 8
    )


@BOTH_WAYS
def test_the_run_of_one_company_started_over_by_dagster_as_the_same_run(
    engine: sa.Engine, *, kill: bool
) -> None:
    """A step that is retried: the same run takes and completes again."""
    turns: dict[int, tuple[Names, Request]] = {}

    def prepare(turn: int) -> Callable[[], object]:
        names = world(engine, turn, 1)
        (request,) = tick(engine, LATER)
        turns[turn] = (names, request)
        return lambda: whole(turn)

    def whole(turn: int) -> None:
        request = turns[turn][1]
        complete(engine, f"run-{turn}", take(engine, f"run-{turn}", request))

    def again(turn: int) -> None:
        names = turns[turn][0]
        invariants.check(engine)
        whole(turn)
        assert invariants.unhandled(engine) == []
        look(engine, names)

    assert ends_at_each_place(engine, prepare, again, kill=kill) >= 18


def test_releasing(engine: sa.Engine) -> None:
    def work(_: Names) -> Callable[[], object]:
        held = [held for one in tick(engine, LATER) for held in take(engine, "run-1", one)]
        return lambda: release(engine, held)

    assert each_place(engine, work, kill=True) >= 3


def test_dying(engine: sa.Engine) -> None:
    def work(_: Names) -> Callable[[], object]:
        held = [held for one in tick(engine, LATER) for held in take(engine, "run-1", one)]
        return lambda: release(engine, held, most=1)

    assert each_place(engine, work, kill=True) >= 3


def test_requeueing(engine: sa.Engine) -> None:
    def work(names: Names) -> Callable[[], object]:
        held = [held for one in tick(engine, LATER) for held in take(engine, "run-1", one)]
        release(engine, held, most=1)

        def requeue() -> None:
            with engine.begin() as conn:
                refreshes.requeue(conn, names)

        return requeue

    assert each_place(engine, work, kill=True) >= 4


def test_taking_over_the_changes_of_the_dead(engine: sa.Engine) -> None:
    def work(names: Names) -> Callable[[], object]:
        held = [held for one in tick(engine, LATER) for held in take(engine, "run-1", one)]
        release(engine, held, most=1)
        for name in names:
            run(engine, "update bg.people set title = 'COO' where id = :id", id=f"{name}-new")
        (batch,) = tick(engine, LATER)
        return lambda: take(engine, "run-2", batch)

    assert each_place(engine, work, kill=True) >= 8


def test_a_killed_connection_is_one_clear_error_and_the_next_call_works(
    engine: sa.Engine,
) -> None:
    def read() -> object:
        with database.connect(engine) as conn:
            return value(conn, "select count(*) from bg.people")

    with (
        pytest.raises(DatabaseUnreachable, match="does not answer"),
        crash_at(engine, 0, kill=True),
    ):
        read()
    assert read() == 0
