"""`cancel`: companies at once, runs by Dagster, and what is told of both."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets.definitions import defs
from bg_assets.instance.private import names
from bg_assets.local import programs
from bg_assets.storage import claims, refreshes
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh, refresh_what_is_due, take
from bg_assets_tests.instance import code
from bg_assets_tests.private import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)


@pytest.fixture
def instance(bg: Command, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance of the command's home."""
    folder = programs.prepare_dagster_home(tmp_path / "home")
    with dg.DagsterInstance.from_config(str(folder)) as made:
        yield made


def _queued(instance: dg.DagsterInstance, key: str) -> str:
    """A run that waits in Dagster's queue."""
    job = defs.resolve_job_def("refresh_buyer_groups")
    tags = {names.RUN_KEY_TAG: key}
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("code"), "__repository__")
    made = instance.create_run_for_job(
        job,
        status=dg.DagsterRunStatus.QUEUED,
        tags=tags,
        remote_job_origin=RemoteJobOrigin(repository, job.name),
        job_code_origin=dg.reconstructable(code.acting).get_python_origin(),
    )
    return made.run_id


def _status(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status.value


def _asked(bg: Command) -> claims.Request:
    """What a tick asks a run for."""
    policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100)
    with bg.engine.begin() as conn:
        now = claims.database_now(conn)
        claims.claim(conn, policy, "test", now)
        (request,) = claims.ask(conn, policy, "test", now)
    return request


def test_a_company_whose_run_waits_is_cancelled_with_the_run(
    bg: Command, instance: dg.DagsterInstance
) -> None:
    bg.companies("a")
    run_id = _queued(instance, _asked(bg).run_key)
    assert bg.json("cancel", "a") == {
        "companies": ["a"], "runs": [run_id], "idle": [], "not_ended": [],
    }  # fmt: skip
    assert _status(instance, run_id) == "CANCELED"
    found = bg.json("status")
    assert (found["cancelled"], found["pending"]) == (1, {"changes": 1, "companies": 0})
    assert refresh_what_is_due(bg) == 0

    assert bg("refresh", "a").code == 0
    assert refresh_what_is_due(bg) == 1
    assert bg.json("status")["cancelled"] == 0
    assert bg.value("select count(*) from bg.changes where handled_at is null") == 0


def test_a_run_is_cancelled_with_all_its_companies(
    bg: Command, instance: dg.DagsterInstance
) -> None:
    names = [f"c{number}" for number in range(6)]
    bg.companies(*names)
    run_id = _queued(instance, _asked(bg).run_key)
    done = bg("cancel", run_id)
    assert done.code == 0
    assert done.out.startswith("6 refreshes are cancelled; the next change, or `bg-assets refresh")
    assert f"ended: run {run_id}" in done.out
    assert _status(instance, run_id) == "CANCELED"
    assert bg.json("status")["cancelled"] == 6

    again = bg("cancel", run_id)
    assert (again.code, again.err) == (1, f"error: over already: run {run_id}\n")


def test_one_company_of_a_batch_is_cancelled_without_its_run(bg: Command) -> None:
    bg.companies(*[f"c{number}" for number in range(6)])
    refresh(bg, "c1")
    take(bg, "c1", "c2")
    assert bg.json("cancel", "c1") == {
        "companies": ["c1"], "runs": [], "idle": [], "not_ended": [],
    }  # fmt: skip
    assert bg.json("show", "c1")["refresh"]["status"] == "cancelled"
    assert len(bg.json("show", "c1")["groups"]) == 1
    assert bg.json("status")["running"] == 1


def test_who_was_cancelled_is_listed_until_the_next_refresh(bg: Command) -> None:
    assert bg("dead", "--cancelled").out.startswith("no company waits because")
    bg.companies("a", "b", "c", "d")
    take(bg, "a", "b", "c", "d")
    assert bg("cancel", "a", "b", "c").code == 0
    found = bg.json("dead", "--cancelled")["cancelled"]
    assert {one["company_id"]: one["changes"] for one in found} == {"a": 1, "b": 1, "c": 1}
    assert {one["why"] for one in found} == {
        bg.value("select distinct error from bg.buyer_group_refresh_log where error is not null")
    }
    assert len(bg.json("dead", "--cancelled", "--limit", 2)["cancelled"]) == 2
    assert "see what was cancelled with `bg-assets dead --cancelled`" in bg("status").out
    # Who is asked for again is cancelled no more, nor is who is refreshed.
    assert bg("refresh", "a").code == 0
    refresh(bg, "b")
    listed = bg("dead", "--cancelled")
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()] == ["c"]
    assert "1 change waits for its next refresh" in listed.out
    assert bg.json("status")["cancelled"] == 1
    assert bg("dead", "--cancelled", "--discarded").code == 2


def test_who_has_nothing_under_way_is_told_and_the_others_are_cancelled(bg: Command) -> None:
    bg.companies("a", "b")
    take(bg, "a", "b")
    with bg.engine.begin() as conn:
        (held,) = refreshes.under_way(conn)
        refreshes.release(conn, held.refreshes[:1], "gone", claims.database_now(conn), 1)
    done = bg("cancel", "a", "b")
    assert done.code == 1
    assert "1 refresh is cancelled" in done.out
    assert done.err.startswith("error: nothing to cancel, or just being completed: ")


def test_a_company_that_its_run_holds_is_told_with_the_run_to_end(bg: Command) -> None:
    bg.companies("a", "b")
    take(bg, "a", "b")
    ((run_id,),) = bg.rows("select distinct run_id from bg.buyer_group_refresh_log")
    with bg.engine.begin() as conn:
        conn.execute(
            sa.text("select from bg.buyer_group_refresh_log where company_id = 'a' for update")
        )
        done = bg("cancel", "a")
    assert done.code == 1
    assert f"a is held by its run: if that hangs, `bg-assets cancel {run_id}`" in done.err


@pytest.mark.parametrize("wrong", ["aa", str(uuid.UUID(int=7))])
def test_what_is_neither_a_company_nor_a_run_is_refused_with_near_matches(
    bg: Command, instance: dg.DagsterInstance, wrong: str
) -> None:
    bg.companies("a")
    take(bg, "a")
    done = bg("cancel", "a", wrong)
    assert done.code == 2
    assert bg.json("status")["running"] == 1
    assert wrong in done.err
    assert "nor is it the id of a run" in done.err
