"""The schedule asks for companies of which nothing is heard; runs then see to them as to all."""

from typing import Any

import dagster as dg
import pytest

from bg_assets import schedules
from bg_assets.definitions import defs
from bg_assets.resources import Database
from bg_assets.storage import experiments
from bg_assets_tests import refreshing
from bg_assets_tests.refreshing import World, metadata

instance = refreshing.instance
world = refreshing.world


def evaluated(world: World, name: str) -> Any:
    """An evaluation by Dagster."""
    with dg.build_schedule_context(
        instance=world.instance, resources={"database": Database()}
    ) as context:
        return defs.resolve_schedule_def(name).evaluate_tick(context)


def said(world: World) -> str:
    """What an evaluation by Dagster tells."""
    found = evaluated(world, "refreshes_without_news")
    assert not found.run_requests, "only the sensors ask for runs"
    return str(found.skip_message)


def everybody_is_due(world: World) -> None:
    world.sql("update bg.next_refreshes set at = now() - interval '1 minute'")


def test_it_runs_by_default() -> None:
    schedule = defs.resolve_schedule_def("refreshes_without_news")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_a_company_whose_moment_has_come_is_refreshed_and_gets_its_next_one(world: World) -> None:
    world.build("acme", "bolt")
    assert said(world) == "nobody's moment has come"
    everybody_is_due(world)
    world.sql("update bg.people set title = 'Head of Finance' where id = 'bolt-fd'")

    assert said(world) == (
        "companies to be refreshed without news: 1; 1 more waits for a refresh anyway"
    )
    (request,) = [one for one in world.claim() if "acme" in one.companies]
    assert (request.reasons, request.priority) == ({"no news for about 30 days": 1}, -20)
    done = metadata(world, world.run(request))["acme"]
    ((at, because),) = world.sql(
        "select to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), because "
        "from bg.next_refreshes where company_id = 'acme' and at > now()"
    )
    assert done["next_refresh"] == f"{at} UTC, {because}"
    assert because.startswith("monthly: none of 6 members have been in their role")
    assert world.pending() == 1, "that of bolt"


def test_a_setting_turns_it_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.build("acme")
    everybody_is_due(world)
    monkeypatch.setenv("BG_REFRESH_WITHOUT_NEWS", "0")

    assert said(world) == "BG_REFRESH_WITHOUT_NEWS is 0: companies without news are not refreshed"
    assert world.pending() == 0


def test_a_look_takes_no_more_than_the_setting_while_those_before_still_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.build("acme", "bolt", "calm")
    everybody_is_due(world)
    monkeypatch.setenv("BG_REFRESH_WITHOUT_NEWS", "2")

    assert said(world) == "companies to be refreshed without news: 2"
    assert said(world) == "asked for before and waiting still, at the least: 2"
    assert world.pending() == 2


def test_a_company_that_is_no_longer_tracked_has_no_next_refresh(world: World) -> None:
    world.build("acme")
    world.sql("update bg.companies set deleted_at = now()")
    (request,) = world.claim()
    done = metadata(world, world.run(request))["acme"]

    assert "next_refresh" not in done
    assert world.sql("select count(*) from bg.next_refreshes") == [(0,)]


def test_kpis_are_measured_every_five_minutes_but_not_while_a_measurement_waits(
    world: World,
) -> None:
    schedule = defs.resolve_schedule_def("kpis")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule.cron_schedule == "*/5 * * * *"

    assert isinstance(schedules.measure_kpis(world.instance), dg.RunRequest)
    job = defs.resolve_job_def("measure_kpis")
    assert job.run_tags["dagster/priority"] == "-1000", "behind every refresh"
    run = world.instance.create_run_for_job(job)
    skipped = schedules.measure_kpis(world.instance)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "the last measurement still waits or runs"
    world.instance.report_run_failed(run)
    assert isinstance(schedules.measure_kpis(world.instance), dg.RunRequest)


def test_experiments_are_compared_while_one_runs_and_not_otherwise(world: World) -> None:
    schedule = defs.resolve_schedule_def("experiment_comparisons")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert evaluated(world, "experiment_comparisons").skip_message == "no experiment runs"
    with world.engine.begin() as conn:
        one = experiments.start(conn, "books", ("h", "text"), ("i", "text"), 50, "ann")
    (request,) = evaluated(world, "experiment_comparisons").run_requests
    assert request.tags["bg/reasons"] == "experiments: books"
    with world.engine.begin() as conn:
        assert one is not None
        experiments.stop(conn, one, "ann", "b", {})
    # Its end is told of, so that the last look is not taken for the present.
    assert evaluated(world, "experiment_comparisons").run_requests
    world.sql("update bg.experiments set stopped_at = stopped_at - interval '3 h'")
    assert evaluated(world, "experiment_comparisons").skip_message == "no experiment runs"


def test_what_was_kept_long_enough_goes_every_five_minutes_and_it_is_said(world: World) -> None:
    schedule = defs.resolve_schedule_def("retention")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule.cron_schedule == "*/5 * * * *"
    world.build("acme")
    handled = world.sql("select count(*) from bg.changes where handled_at is not null")[0][0]
    world.sql("update bg.changes set handled_at = handled_at - interval '91 d'")

    with dg.build_resources({"database": Database()}, instance=world.instance) as resources:
        said = [schedules.let_go(resources.database, world.instance) for _ in range(2)]
        world.sql("update bg.chores set begun_at = now() - interval '5 min'")
        said.append(schedules.let_go(resources.database, world.instance))
    assert said == [
        f"let go of handled changes: {handled}", "another process has just been at it",
        "nothing has been kept too long",
    ]  # fmt: skip
