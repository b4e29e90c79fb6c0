"""Any history of changes, ticks, runs, deaths and repairs keeps what must hold, and ends well."""

from collections.abc import Iterator
from typing import ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bg_assets.storage import claims, database, refreshes
from bg_assets.storage.claims import Request
from bg_assets.storage.refreshes import Held
from bg_assets_tests.storage import invariants, steps
from bg_assets_tests.storage.crashing import Crash, crash_at
from bg_assets_tests.storage.invariants import LATER
from bg_assets_tests.storage.rows import at, run

NAMES = [f"c{number}" for number in range(4)]
companies = st.sampled_from(NAMES)
people = st.sampled_from([f"p{number}" for number in range(6)])
sensors = st.sampled_from(["one", "two"])
EMPTY = """
    set local session_replication_role = replica;
    truncate bg.changes, bg.people, bg.companies, bg.buyer_group_refresh_log, bg.buyer_groups,
        bg.buyer_group_members, bg.buyer_group_history, bg.company_people cascade
"""


class Histories(RuleBasedStateMachine):
    """What happens to four companies; a run is a name and what it was asked to do."""

    engine: ClassVar[sa.Engine]

    def __init__(self) -> None:
        super().__init__()
        with self.engine.begin() as conn:
            conn.exec_driver_sql(EMPTY)
            for name in NAMES:
                run(conn, "insert into bg.companies (id, name) values (:id, 'Company')", id=name)
        self.asked: list[tuple[str, Request]] = []
        self.held: list[tuple[str, list[Held]]] = []
        self.runs = 0

    def new_run(self) -> str:
        self.runs += 1
        return f"run-{self.runs}"

    @rule(who=people, where=companies)
    def hire_or_move(self, who: str, where: str) -> None:
        run(
            self.engine,
            "insert into bg.people (id, company_id) values (:who, :where) on conflict (id) "
            "do update set company_id = excluded.company_id, status = 'active'",
            who=who, where=where,
        )  # fmt: skip

    @rule(who=people)
    def leave(self, who: str) -> None:
        run(self.engine, "update bg.people set status = 'left' where id = :who", who=who)

    @rule(where=companies)
    def delete_or_bring_back(self, where: str) -> None:
        run(
            self.engine,
            "update bg.companies set deleted_at = case when deleted_at is null then now() end "
            "where id = :where",
            where=where,
        )

    @rule(sensor=sensors)
    def tick(self, sensor: str) -> None:
        for request in steps.tick(self.engine, LATER, sensor=sensor):
            self.asked.append((self.new_run(), request))

    @rule(sensor=sensors)
    def ask_again(self, sensor: str) -> None:
        with self.engine.begin() as conn:
            again = claims.ask_again(conn, sensor, at(LATER), patience=0)
        known = {request.run_key: run_id for run_id, request in self.asked}
        for request in again:
            # A run key makes one run only, as Dagster has it.
            if request.run_key not in known:
                self.asked.append((self.new_run(), request))

    @rule(data=st.data())
    def forget_a_run_that_was_asked_for(self, data: st.DataObject) -> None:
        if self.asked:
            self.asked.pop(data.draw(st.integers(0, len(self.asked) - 1)))

    @rule(data=st.data(), again=st.booleans())
    def first_step(self, data: st.DataObject, *, again: bool) -> None:
        if self.asked:
            run_id, request = self.asked[data.draw(st.integers(0, len(self.asked) - 1))]
            self.held.append((run_id, steps.take(self.engine, run_id, request, LATER)))
            if again:
                assert steps.take(self.engine, run_id, request, LATER) == self.held[-1][1]

    @rule(where=st.lists(companies, min_size=1, max_size=3))
    def first_step_by_hand(self, where: list[str]) -> None:
        run_id = self.new_run()
        self.held.append((run_id, steps.take_by_hand(self.engine, run_id, where, at(LATER))))

    @rule(data=st.data(), crash=st.one_of(st.none(), st.integers(0, 14)))
    def last_step(self, data: st.DataObject, crash: int | None) -> None:
        if not self.held:
            return
        run_id, held = self.held[data.draw(st.integers(0, len(self.held) - 1))]
        if crash is None:
            steps.complete(self.engine, run_id, held)
            return
        try:
            with crash_at(self.engine, crash, kill=False):
                steps.complete(self.engine, run_id, held)
        except Crash:
            pass

    @rule(data=st.data(), most=st.integers(1, 3))
    def repair(self, data: st.DataObject, most: int) -> None:
        with self.engine.begin() as conn:
            under_way = refreshes.under_way(conn)
            if under_way:
                one = under_way[data.draw(st.integers(0, len(under_way) - 1))]
                refreshes.release(conn, one.refreshes, "the run is gone", at(LATER), most)

    @rule(where=companies)
    def requeue(self, where: str) -> None:
        with self.engine.begin() as conn:
            refreshes.requeue(conn, [where])

    @invariant()
    def nothing_is_broken(self) -> None:
        invariants.check(self.engine)

    def teardown(self) -> None:
        invariants.finish(self.engine)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.make_engine(database_url, pool_size=2)
    yield made
    made.dispose()


def test_any_history_keeps_what_must_hold_and_ends_with_every_change_in_a_group(
    engine: sa.Engine,
) -> None:
    Histories.engine = engine
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
