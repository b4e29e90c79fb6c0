"""What led to a group and the run that wrote it are in one trace, on a real database and job."""

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import sensors
from bg_assets.storage.claims import Request
from bg_assets.tracing import context, spans
from bg_assets.tracing.context import MOST_LINKS, TAG
from bg_assets_tests.refreshing import World
from bg_assets_tests.storage import told
from bg_assets_tests.tracing.collector import Collector, Received

CAUSES = [f"00-{n:032x}-{n:016x}-01" for n in range(1, 50)]
NAMES = ("wait", "ask for run", "company_people", "buyer_groups", "commit groups")


@pytest.fixture
def built(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world that settles at once, in which a tick asks for runs."""
    monkeypatch.setenv("BG_SETTLE", "0")
    return world


def tick(world: World) -> list[Request]:
    requests, _ = sensors.tick(world.instance, world.engine, "s", poll_seconds=0)
    return requests


def retitled(world: World, company: str, trace: str | None = None) -> None:
    with world.engine.begin() as conn:
        if trace is not None:
            conn.execute(sa.text("select set_config('bg.trace_id', :t, true)"), {"t": trace})
        conn.execute(
            sa.text("update bg.people set title = title || ' II' where id = :id"),
            {"id": f"{company}-cfo"},
        )


def chain(collector: Collector) -> list[Received]:
    """The spans from the wait to the commit, each the child of the one before."""
    spans.close()
    found = [collector.named(name) for name in NAMES]
    assert [len(one) for one in found] == [1] * len(NAMES)
    wait, ask, first, second, commit = (one for (one,) in found)
    assert ask.parent_id == wait.span_id
    assert first.parent_id == second.parent_id == ask.span_id
    assert commit.parent_id == second.span_id
    assert {one.trace_id for one in (ask, first, second, commit)} == {wait.trace_id}
    return [wait, ask, first, second, commit]


def test_a_change_of_a_table_begins_a_trace_that_ends_with_the_commit(
    built: World, collector: Collector
) -> None:
    built.add("acme")
    (request,) = tick(built)
    result = built.run(request)
    wait, ask, first, _, commit = chain(collector)
    assert wait.parent_id == ""
    assert wait.trace_id == f"{context.derived(request.refresh_id or ''):032x}"
    assert wait.start < wait.end <= first.start
    assert wait.attributes["bg.writers"] == ["company_table", "people_table"]
    assert ask.attributes == {
        "bg.refresh_id": request.refresh_id, "bg.company_id": "acme", "bg.attempt": 1,
        "bg.companies": 1,
    }  # fmt: skip
    assert commit.attributes == {
        "bg.refresh_id": request.refresh_id, "bg.company_id": "acme", "bg.run_id": result.run_id,
        "bg.companies": 1, "bg.written": 1,
    }  # fmt: skip
    assert collector.named("group refreshed") == []
    assert built.sql("select trace_id from bg.buyer_group_refresh_log") == [(ask.traceparent,)]
    run = built.instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags[TAG] == ask.traceparent


def test_an_event_its_tick_its_run_and_its_commit_are_one_trace(
    built: World, collector: Collector
) -> None:
    told.source(built.engine, "crm")
    built.build("acme")
    title = {"id": "acme-cfo", "newTitle": "Chief Executive Officer"}
    event_id = told.event(built.engine, "person.role_change", title)
    built.sql("update bg.webhook_events set trace_id = :t", t=CAUSES[6])
    built.sql("update bg.people set observed_at = null")
    done = told.apply(built.engine)
    assert done.applied == 1, told.became(built.engine, event_id)
    spans.close()
    collector.spans.clear()
    # The first build begins no interval.
    (request,) = tick(built)
    built.run(request)
    wait, *_ = chain(collector)
    assert (wait.trace_id, wait.parent_id) == (CAUSES[6][3:35], CAUSES[6][36:52])
    assert (wait.attributes["bg.kinds"], wait.attributes["bg.writers"]) == (
        ["role_change"], ["webhook"],
    )  # fmt: skip


def test_a_writer_s_own_trace_goes_on_and_other_texts_begin_one(
    built: World, collector: Collector
) -> None:
    built.build("acme", "globex")
    spans.close()
    collector.spans.clear()
    retitled(built, "acme", CAUSES[0])
    retitled(built, "globex", "nightly job 7")
    for request in tick(built):
        built.run(request)
    spans.close()
    found = {one.attributes["bg.company_id"]: one for one in collector.named("wait")}
    assert (found["acme"].trace_id, found["acme"].parent_id) == (CAUSES[0][3:35], CAUSES[0][36:52])
    assert found["globex"].parent_id == ""


def test_a_batch_of_one_cause_is_in_its_trace(
    built: World, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    companies = [f"c{number}" for number in range(6)]
    built.build(*companies)
    spans.close()
    collector.spans.clear()
    with built.engine.begin() as conn:
        conn.execute(sa.text("select set_config('bg.trace_id', :t, true)"), {"t": CAUSES[0]})
        conn.execute(sa.text("update bg.people set title = 'CFO' where id like '%-cfo'"))
    (request,) = tick(built)
    assert request.batch_id is not None
    built.run(request)
    wait, *_ = chain(collector)
    assert wait.trace_id == CAUSES[0][3:35]
    assert collector.named("group refreshed") == []


def test_a_batch_of_many_causes_links_some_and_is_told_of_in_the_trace_of_each(
    built: World, collector: Collector
) -> None:
    companies = [f"c{number:02}" for number in range(40)]
    built.build(*companies)
    spans.close()
    collector.spans.clear()
    for company, cause in zip(companies, CAUSES, strict=False):
        retitled(built, company, cause)
    (request,) = tick(built)
    built.run(request)
    _, ask, _, _, commit = chain(collector)
    assert ask.trace_id == f"{context.derived(request.batch_id or ''):032x}"
    assert len(ask.links) == MOST_LINKS
    assert set(ask.links) <= {(one[3:35], one[36:52]) for one in CAUSES}
    told_of = collector.named("group refreshed")
    assert len(told_of) == MOST_LINKS
    by_company = dict(zip(companies, CAUSES, strict=False))
    for one in told_of:
        cause = by_company[one.attributes["bg.company_id"]]
        assert (one.trace_id, one.parent_id) == (cause[3:35], cause[36:52])
        assert one.links == ((commit.trace_id, commit.span_id),)


def test_a_further_attempt_is_in_the_same_trace(built: World, collector: Collector) -> None:
    built.add("acme")
    assert len(tick(built)) == 1
    built.sql(
        "update bg.buyer_group_refresh_log set run_key = null, asked_at = null, attempt = 2, "
        "outages = 0"
    )
    (again,) = tick(built)
    assert again.attempt == 2
    spans.close()
    first, second = collector.named("ask for run")
    assert first.trace_id == second.trace_id
    assert first.span_id != second.span_id


def test_a_run_by_hand_begins_a_trace_and_an_error_is_told_by_its_kind(
    built: World, collector: Collector
) -> None:
    built.add("acme")
    built.execute("acme")
    built.instance.add_dynamic_partitions("companies", ["nobody"])
    result = built.execute("nobody", ok=False)
    spans.close()
    good, bad = collector.named("company_people")
    assert (good.parent_id, good.failed) == ("", False)
    assert (bad.parent_id, bad.failed) == ("", True)
    assert bad.attributes == {"bg.run_id": result.run_id, "error.type": "Failure"}


def test_no_name_no_e_mail_and_no_title_is_in_any_span(built: World, collector: Collector) -> None:
    built.build("acme")
    retitled(built, "acme")
    for request in tick(built):
        built.run(request)
    spans.close()
    assert collector.spans
    sent = b"".join(collector.raw)
    for word in (b"Zebulon", b"zq@", b"Officer", b"Company acme"):
        assert word not in sent


def test_without_traces_nothing_of_them_is_written(
    built: World, instance: dg.DagsterInstance
) -> None:
    built.add("acme")
    (request,) = tick(built)
    assert request.trace is None
    assert TAG not in sensors.run_request(request).tags
    built.run(request)
    assert built.sql("select trace_id from bg.buyer_group_refresh_log") == [(None,)]
