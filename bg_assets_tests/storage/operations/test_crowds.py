"""Sixteen processes at once: one call for one question, no cap passed, one breaker for all."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bg_assets_tests import pooler
from bg_assets_tests.storage.operations import crowd
from bg_assets_tests.storage.operations.crowd import Crowds, Plan
from bg_assets_tests.storage.rows import rows, run, value


@pytest.fixture(scope="module")
def crowds() -> Iterator[Crowds]:
    made = Crowds()
    yield made
    made.close()


@pytest.fixture
def plan(database_url: str, tmp_path: Path) -> Plan:
    return Plan(database_url, str(tmp_path))


def test_sixteen_processes_that_ask_one_question_make_one_call_and_all_get_its_answer(
    plan: Plan, engine: Engine, crowds: Crowds
) -> None:
    plan = replace(plan, same=True, each=3, takes=0.2)
    found = crowds.go(plan)
    assert crowd.calls(plan) == 3
    assert Counter(one["cached"] for one in found) == {True: 45, False: 3}
    assert all(one["right"] for one in found)
    assert value(engine, "select sum(hits) from bg.provider_hits") == 45
    assert value(engine, "select sum(found) from bg.provider_costs") == 3


def test_behind_a_pooler_of_transactions_it_is_one_call_too(plan: Plan, crowds: Crowds) -> None:
    with pooler.in_front_of(plan.url) as url:
        plan = replace(plan, url=url, same=True, takes=0.2)
        found = crowds.go(plan)
    assert crowd.calls(plan) == 1
    assert Counter(one["cached"] for one in found) == {True: 15, False: 1}


def test_sixteen_processes_that_ask_a_provider_which_is_down_are_told_by_one_call(
    plan: Plan, crowds: Crowds
) -> None:
    (Path(plan.folder) / "down").touch()
    plan = replace(plan, same=True, takes=0.5)
    found = crowds.go(plan)
    assert crowd.calls(plan) == 1
    assert Counter(one["failure"] for one in found) == {"TemporaryFailure": 16}


def test_a_cap_of_ten_calls_is_never_passed_by_sixteen_processes(
    plan: Plan, engine: Engine, crowds: Crowds
) -> None:
    plan = replace(plan, each=4, price="0.1", daily="1.05", takes=0.02)
    found = crowds.go(plan)
    assert crowd.calls(plan) == 10
    assert Counter(one.get("failure") for one in found) == {None: 10, "NotChecked": 54}
    assert value(engine, "select sum(cost) from bg.provider_costs") == Decimal(1)
    assert value(engine, "select count(*) from bg.pipeline_operations") == 10


def test_a_breaker_opens_for_all_processes_and_one_probe_of_them_closes_it(
    plan: Plan, engine: Engine, crowds: Crowds
) -> None:
    down = Path(plan.folder) / "down"
    down.touch()
    # One after the other, so that the fifth is known to be the fifth.
    one_by_one = replace(plan, size=1, each=8, takes=0)
    assert Counter(one["failure"] for one in crowds.go(one_by_one)) == {
        "TemporaryFailure": 5, "NotChecked": 3,
    }  # fmt: skip
    few = replace(plan, size=3)
    assert Counter(one["failure"] for one in crowds.go(few)) == {"NotChecked": 3}
    assert crowd.calls(plan) == 5

    passed = "update bg.provider_health set opened_at = opened_at - interval '31 seconds'"
    run(engine, passed)
    found = Counter(one["failure"] for one in crowds.go(replace(plan, takes=0.5)))
    assert found == {"TemporaryFailure": 1, "NotChecked": 15}
    assert crowd.calls(plan) == 6

    down.unlink()
    run(engine, passed)
    answered = crowds.go(replace(plan, takes=0.5))
    assert crowd.calls(plan) == 7
    assert Counter(one.get("failure") for one in answered) == {None: 1, "NotChecked": 15}
    assert Counter(one.get("failure") for one in crowds.go(few)) == {None: 3}


def test_processes_that_are_killed_in_their_calls_block_nobody_for_ever_and_pass_no_cap(
    plan: Plan, engine: Engine, crowds: Crowds
) -> None:
    plan = replace(plan, price="0.1", daily="0.85", same=True, dies=True, takes=0)
    # Whoever waits has the question, when the lease of the one that was killed has passed.
    crowds.go(replace(plan, size=3, margin=-0.8))
    assert crowd.calls(plan) == 3
    last = replace(plan, size=1, margin=-0.8, dies=False)
    (told,) = crowds.go(last)
    assert told["right"]
    (bill,) = rows(engine, "select found, lost, cost, uncertain from bg.provider_costs")
    assert bill == {
        "found": 1, "lost": 3, "cost": Decimal("0.1"), "uncertain": Decimal("0.3"),
    }  # fmt: skip
    assert crowds.go(replace(plan, size=16, same=False, dies=True)) != []
    assert crowd.calls(plan) == 8


@pytest.mark.slow
def test_whatever_processes_do_the_bill_covers_all_calls_within_the_cap_one_at_a_time(
    plan: Plan, engine: Engine, crowds: Crowds
) -> None:
    plan = replace(plan, each=8, same=True, wild=True, price="0.1", daily="2.05", takes=0.01,
                   margin=-0.6, opens_for=0.2, tries=2)  # fmt: skip
    for _ in range(3):
        crowds.go(plan)
        crowds.go(replace(plan, same=False, each=1))
    begun, ended = crowd.noted(plan, "calls"), crowd.noted(plan, "ends")
    spent = value(
        engine,
        "select (select sum(cost + uncertain) from bg.provider_costs) + "
        "(select coalesce(sum(reserved), 0) from bg.pipeline_operations)",
    )
    assert Decimal("0.1") * len(begun) == spent <= Decimal("2.05")
    assert len(begun) > 5
    # Of two calls of one question the first has ended before the second begins, or was killed.
    for who in {who for who, _ in begun}:
        starts = sorted(at for one, at in begun if one == who)
        ends = sorted(at for one, at in ended if one == who)
        for first, second in pairwise(starts):
            last = [at for at in ends if at >= first][:1]
            assert not last or last[0] <= second or second - first > 0.2
