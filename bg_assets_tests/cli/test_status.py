"""`status`: each company in one state, in the shape of the contract."""

from pathlib import Path
from typing import Any

import pytest

from bg_assets.products import in_force
from bg_assets.storage import refreshes
from bg_assets.ticks import upkeep
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh, refresh_what_is_due, take
from bg_assets_tests.domain.products.texts import GOOD
from bg_assets_tests.small_disk import mounted

NOTHING: dict[str, Any] = {
    "pending": {"changes": 0, "companies": 0},
    "deferred": 0,
    "requested": 0,
    "running": 0,
    "failed": 0,
    "dead": 0,
    "cancelled": 0,
    "oldest_pending_seconds": None,
    "webhooks": {"pending": 0, "dead": 0, "differing": 0},
    "notifications": {
        "subscriptions": {"active": 0, "disabled": 0, "failed": 0},
        "pending": 0,
        "dead": 0,
    },
    "without_news": {
        "a_minute": 200,
        "company_id": None,
        "at": None,
        "late": 0,
        "daily": 0,
        "weekly": 0,
        "monthly": 0,
    },
    "daemon": "never started",
    "sensors": {},
    "urls": {},
    "runs": [],
    "processes": [],
    "templates": {"in_force": [], "experiments": [], "mistakes": []},
    "providers": [],
    "attached": {},
    "alerts": {"channels": [], "mistakes": [], "looking": 0, "open": 0},
    "retention": {"behind": []},
    "problems": [],
}


@pytest.fixture
def quiet(bg: Command) -> Command:
    """A company of three people whose group stands, nothing pending, and its interval running."""
    bg.companies("a")
    bg("import", "people", bg.file("p.csv", "id,company_id,title\np1,a,CFO\np2,a,CEO\np3,a,x\n"))
    refresh(bg, "a")
    bg.execute("update bg.people set title = 'Head of Finance' where id = 'p2'")
    assert refresh_what_is_due(bg) == 1
    return bg


def _states(bg: Command) -> dict[str, int]:
    """The states that somebody is in."""
    return _states_with(bg.json("status"))


def _states_with(found: dict[str, Any]) -> dict[str, int]:
    assert set(found) == set(NOTHING)
    counts = {"pending": found["pending"]["companies"]} | {
        name: found[name] for name in ("deferred", "requested", "running", "failed", "dead")
    }
    return {name: count for name, count in counts.items() if count}


def test_an_empty_system_has_nothing_to_show(
    bg: Command, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_WEB_PORT", str(unused_port))
    monkeypatch.setenv("BG_RECEIVER_PORT", str(unused_port))
    monkeypatch.setenv("BG_METRICS_PORT", str(unused_port))
    assert bg.json("status") == NOTHING
    done = bg("status")
    assert (done.code, done.err) == (0, "")
    assert "daemon                      never started" in done.out


def test_a_full_disk_is_a_problem_and_ends_with_1(
    bg: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mounted(tmp_path, 1) as small:
        monkeypatch.setenv("BG_HOME", str(small.root))
        done = bg("status")
        assert done.code == 1
        assert f"problem: the disk of {small.root} is full" in done.out
        assert "free some space" in done.out


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BG_KPI_TARGETS", "members=many", "BG_KPI_TARGETS: members takes a figure like 100"),
        ("BG_ALERTS", "slack", "BG_ALERTS: channel slack: url is missing"),
        ("BG_ALERTS_FILE", "/nowhere.yaml", "BG_ALERTS_FILE: /nowhere.yaml: No such file"),
        ("BG_ALERTS_QUIET", "at night", "BG_ALERTS_QUIET"),
        ("BG_SETTLE", "soon", "BG_SETTLE takes a number of seconds"),
    ],
)
def test_a_setting_that_can_not_be_meant_is_an_error_of_usage(
    bg: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    done = bg("status", "--json")
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())


def test_targets_that_what_runs_can_not_mean_are_a_problem(bg: Command) -> None:
    bg.execute("insert into bg.instance_settings values ('BG_KPI_TARGETS', 'members=many')")
    (problem,) = bg.json("status", code=1)["problems"]
    assert problem.startswith("no KPIs are measured: BG_KPI_TARGETS: members takes a figure")


def test_new_companies_are_pending(bg: Command) -> None:
    bg.companies("a", "b")
    assert _states(bg) == {"pending": 2}
    found = bg.json("status")
    assert found["pending"] == {"changes": 2, "companies": 2}
    assert 0 <= found["oldest_pending_seconds"] < 60


def test_a_change_within_the_interval_is_deferred(quiet: Command) -> None:
    assert _states(quiet) == {}
    quiet.execute("update bg.people set title = 'Cook' where id = 'p3'")
    assert _states(quiet) == {"deferred": 1}
    assert quiet.json("status")["pending"] == {"changes": 1, "companies": 0}


def test_the_departure_of_a_member_is_pending_and_not_deferred(quiet: Command) -> None:
    quiet.execute("update bg.people set status = 'left' where id = 'p1'")
    assert _states(quiet) == {"pending": 1}


@pytest.mark.parametrize(
    ("kind", "source"),
    [("role_change", "manual"), ("role_change", "template"), ("resync", "people_table")],
)
def test_what_was_not_asked_for_is_deferred_whoever_wrote_it(
    quiet: Command, kind: str, source: str
) -> None:
    quiet.execute(
        "insert into bg.changes (company_id, person_id, kind, source) "
        "values ('a', 'p1', :kind, :source)",
        kind=kind, source=source,
    )  # fmt: skip
    assert _states(quiet) == {"deferred": 1}


def test_a_changed_template_is_pending_and_not_deferred(quiet: Command) -> None:
    quiet.execute("update bg.people set title = 'Cook' where id = 'p3'")
    quiet.execute("insert into bg.changes (company_id, kind, source) "
                  "values ('a', 'resync', 'template')")  # fmt: skip
    assert _states(quiet) == {"pending": 1}


def test_what_an_outage_ended_is_a_problem_until_it_is_tried_again(bg: Command) -> None:
    bg.companies("a", "b")
    take(bg, "a")
    _release(bg, 1, outage=True)
    found = bg.json("status", code=1)
    assert (found["failed"], found["dead"]) == (1, 0)
    (told,) = found["problems"]
    assert told.startswith(
        "1 company waits because what refreshes stand on was away, once so far ([the] run is gone)"
    )
    assert "uses up no attempt" in told
    take(bg, "a")
    assert bg.json("status")["problems"] == []
    _release(bg, 1)
    assert "dead: a after 1 attempt:" in bg("status").out


def test_a_refresh_asked_for_by_hand_is_pending_and_not_deferred(quiet: Command) -> None:
    assert quiet("refresh", "a").out.startswith("1 company is to be refreshed")
    assert _states(quiet) == {"pending": 1}


def test_a_company_is_requested_then_running_then_failed_then_dead(bg: Command) -> None:
    bg.companies("a")
    take(bg, "a")
    assert _states(bg) == {"running": 1}
    found = bg.json("status")
    assert found["pending"] == {"changes": 1, "companies": 0}
    assert found["oldest_pending_seconds"] >= 0
    bg.execute("update bg.people set title = 'more'")
    _release(bg, 2)
    assert _states(bg) == {"failed": 1}
    take(bg, "a")
    _release(bg, 2)
    assert _states(bg) == {"dead": 1}
    assert bg.json("status")["pending"] == {"changes": 1, "companies": 0}
    out = bg("status").out
    assert "dead: a after 2 attempts: [the] run is gone" in out
    assert "bg-assets requeue" in out
    assert bg("requeue", "a").out.startswith("1 company is to be refreshed")
    assert _states(bg) == {"pending": 1}
    bg.execute(
        "insert into bg.buyer_group_refresh_log (company_id, status, reason, triggered_by) "
        "values ('a', 'requested', 'test', 'test')"
    )
    assert _states(bg) == {"requested": 1}


def test_requeue_of_a_company_that_is_not_dead_is_refused(bg: Command) -> None:
    bg.companies("a")
    done = bg("requeue", "a", "nobody")
    assert (done.code, done.err) == (
        2,
        "error: no dead refresh or event of a\nno dead refresh or event of nobody\n"
        "nothing was done; `bg-assets dead` lists what is dead\n",
    )


def test_every_company_counts_once_whatever_its_history(bg: Command) -> None:
    names = [f"c{number}" for number in range(6)]
    bg.companies(*names)
    take(bg, "c0", "c1", "c2")
    _release(bg, 1)
    assert _states(bg) == {"dead": 3, "pending": 3}
    # A dead company that changes again is taken anew.
    take(bg, "c0")
    assert _states(bg) == {"running": 1, "dead": 2, "pending": 3}
    refresh(bg, "c1")
    assert _states(bg) == {"running": 1, "dead": 1, "pending": 3}


def _release(bg: Command, most: int, *, outage: bool = False) -> None:
    """Let go whatever is running, as if its run were gone."""
    with bg.engine.begin() as conn:
        pairs = [one for held in refreshes.under_way(conn) for one in held.refreshes]
        now = conn.exec_driver_sql("select clock_timestamp()").scalar_one()
        refreshes.release(conn, pairs, "[the] run is gone", now, most, outage=outage)


def test_a_template_that_went_bad_is_told_with_the_last_good_one(
    bg: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_TEMPLATES", str(tmp_path))
    monkeypatch.setenv("BG_PRODUCTS", "small")
    file = bg.file("small.yaml", GOOD)
    good = in_force.keep(bg.engine, tmp_path, ["small"]).templates["small"]
    file.write_text(GOOD.replace("it: 0.5", "it: -5"), encoding="utf-8")
    mistake = f"{file}, line 8: -5 is outside of 0 to 1"
    found = bg.json("status")["templates"]
    assert found["mistakes"] == [{"mistake": mistake, "since": None}]
    assert [(one["name"], one["hash"]) for one in found["in_force"]] == [("small", good.hash)]

    in_force.keep(bg.engine, tmp_path, ["small"])
    (only,) = bg.json("status")["templates"]["mistakes"]
    told = bg("status").out
    assert only["mistake"] == mistake
    assert only["since"].endswith("Z")
    assert f"template: {mistake} (since " in told
    assert "the last good ones stay in force: small" in told


def test_groups_of_an_older_template_are_counted(bg: Command) -> None:
    bg.companies("a", "b")
    refresh(bg, "a", "b")
    in_force.keep(bg.engine, None, ["finance_system"])
    bg.execute("update bg.buyer_groups set template_hash = 'older' where company_id = 'a'")
    (one,) = bg.json("status")["templates"]["in_force"]
    told = bg("status").out
    assert one["old_groups"] == 1
    assert "finance_system: 1 groups of an older template, to be refreshed" in told


def test_a_refresh_that_does_not_get_on_is_told_with_its_run_and_what_to_do(bg: Command) -> None:
    bg.companies("a", "b")
    take(bg, "a", "b")
    assert bg("status").code == 0
    bg.execute(
        "update bg.buyer_group_refresh_log "
        "set started_at = timestamptz '2026-01-05 12:00+0', run_id = 'r1'"
    )
    done = bg("status")
    (line,) = bg.json("status", code=1)["problems"]
    assert done.code == 1
    assert f"problem: {line}" in done.out
    assert line.startswith("run r1 has been refreshing a and 1 more since 2026-01-05 12:00 UTC ")
    assert "bg-assets cancel RUN" in line


def test_lost_capture_is_a_problem_until_migrate_and_the_tick_have_seen_to_it(
    quiet: Command,
) -> None:
    quiet.execute("alter table bg.people disable trigger all")
    quiet.execute("update bg.people set status = 'left' where id = 'p1'")
    document = quiet.json("status", code=1)
    done = quiet("status")
    assert (done.code, done.err) == (1, "")
    told = "changes are lost: trigger capture_people_update on bg.people is disabled: run"
    assert any(one.startswith(told) for one in document["problems"])
    assert f"problem: {told} `bg-assets migrate`" in done.out
    assert _states_with(document) == {}

    done = quiet("migrate")
    assert "change capture restored: trigger capture_people_update on bg.people" in done.out
    assert "companies that changed while it was lost, to be refreshed now: 1" in done.out
    assert quiet("migrate").out == "nothing to do: the tables are at this version\n"
    assert quiet.json("status")["problems"] == []
    assert refresh_what_is_due(quiet) == 1
    (group,) = quiet.json("show", "a")["groups"]
    assert "p1" not in {member["person_id"] for member in group["members"]}


def test_capture_that_somebody_enables_again_is_caught_up_by_the_tick(quiet: Command) -> None:
    quiet.execute("update bg.capture_watch set looked_at = '-infinity'")
    quiet.execute("alter table bg.people disable trigger all")
    quiet.execute("update bg.people set status = 'left' where id = 'p1'")
    lost = upkeep.see_to(quiet.engine)
    quiet.execute("alter table bg.people enable trigger all")
    quiet.execute("update bg.capture_watch set looked_at = '-infinity'")

    assert any("capture_people_update on bg.people is disabled" in line for line in lost)
    assert upkeep.see_to(quiet.engine) == [
        "companies that changed while capture was lost, to be refreshed now: 1"
    ]
    assert refresh_what_is_due(quiet) == 1
    (left,) = quiet.json("show", "a")["groups"][0]["diff"]["left"]
    assert left == "p1"


def test_the_next_refresh_without_news_is_told_and_how_often_there_are_any(
    quiet: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = quiet.json("status")["without_news"]
    at = found["at"][:16].replace("T", " ")
    assert found == {
        "a_minute": 200, "company_id": "a", "at": found["at"], "late": 0,
        "daily": 0, "weekly": 0, "monthly": 1,
    }  # fmt: skip
    out = quiet("status").out
    assert f"next without news           {at} UTC, a\n" in out
    assert "  how often                 1 monthly\n" in out

    quiet.execute("update bg.next_refreshes set at = now()")
    assert quiet.json("status")["without_news"]["late"] == 1
    assert " UTC, a; 1 due\n" in quiet("status").out
    monkeypatch.setenv("BG_REFRESH_WITHOUT_NEWS", "0")
    assert "refreshed without news      never: BG_REFRESH_WITHOUT_NEWS is 0" in quiet("status").out
