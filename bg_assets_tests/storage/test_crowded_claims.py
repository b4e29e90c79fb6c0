"""Claims of a few companies while many wait: which are taken, and what is looked at for it."""

import random

import pytest
import sqlalchemy as sa

from bg_assets.storage import claims
from bg_assets.storage.claims import Policy
from bg_assets_tests.storage import bulk, plans
from bg_assets_tests.storage.rows import at, change, refresh, rows, run

HOUR = 3600


@pytest.mark.parametrize("seed", range(6))
def test_whatever_waits_the_most_urgent_of_the_due_are_taken_and_a_fifth_by_age(
    engine: sa.Engine, seed: int
) -> None:
    chance = random.Random(seed)
    due, limit = {}, chance.choice([1, 5, 10, 25, 60])
    for number in range(40):
        name, waits = f"c{number:02}", chance.choice(["", "", "", "deferred", "dead", "requested"])
        priority, age = chance.randrange(0, 50, 10), chance.randrange(5)
        change(engine, name, age - 10, priority=priority)
        if waits == "deferred":
            refresh(engine, name, "completed", starts_interval=True)
        elif waits:
            refresh(engine, name, waits, not_before=at(1000))
        else:
            due[name] = (-priority, age, name)
    with engine.begin() as conn:
        taken = claims.claim(conn, Policy(0, HOUR, limit), "s", at(0))
    found = rows(engine, "select company_id from bg.buyer_group_refresh_log where sensor = 's'")

    by_age = (limit + int(at(0).timestamp()) % 5) // 5
    urgent = sorted(due.values())[: limit - by_age]
    rest = sorted(one[1:] for one in due.values() if one not in urgent)[:by_age]
    expected = {one[-1] for one in [*urgent, *rest]}
    assert {row["company_id"] for row in found} == expected
    assert taken == len(expected) == min(limit, len(due))


@pytest.mark.parametrize("fresh", [False, True], ids=["old figures", "new figures"])
def test_those_behind_the_ones_that_are_taken_are_not_probed(
    engine: sa.Engine, *, fresh: bool
) -> None:
    """Each probe would touch two or three pages, of three indexes."""
    with engine.begin() as conn:
        bulk.deferred(conn, 5000)
        run(conn, "update bg.buyer_group_refresh_log set finished_at = :at", at=at(-2 * HOUR))
    run(engine, "analyze" if fresh else "analyze bg.buyer_group_refresh_log")
    with engine.begin() as conn, plans.watched(conn) as reads:
        assert claims.claim(conn, Policy(0, HOUR, 50), "s", at(60)) == 50

    assert max(read.pages for read in reads) < 12_000
