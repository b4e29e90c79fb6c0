"""Any history of changes, ticks, runs, deaths and repairs keeps what must hold, and ends well."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bg_assets.storage import claims, database, refreshes
from bg_assets.storage.claims import Request
from bg_assets.storage.refreshes import Held
from bg_assets_tests.storage import invariants, steps
from bg_assets_tests.storage.crashing import Crash, crash_at
from bg_assets_tests.storage.invariants import LATER
from bg_assets_tests.storage.rows import at, run

NAMES = [f"c{number}" for number in range(4)]
EMPTY = """
    set local session_replication_role = replica;
    truncate bg.changes, bg.people, bg.companies, bg.buyer_group_refresh_log, bg.buyer_groups,
        bg.buyer_group_members, bg.buyer_group_history, bg.company_people cascade
"""


class World:
    """Four companies, and what happens to them: each happening takes two numbers to choose by."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        with engine.begin() as conn:
            conn.exec_driver_sql(EMPTY)
            for name in NAMES:
                run(conn, "insert into bg.companies (id, name) values (:id, 'Company')", id=name)
        self.asked: list[tuple[str, Request]] = []
        self.held: list[tuple[str, list[Held]]] = []
        self.runs = 0

    def new_run(self) -> str:
        self.runs += 1
        return f"run-{self.runs}"

    def hire_or_move(self, one: int, two: int) -> None:
        run(
            self.engine,
            "insert into bg.people (id, company_id) values (:who, :where) on conflict (id) "
            "do update set company_id = excluded.company_id, status = 'active'",
            who=f"p{one % 6}",
            where=NAMES[two % 4],
        )

    def leave(self, one: int, _: int) -> None:
        run(self.engine, "update bg.people set status = 'left' where id = :id", id=f"p{one % 6}")

    def delete_or_bring_back(self, one: int, _: int) -> None:
        run(
            self.engine,
            "update bg.companies set deleted_at = case when deleted_at is null then now() end "
            "where id = :where",
            where=NAMES[one % 4],
        )

    def tick(self, one: int, two: int) -> None:
        sensor = f"sensor-{one % 2}"
        found = steps.tick(self.engine, LATER, sensor=sensor)
        if two % 2:
            with self.engine.begin() as conn:
                found += claims.ask_again(conn, sensor, at(LATER), patience=0)
        # A run key makes one run only, as Dagster has it; and now and then it makes none.
        known = {request.run_key for _, request in self.asked}
        for request in found:
            if request.run_key not in known and two != 0:
                known.add(request.run_key)
                self.asked.append((self.new_run(), request))

    def first_step(self, one: int, two: int) -> None:
        """Of any run that was ever asked for: also of a late one, and of the same one again."""
        if self.asked:
            run_id, request = self.asked[-1 - one % len(self.asked)]
            self.held.append((run_id, steps.take(self.engine, run_id, request, LATER)))
            if two == 0:
                assert steps.take(self.engine, run_id, request, LATER) == self.held[-1][1]

    def first_step_by_hand(self, one: int, two: int) -> None:
        where = [NAMES[one % 4], NAMES[two % 4]]
        run_id = self.new_run()
        self.held.append((run_id, steps.take_by_hand(self.engine, run_id, where, at(LATER))))

    def last_step(self, one: int, _: int) -> None:
        """Of any run that ever took something: also of one that holds nothing any more."""
        if self.held:
            run_id, held = self.held[-1 - one % len(self.held)]
            steps.complete(self.engine, run_id, held)

    def last_step_that_dies(self, one: int, two: int) -> None:
        if self.held:
            run_id, held = self.held[-1 - one % len(self.held)]
            try:
                with crash_at(self.engine, two + 3, kill=False):
                    steps.complete(self.engine, run_id, held)
            except Crash:
                pass

    def repair(self, one: int, two: int) -> None:
        with self.engine.begin() as conn:
            under_way = refreshes.under_way(conn)
            if under_way:
                gone = under_way[one % len(under_way)]
                refreshes.release(
                    conn, gone.refreshes, "gone", at(LATER), 1 + two % 3, outage=two % 4 == 0
                )

    def requeue(self, one: int, _: int) -> None:
        with self.engine.begin() as conn:
            refreshes.requeue(conn, [NAMES[one % 4]])


HAPPENINGS = [
    World.hire_or_move, World.hire_or_move, World.leave, World.delete_or_bring_back, World.tick,
    World.tick, World.first_step, World.first_step, World.first_step_by_hand, World.last_step,
    World.last_step, World.last_step_that_dies, World.repair, World.repair, World.requeue,
]  # fmt: skip
number = st.integers(0, 11)
histories = st.lists(
    st.tuples(st.sampled_from(HAPPENINGS), number, number), min_size=40, max_size=60
)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.make_engine(database_url, pool_size=2)
    yield made
    made.dispose()


def test_any_history_keeps_what_must_hold_and_ends_with_every_change_in_a_group(
    engine: sa.Engine,
) -> None:
    @settings(
        max_examples=12,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(histories)
    def check(history: list[tuple[object, int, int]]) -> None:
        world = World(engine)
        for happening, one, two in history:
            assert callable(happening)
            happening(world, one, two)
            invariants.check(engine)
        invariants.finish(engine)

    check()
