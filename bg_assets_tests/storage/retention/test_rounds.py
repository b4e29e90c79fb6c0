"""Rounds go on where they stopped, begin anew after a day, and harm nobody who writes meanwhile."""

import threading
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.retention import rounds, step
from bg_assets_tests.storage.retention.playing import ago, kept, round_of
from bg_assets_tests.storage.rows import company, refresh, rows, run, value

OLD = """
    insert into bg.changes (company_id, person_id, kind, source, priority, is_departure,
        occurred_at, refresh_id, handled_at)
    select 'acme', 'p' || g, 'role_change', 'people_table', 1, false, :at, :of, :at
    from generate_series(1, :number) as g
"""


@pytest.fixture
def full(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    """A company with 1,000 changes that are to go, of which a step takes 100."""
    monkeypatch.setattr(step, "ROWS", 100)
    company(engine, "acme")
    add(engine, 1000)
    return engine


def add(engine: sa.Engine, number: int, days: float = 100) -> None:
    when = ago(engine, days)
    of = refresh(engine, "acme", "completed", requested_at=when, finished_at=when)
    run(engine, OLD, at=when, of=of, number=number)


def standing(engine: sa.Engine) -> rounds.Standing:
    with engine.begin() as conn:
        return rounds.read_one(conn, "changes")


def number(engine: sa.Engine) -> int:
    return int(value(engine, "select count(*) from bg.changes"))


def test_a_turn_stops_at_its_bound_and_the_next_goes_on_there(full: sa.Engine) -> None:
    gone = rounds.turn(full, kept()["changes"], 0.0)
    assert gone is not None
    assert (gone.removed, gone.ended, number(full)) == (100, False, 900)
    assert standing(full).after == value(full, "select min(id) - 1 from bg.changes")
    gone = rounds.turn(full, kept()["changes"], 60.0)
    assert gone is not None
    assert (gone.removed, gone.ended, number(full)) == (900, True, 0)
    assert standing(full).removed == 1000


def test_a_round_begins_a_day_after_the_last_or_when_somebody_says_so(full: sa.Engine) -> None:
    assert round_of(full, "changes") == {"changes": 1000}
    add(full, 5)
    assert rounds.turn(full, kept()["changes"], 60.0) is None
    run(full, "update bg.chores set state = state || jsonb_build_object('began', cast("
        "now() - interval '25 h' as text)) where name = 'retention changes'")  # fmt: skip
    gone = rounds.turn(full, kept()["changes"], 60.0)
    assert gone is not None
    assert gone.removed == 5
    add(full, 5)
    assert round_of(full, "changes") == {"changes": 5}


def test_a_round_is_behind_when_none_has_ended_for_two_days(engine: sa.Engine) -> None:
    now = ago(engine, 0)
    begun = rounds.begun(rounds.Standing(), now)
    assert rounds.Standing().behind_since(now) is None
    assert begun.behind_since(now + timedelta(hours=47)) is None
    assert begun.behind_since(now + timedelta(hours=49)) == now
    done = rounds.advanced(begun, step.Step(7, None, more=False), now + timedelta(hours=1))
    assert done.behind_since(now + timedelta(hours=48)) is None
    assert done.behind_since(now + timedelta(hours=50)) == now + timedelta(hours=1)


def purge(url: str, begun: Callable[[], None]) -> None:
    """What a process does that is killed: a round whose steps rest for long."""
    engine = database.make_engine(url)
    step.ROWS = 100
    rounds.turn(engine, kept()["changes"], 600.0, told=lambda removed: begun())


def test_a_kill_in_the_middle_loses_nothing_and_the_next_round_finds_the_rest(
    full: sa.Engine,
) -> None:
    run(full, "insert into bg.changes (company_id, kind, source, priority, is_departure, "
        "occurred_at) values ('acme', 'resync', 'manual', 1, false, :at)",
        at=ago(full, 100))  # fmt: skip
    context = get_context("spawn")
    begun = context.Event()
    url = full.url.render_as_string(hide_password=False)
    process: BaseProcess = context.Process(target=purge, args=(url, begun.set))
    process.start()
    assert begun.wait(60)
    process.kill()
    process.join()
    assert standing(full).removed + number(full) == 1001
    gone = rounds.turn(full, kept()["changes"], 60.0, anew=True)
    assert gone is not None
    assert [row["kind"] for row in rows(full, "select kind from bg.changes")] == ["resync"]
    assert standing(full).removed == 1000


def test_two_at_once_let_each_row_go_once(full: sa.Engine) -> None:
    went: list[int] = []
    threads = [
        threading.Thread(
            target=rounds.turn, args=(full, kept()["changes"], 60.0),
            kwargs={"anew": True, "told": went.append},
        )
        for _ in range(3)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(went), number(full)) == (1000, 0)


def test_who_holds_a_row_holds_up_no_purge_for_long(full: sa.Engine) -> None:
    """It gives up within seconds, and what went before stays gone."""
    with full.begin() as other:
        other.execute(sa.text("select from bg.changes order by id desc limit 1 for update"))
        with pytest.raises(sa.exc.OperationalError) as found:
            rounds.turn(full, kept()["changes"], 60.0)
    assert getattr(found.value.orig, "pgcode", None) == "55P03"
    assert number(full) == 100
    gone = rounds.turn(full, kept()["changes"], 60.0)
    assert gone is not None
    assert (gone.removed, number(full)) == (100, 0)
