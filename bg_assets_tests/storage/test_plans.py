"""The hot statements read what is pending or asked for, however long the history is."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bg_assets.domain.groups.churn import Churn
from bg_assets.domain.webhooks.applying import Verdict
from bg_assets.storage import (
    cancelling,
    causes,
    claims,
    database,
    discarding,
    groups,
    next_refreshes,
    refreshes,
    resync,
    staff,
    templates,
    traces,
    writes,
)
from bg_assets.storage.capture import missed, watch
from bg_assets.storage.claims import Policy
from bg_assets.storage.refreshes import Held
from bg_assets.storage.reports import cancelled as cancelled_reports
from bg_assets.storage.reports import counts, dead, partition, progress, shown
from bg_assets.storage.webhooks import traces as webhook_traces
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import bulk, plans, steps
from bg_assets_tests.storage.rows import at, change, run, value

POLICY = Policy(settle=2, refresh_interval=3600, claim_limit=5000, batch_size=500, runs_at_once=1)
HANDLED = 1_000_000
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def past(postgres: Cluster, template: str) -> Iterator[sa.Engine]:
    """A database with a long past, shared by the tests here: each rolls back what it does."""
    url = postgres.clone(template)
    engine = database.make_engine(url, pool_size=1)
    with engine.begin() as conn:
        bulk.fill(conn)
        assert value(conn, "select count(*) from bg.changes where handled_at < now()") == HANDLED
    yield engine
    engine.dispose()
    postgres.drop(url)


@pytest.fixture
def conn(past: sa.Engine) -> Iterator[sa.Connection]:
    """Planned with figures from a quiet moment: nothing was pending when PostgreSQL last looked."""
    with past.connect() as made:
        yield made
        made.rollback()
    # What was rolled back is still in the indexes until somebody looks.
    with past.execution_options(isolation_level="AUTOCOMMIT").connect() as made:
        run(made, "vacuum (index_cleanup on) bg.changes, bg.buyer_group_refresh_log")


def tick(conn: sa.Connection, policy: Policy = POLICY) -> list[claims.Request]:
    now = at(60)
    claims.claim(conn, policy, "s", now)
    asked = claims.ask(conn, policy, "s", now) + claims.ask_again(conn, "s", now)
    return causes.explained(conn, asked)


def test_a_quiet_tick_reads_next_to_nothing(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        assert tick(conn) == []
        assert refreshes.under_way(conn) == []
        assert counts.read_outages(conn) is None

    plans.check(reads, rows=5, pages=60)


def test_a_look_while_nobody_is_due_reads_next_to_nothing(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        assert next_refreshes.raise_changes(conn, at(-1), 200).due == 0

    plans.check(reads, rows=5, pages=20)


def test_a_tick_reads_the_changes_of_one_due_company(conn: sa.Connection) -> None:
    change(conn, "c000007", 0)
    with plans.watched(conn) as reads:
        (request,) = tick(conn)

    assert request.companies == ("c000007",)
    plans.check(reads, rows=50, pages=120)


@pytest.mark.parametrize("fresh", [False, True], ids=["old figures", "new figures"])
def test_a_tick_of_5000_due_companies_reads_each_change_a_few_times(
    conn: sa.Connection, *, fresh: bool
) -> None:
    bulk.pending(conn, 5000, 10)
    if fresh:
        run(conn, "analyze bg.changes")
    with plans.watched(conn) as reads:
        requests = tick(conn)

    assert sum(len(one.companies) for one in requests) == 5000
    plans.check(reads, rows=350_000, pages=250_000)


@pytest.mark.parametrize("fresh", [False, True], ids=["old figures", "new figures"])
def test_traces_of_5000_due_companies_are_read_and_noted_by_their_own_rows(
    conn: sa.Connection, *, fresh: bool
) -> None:
    bulk.pending(conn, 5000, 10)
    run(conn, "update bg.changes set trace_id = :t where refresh_id is null", t=TRACE)
    if fresh:
        run(conn, "analyze bg.changes")
    requests = tick(conn)
    with plans.watched(conn) as reads:
        waiting = traces.waiting(conn, [one for each in requests for one in each.companies])
        traces.note(conn, {one.run_key: TRACE for one in requests})
    assert len(waiting) == 5000
    plans.check(reads, rows=450_000, pages=250_000)

    held = taken(conn, requests[0])
    with plans.watched(conn) as reads:
        assert len(traces.taken(conn, [one.refresh_id for one in held[:100]])) == 1
    plans.check(reads, rows=5_000, pages=10_000)


def test_events_are_told_apart_by_the_changes_since(conn: sa.Connection) -> None:
    last = webhook_traces.last_change(conn)
    bulk.pending(conn, 5000, 1)
    run(conn, "update bg.changes set source = 'webhook' where id > :last", last=last)
    verdicts = [
        Verdict(n, "applied", person_id=f"p{n}", company_id=f"c{n:06}") for n in range(5000)
    ]
    with plans.watched(conn) as reads:
        webhook_traces.tell_apart(conn, last, verdicts, dict.fromkeys(range(5000), TRACE))
    plans.check(reads, rows=20_000, pages=100_000)


def test_companies_under_way_cost_those_that_wait_a_probe_each(conn: sa.Connection) -> None:
    """On old figures, this was a loop over all under way for each that waits."""
    bulk.pending(conn, 5000, 1)
    tick(conn)
    bulk.pending(conn, 10_000, 1)
    with plans.watched(conn) as reads:
        tick(conn)

    plans.check(reads, rows=200_000, pages=250_000)


@pytest.mark.parametrize(("writer", "latest"), [("import", 99_990), ("webhook", 99_999)])
def test_a_change_costs_a_probe_for_the_import_or_the_events_it_came_from(
    conn: sa.Connection, writer: str, latest: int
) -> None:
    bulk.pending(conn, 5000, 2, source=writer)
    with plans.watched(conn) as reads:
        (request, *_) = tick(conn)

    assert request.purpose == f"500 companies: {writer} file {latest}"
    plans.check(reads, rows=350_000, pages=250_000)


@pytest.mark.parametrize("fresh", [False, True], ids=["old figures", "new figures"])
def test_a_company_that_waits_out_its_interval_costs_a_probe(
    conn: sa.Connection, *, fresh: bool
) -> None:
    bulk.deferred(conn, 10_000)
    if fresh:
        run(conn, "analyze bg.changes, bg.buyer_group_refresh_log")
    with plans.watched(conn) as reads:
        assert tick(conn) == []

    plans.check(reads, rows=120_000, pages=150_000)


def test_departures_cost_a_probe_each(conn: sa.Connection) -> None:
    bulk.pending(conn, 5000, 2, departures=True)
    with plans.watched(conn) as reads:
        tick(conn)

    plans.check(reads, rows=200_000, pages=250_000)


def taken(conn: sa.Connection, request: claims.Request, run_id: str = "run-1") -> list[Held]:
    return steps.take_on(conn, run_id, request)


@pytest.mark.parametrize("companies", [1, 500])
@pytest.mark.parametrize("fresh", [False, True], ids=["old figures", "new figures"])
def test_a_run_reads_the_people_and_changes_of_its_own_companies(
    conn: sa.Connection, companies: int, *, fresh: bool
) -> None:
    bulk.pending(conn, 5000, 10)
    if fresh:
        run(conn, "analyze bg.changes")
    (request, *_) = tick(conn, replace(POLICY, claim_limit=companies))
    with plans.watched(conn) as reads:
        held = taken(conn, request)
        groups.read_causes(conn, [one.refresh_id for one in held])
        refreshes.held_by(conn, "run-1", request.companies)
        done = steps.complete_on(conn, "run-1", held)

    assert done == set(request.companies)
    assert len(done) == companies
    plans.check(reads, rows=companies * 150 + 100, pages=companies * 250 + 1000)


def test_a_run_by_hand_reads_its_own_companies(conn: sa.Connection) -> None:
    bulk.pending(conn, 5000, 1)
    names = [f"c{number:06}" for number in range(100)]
    with plans.watched(conn) as reads:
        held = refreshes.take(conn, "run-1", at(60), companies=names)

    assert len(held) == 100
    plans.check(reads, rows=12_000, pages=20_000)


def test_releasing_dying_and_requeueing_read_their_own_rows(conn: sa.Connection) -> None:
    bulk.pending(conn, 500, 10)
    (request, *_) = tick(conn, replace(POLICY, batch_size=100))
    with plans.watched(conn) as reads:
        (under_way, *_) = [one for one in refreshes.under_way(conn) if one.run_key]
        held = taken(conn, request)
        pairs = [(one.refresh_id, one.attempt) for one in held]
        again, _ = refreshes.release(conn, pairs, "gone", at(61), 9)
        _, dead = refreshes.release(conn, [(one, 2) for one in again], "gone", at(61), 1)
        assert len(dead) == len(under_way.refreshes) == 100
        assert len(refreshes.requeue(conn, request.companies)) == 100
        assert request.batch_id is not None
        refreshes.companies_of_batch(conn, request.batch_id)

    plans.check(reads, rows=15_000, pages=30_000)


def test_what_is_dead_is_listed_and_discarded_by_its_own_rows(conn: sa.Connection) -> None:
    bulk.pending(conn, 500, 10)
    (request, *_) = tick(conn, replace(POLICY, batch_size=100))
    pairs = [(one.refresh_id, one.attempt) for one in taken(conn, request)]
    _, died = refreshes.release(conn, pairs, "gone", at(61), 1)
    assert len(died) == 100
    with plans.watched(conn) as reads:
        assert len(dead.read(conn, 50)) == 50
        assert len(dead.companies(conn, error="GONE")) == 100
        lost = discarding.discard(conn, request.companies, "ann", "why")

    assert sum(map(len, lost.values())) == 1000
    plans.check(reads, rows=15_000, pages=30_000)


def test_what_is_shown_and_kept_of_one_company_is_found_by_its_id(conn: sa.Connection) -> None:
    bulk.pending(conn, 5000, 1)
    with plans.watched(conn) as reads:
        shown.read_shown(conn, ["c000007"], names=True)
        shown.read_company(conn, "c000007")
        shown.read_last_refresh(conn, "c000007")
        shown.last_deferring(conn, "c000007")
        assert shown.count_pending(conn, "c000007") == 1
        assert shown.read_pending(conn, "c000007", 2) is not None
        assert next_refreshes.read(conn, ["c000007"])
        for read in (staff.read_companies, staff.read_people, staff.read_overrides):
            read(conn, ["c000007"])
        staff.write_staff(conn, ["c000007"], {})

    plans.check(reads, rows=120, pages=120)


def test_a_look_for_old_groups_reads_nothing_while_there_are_none(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        assert resync.raise_changes(conn, {"finance_system": "t"}, {}, []) == 0

    plans.check(reads, rows=10, pages=60)


@pytest.mark.parametrize("fresh", [False, True], ids=["old figures", "new figures"])
def test_a_look_at_old_groups_reads_a_portion_of_them(conn: sa.Connection, *, fresh: bool) -> None:
    templates.write(conn, [("finance_system", "u", "text")])
    assert resync.raise_changes(conn, {"finance_system": "u"}, {}, []) == 5000
    if fresh:
        run(conn, "analyze bg.changes, bg.buyer_groups")
    with plans.watched(conn) as reads:
        assert resync.raise_changes(conn, {"finance_system": "u"}, {}, []) == 5000

    plans.check(reads, rows=40_000, pages=80_000)


@pytest.mark.parametrize("most", [100, 1000])
def test_a_portion_of_companies_is_compared_by_its_own_people(
    conn: sa.Connection, most: int
) -> None:
    """Half of the people are new, and each company: more can't differ."""
    watch.ask_for_comparison(conn)
    with plans.watched(conn) as reads:
        assert missed.raise_changes(conn, most) == most

    plans.check(reads, rows=most * 100, pages=most * 60)


def test_comparing_named_companies_reads_their_people_alone(conn: sa.Connection) -> None:
    names = [f"c{number:06}" for number in (7, 4000, 9000)]
    with plans.watched(conn) as reads:
        found = missed.compare(conn, "", 1000, only=names, skip_waiting=True)
        resync.raise_within(conn, {"finance_system": "u"}, "", found.last, names)

    assert (found.number, found.more) == (3, False)
    plans.check(reads, rows=600, pages=600)


def test_what_is_under_way_is_told_and_cancelled_by_its_own_rows(conn: sa.Connection) -> None:
    bulk.pending(conn, 5000, 1)
    requests = tick(conn)
    held = taken(conn, requests[0])
    names = [one.company_id for one in held]
    steps.complete_on(conn, "run-1", held[:100])
    with plans.watched(conn) as reads:
        (going,) = progress.read(conn)
        (one,) = cancelling.of_companies(conn, names[-1:])
        of_run = cancelling.of_run(conn, "run-1", None)
        pairs = [(refresh.id, refresh.attempt) for refresh in of_run]
        cancelled = cancelling.cancel(conn, pairs, "why", at(61))
        assert len(cancelled_reports.read(conn, 100)) == 100

    assert (going.done, going.companies, one.of_run) == (100, 500, 400)
    assert len(cancelled) == 400
    plans.check(reads, rows=60_000, pages=60_000)


def test_a_look_for_companies_without_news_reads_a_portion_of_those_due(
    conn: sa.Connection,
) -> None:
    """All 20,000 are due, after an outage."""
    with plans.watched(conn) as reads:
        done = next_refreshes.raise_changes(conn, at(60 * 20_000), 200)

    assert (done.raised, done.due) == (200, 200)
    plans.check(reads, rows=3000, pages=8000)


@pytest.mark.parametrize("number", [1, 500])
def test_judging_when_companies_come_again_reads_their_own_history(
    conn: sa.Connection, number: int
) -> None:
    names = [f"c{one:06}" for one in range(number)]
    with plans.watched(conn) as reads:
        past = next_refreshes.read_past(conn, names, at(0).date())
        next_refreshes.write(conn, dict.fromkeys(names, Churn(0.5, "weekly", "why")))
        next_refreshes.read(conn, names)

    assert past.keys() == set(names)
    plans.check(reads, rows=number * 60, pages=number * 60 + 50)


@pytest.mark.parametrize("number", [1, 500])
def test_what_a_partition_shows_beside_its_group_costs_some_probes_a_company(
    conn: sa.Connection, number: int
) -> None:
    # Of others the refreshes that tests here have rolled back lie about.
    names = [f"c{one:06}" for one in range(15_000, 15_000 + number)]
    with plans.watched(conn) as reads:
        facts = partition.read_facts(conn, names)
        titles = partition.read_titles(conn, [f"p{one}" for one in range(number)])
        assert partition.read_names(conn, names).keys() == set(names)

    assert {one.run_before for one in facts.values()} == {"run"}
    assert len(titles) == number
    plans.check(reads, rows=number * 10 + 20, pages=number * 25 + 50)


def test_who_wrote_is_told_by_what_is_new(conn: sa.Connection) -> None:
    state, _ = writes.direct(conn, None, (), 0)
    bulk.pending(conn, 100, 2)
    writes.record(conn, "import", ["people.csv"], {"inserted": 1}, at(0), "people")
    with plans.watched(conn) as reads:
        _, (told,) = writes.direct(conn, state, (), 1)
        (written,) = writes.untold(conn, ["import"], 20)
        writes.told(conn, [written])
        assert writes.last_change(conn) == at(0)
        assert writes.size(conn, "people") == writes.Size(200_000, counted=False)

    assert dict(told.changes) == {"people_table": 200}
    assert written.names == ("people.csv",)
    # What other tests here have rolled back lies among the newest.
    plans.check(reads, rows=500, pages=5000)
