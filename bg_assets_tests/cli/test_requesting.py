"""`refresh`, `backfill`, `requeue` and `untrack`: what they ask for, and --wait."""

import threading
import time

import pytest

from bg_assets.storage import refreshes
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh_what_is_due, take

ASKED = "select company_id, kind, source, priority from bg.changes order by id"


@pytest.fixture
def built(bg: Command) -> Command:
    """Two companies whose groups stand, with no changes to show for it."""
    bg.companies("a", "b")
    assert refresh_what_is_due(bg) == 2
    bg.execute("delete from bg.changes")
    return bg


def test_a_refresh_by_hand_is_the_most_urgent_and_a_backfill_the_least(built: Command) -> None:
    assert built("refresh", "a", "a").out == (
        "1 company is to be refreshed; `bg-assets status` tells how far it is\n"
    )
    assert built("backfill", "--all").out.startswith("2 companies are to be refreshed")
    assert built.rows(ASKED) == [
        ("a", "resync", "manual", 100),
        ("a", "resync", "manual", -10),
        ("b", "resync", "manual", -10),
    ]


@pytest.mark.parametrize("arguments", [(), ("a", "--all")])
def test_a_backfill_takes_names_or_all(built: Command, arguments: tuple[str, ...]) -> None:
    done = built("backfill", *arguments)
    assert (done.code, done.err) == (2, "error: name companies, or say --all\n")


def test_a_backfill_of_nothing_ends_at_once(bg: Command) -> None:
    assert bg("backfill", "--all", "--wait").code == 0


def test_waiting_is_for_the_named_companies_only(built: Command) -> None:
    # Within its interval, for an hour.
    built.execute(
        "update bg.buyer_group_refresh_log set starts_interval = true where company_id = 'b'"
    )
    built.execute("update bg.companies set name = 'Other' where id = 'b'")
    worker = threading.Thread(target=_refresh_soon, args=(built,))
    worker.start()
    done = built("refresh", "a", "--wait")
    worker.join()
    assert (done.code, done.out) == (0, "done\n")
    assert "daemon is not running" in done.err
    assert built.json("status")["deferred"] == 1


def test_waiting_for_a_company_that_fails_for_good_ends_with_1(built: Command) -> None:
    worker = threading.Thread(target=_fail_soon, args=(built,))
    worker.start()
    done = built("refresh", "a", "--wait")
    worker.join()
    assert (done.code, done.out) == (1, "")
    assert "1 company failed for good: see `bg-assets dead`" in done.err


def test_untracking_removes_the_group_and_keeps_the_history(built: Command) -> None:
    done = built("untrack", "a", "a")
    assert done.out == "1 company is no longer tracked; their groups go within seconds\n"
    assert built("untrack", "a").code == 2
    assert refresh_what_is_due(built) == 1
    assert built.rows("select company_id from bg.buyer_groups") == [("b",)]
    assert built("show", "a").code == 2


def _refresh_soon(bg: Command) -> None:
    while refresh_what_is_due(bg) == 0:
        time.sleep(0.05)


def _fail_soon(bg: Command) -> None:
    while not bg.value("select count(*) from bg.changes"):
        time.sleep(0.05)
    take(bg, "a")
    with bg.engine.begin() as conn:
        pairs = [one for held in refreshes.under_way(conn) for one in held.refreshes]
        now = conn.exec_driver_sql("select clock_timestamp()").scalar_one()
        refreshes.release(conn, pairs, "gone", now, 1)
