"""What receivers counted adds up over processes and minutes, and never gets less."""

import threading
from collections import Counter

import pytest
import sqlalchemy as sa

from bg_assets.storage.measures import receiver
from bg_assets.storage.measures.receiver import BOUNDS, Counts
from bg_assets_tests.storage.rows import rows, run, value

OLD = "update bg.receiver_counts set minute = minute - make_interval(days => :days)"
DUE = "delete from bg.chores"


def counted(*seconds: float, **refused: int) -> Counts:
    """Requests that were answered in so many seconds each, some of them refused."""
    counts = Counts(received=len(seconds), refused=Counter(refused))
    counts.accepted = len(seconds) - sum(refused.values())
    for each in seconds:
        counts.took(each)
    return counts


def add(engine: sa.Engine, process: str, counts: Counts) -> None:
    with engine.begin() as conn:
        receiver.add(conn, process, counts)


def totals(engine: sa.Engine) -> Counts:
    with engine.begin() as conn:
        return receiver.totals(conn)


def fold(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        receiver.fold_if_due(conn)


def test_nothing_counted_is_nothing(engine: sa.Engine) -> None:
    assert totals(engine) == Counts()
    assert not totals(engine)


def test_what_several_processes_counted_adds_up(engine: sa.Engine) -> None:
    add(engine, "a/1", counted(0.004, 0.3, **{"wrong-signature": 1}))
    add(engine, "a/1", counted(0.004, 20.0, **{"wrong-signature": 1, "rate": 1}))
    add(engine, "b/1", counted(0.004))

    found = totals(engine)
    assert (found.received, found.accepted) == (5, 2)
    assert found.refused == {"wrong-signature": 2, "rate": 1}
    assert found.seconds_sum == pytest.approx(20.312)
    bounds = zip((*BOUNDS, "beyond"), found.seconds_buckets, strict=True)
    assert {bound: number for bound, number in bounds if number} == {0.005: 3, 0.5: 1, "beyond": 1}
    with engine.begin() as conn:
        assert receiver.since(conn, 3600) == found


def test_only_the_time_that_was_asked_for_counts(engine: sa.Engine) -> None:
    add(engine, "a/1", counted(0.004))
    run(engine, OLD, days=1)
    with engine.begin() as conn:
        assert receiver.since(conn, 3600) == Counts()
        assert receiver.since(conn, 2 * 86400) == counted(0.004)


def test_what_is_folded_stays_in_the_sums_and_loses_its_minute(engine: sa.Engine) -> None:
    add(engine, "a/1", counted(0.004, rate=1))
    add(engine, "b/1", counted(0.1))
    run(engine, OLD, days=4)
    add(engine, "a/1", counted(3.0, rate=1))
    before = totals(engine)
    fold(engine)
    assert totals(engine) == before
    assert value(engine, "select count(*) from bg.receiver_counts") == 2
    assert rows(engine, "select process from bg.receiver_counts where minute = '-infinity'") == [
        {"process": ""}
    ]

    run(engine, OLD + " where minute > '-infinity'", days=4)
    fold(engine)
    assert value(engine, "select count(*) from bg.receiver_counts") == 2, "it was not due"
    run(engine, DUE)
    fold(engine)
    assert totals(engine) == before
    assert value(engine, "select count(*) from bg.receiver_counts") == 1


def test_the_sums_never_get_less_while_processes_add_and_fold(engine: sa.Engine) -> None:
    add(engine, "old/1", counted(*[0.004] * 50))
    run(engine, OLD, days=4)
    failed: list[BaseException] = []

    def work(process: str) -> None:
        try:
            for _ in range(20):
                add(engine, process, counted(0.004))
                with engine.begin() as conn:
                    conn.execute(sa.text(DUE))
                fold(engine)
        except BaseException as err:
            failed.append(err)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a/1", "b/1")]
    for thread in threads:
        thread.start()
    seen = [totals(engine).received]
    while any(thread.is_alive() for thread in threads):
        seen.append(totals(engine).received)
    for thread in threads:
        thread.join()
    assert failed == []
    assert seen == sorted(seen)
    assert totals(engine).received == 90


@pytest.mark.parametrize(
    ("times", "share", "seconds"),
    [
        ((), 0.95, None),
        ((0.3,) * 10, 0.5, 0.35),
        ((0.3,) * 10, 1.0, 0.5),
        ((0.004,) * 95 + (3.0,) * 5, 0.95, 0.005),
        ((0.004,) * 95 + (3.0,) * 5, 0.99, 4.4),
        ((60.0,), 0.95, 10.0),
    ],
)
def test_a_quantile_is_read_from_the_buckets(
    times: tuple[float, ...], share: float, seconds: float | None
) -> None:
    found = receiver.quantile(counted(*times).seconds_buckets, share)
    assert found == (seconds if seconds is None else pytest.approx(seconds))
