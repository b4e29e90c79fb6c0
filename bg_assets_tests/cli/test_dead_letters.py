"""`dead`, `requeue` and `discard`: what failed for good is seen, brought back, or given up on."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.dying import dead_event, dead_refresh
from bg_assets_tests.cli.refreshing import refresh, refresh_what_is_due

WHY = ("--reason", "the vendor sent garbage", "--by", "ann")


@pytest.fixture
def failed(bg: Command) -> Command:
    """Two dead refreshes and three dead events, of two kinds of error each."""
    bg.companies("a", "b", "well")
    dead_refresh(bg, "a", "check_violation of groups_positive")
    dead_refresh(bg, "b", "KeyError at bg_assets.domain:7")
    for number, reason in enumerate(["the company is not known"] * 2 + ["check_violation"]):
        dead_event(bg, f"e-{number}", reason=reason)
    return bg


def dead(bg: Command, *arguments: str) -> tuple[list[str], list[str]]:
    found = bg.json("dead", *arguments)
    return [one["company_id"] for one in found["refreshes"]], [one["id"] for one in found["events"]]


def states(bg: Command) -> tuple[int, int, int]:
    """Companies dead, and events pending and dead."""
    found = bg.json("status")
    return found["dead"], found["webhooks"]["pending"], found["webhooks"]["dead"]


def test_where_nothing_is_dead_it_says_so(bg: Command) -> None:
    assert bg.json("dead") == {"refreshes": [], "events": []}
    assert bg("dead").out == "nothing is dead\n"
    assert bg("dead", "--discarded").out == "nothing was discarded\n"
    for command in (("requeue", "--all"), ("discard", "--all", *WHY)):
        done = bg(*command)
        assert (done.code, done.out) == (0, "nothing is dead that fits\n")


def test_a_dead_refresh_is_listed_with_its_attempts_their_runs_and_errors(failed: Command) -> None:
    (found, _) = reversed(failed.json("dead")["refreshes"])
    runs = [row[0] for row in failed.rows(
        "select t.run_id from bg.refresh_attempts as t join bg.buyer_group_refresh_log as r "
        "on r.id = t.refresh_id where r.company_id = 'a' order by t.attempt")]  # fmt: skip
    history = found.pop("history")
    assert [(one["attempt"], one["run_id"], one["error"]) for one in history] == [
        (1, runs[0], "check_violation of groups_positive"),
        (2, runs[1], "check_violation of groups_positive"),
    ]
    rest = datetime.fromisoformat(found.pop("not_before")) - datetime.fromisoformat(
        found.pop("died_at")
    )
    assert rest.total_seconds() == 60
    assert found.pop("refresh_id")
    assert found == {
        "company_id": "a", "attempts": 2, "deaths": 1, "changes": 1,
        "error": "check_violation of groups_positive",
    }  # fmt: skip

    lines = failed("dead", "--kind", "refresh").out.splitlines()
    assert lines[0].startswith("refresh b ")
    assert ", after 2 attempts: KeyError at bg_assets.domain:7; 1 change in no group; " in lines[0]
    assert "; a further change waits until " in lines[0]
    assert f"run {runs[1]}: check_violation of groups_positive" in lines[5]
    assert len(lines) == 6


def test_a_company_that_died_again_is_listed_once_with_all_its_attempts(failed: Command) -> None:
    failed.execute("update bg.companies set country = 'DE' where id = 'a'")
    dead_refresh(failed, "a", "another error")
    found = failed.json("dead", "--kind", "refresh")["refreshes"]

    assert [(one["company_id"], one["deaths"], one["changes"]) for one in found] == [
        ("a", 2, 2), ("b", 1, 1),
    ]  # fmt: skip
    assert [one["error"] for one in found[0]["history"]] == [
        *["check_violation of groups_positive"] * 2, *["another error"] * 2,
    ]  # fmt: skip
    assert "dead 2 times since its last success: another error" in failed("dead").out
    assert failed("status").out.count("dead: a after") == 1


def test_kinds_and_errors_narrow_the_list_down(failed: Command) -> None:
    assert dead(failed) == (["b", "a"], ["e-2", "e-1", "e-0"])
    assert dead(failed, "--kind", "event") == ([], ["e-2", "e-1", "e-0"])
    assert dead(failed, "--error", "CHECK_violation") == (["a"], ["e-2"])
    assert dead(failed, "--error", "check%") == ([], [])
    assert failed("dead", "--error", "no such thing").out == "nothing that is dead says so\n"
    limited = failed("dead", "--limit", "2", "--kind", "event")
    assert "the last 2 of a kind; --limit shows more" in limited.err


def test_an_event_is_listed_with_why_it_failed_each_time(failed: Command) -> None:
    assert failed("requeue", "e-0").out.startswith("1 event is pending again")
    failed.execute("update bg.webhook_events set status = 'dead', applied_at = now(), "
                   "status_reason = 'the source may not' where event_id = 'e-0'")  # fmt: skip
    found = failed.json("dead", "--kind", "event")["events"][-1]

    assert [one["reason"] for one in found["history"]] == [
        "the company is not known", "the source may not",
    ]  # fmt: skip
    out = failed("dead", "--kind", "event").out
    assert "event e-0 crm person.left c-9 p-9 " in out
    assert ": the source may not\n  attempt 1, " in out


def test_requeue_takes_companies_and_events_by_name(failed: Command) -> None:
    done = failed("requeue", "a", "e-1")
    assert done.out == (
        "1 event is pending again; `bg-assets status` tells how far it is\n"
        "1 company is to be refreshed; `bg-assets status` tells how far it is\n"
    )
    assert states(failed) == (1, 1, 2)
    assert refresh_what_is_due(failed) == 2, "a, and the company that was well all along"
    assert dead(failed) == (["b"], ["e-2", "e-0"])


def test_requeue_takes_all_and_what_an_error_names(failed: Command) -> None:
    failed("requeue", "--error", "not known")
    assert states(failed) == (2, 2, 1)
    failed("requeue", "--error", "check_violation", "--kind", "refresh")
    assert states(failed) == (1, 2, 1)
    failed("requeue", "--all")
    assert states(failed) == (0, 3, 0)


@pytest.mark.parametrize("command", [("requeue",), ("discard", *WHY)])
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "error: name companies or events, or say --all or --error TEXT\n"),
        (("a", "--all"), "error: name companies or events, or say --all or --error TEXT\n"),
        (("--all", "--error", "x"), "error: name companies or events, or say --all or --error"),
        (("a", "well", "e-9"), "error: no dead refresh or event of well\nno dead refresh or event "
         "of e-9; did you mean e-2 or e-1 or e-0?\nnothing was done; `bg-assets dead` lists"),
        (("e-1", "--kind", "refresh"), "error: no dead refresh of e-1\nnothing was done"),
    ],
)  # fmt: skip
def test_what_is_unclear_or_not_dead_is_refused_and_nothing_done(
    failed: Command, command: tuple[str, ...], arguments: tuple[str, ...], error: str
) -> None:
    done = failed(*command, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(error)
    assert states(failed) == (2, 0, 3)


def test_discard_gives_up_on_a_refresh_says_on_what_and_keeps_why(failed: Command) -> None:
    refresh(failed, "well")
    failed.execute("update bg.companies set country = 'DE' where id = 'well'")
    dead_refresh(failed, "well", "the rules failed")
    before = failed.rows("select * from bg.buyer_groups")
    done = failed("discard", "well", *WHY)

    assert done.out == "well: discarded company_profile_change (company_table)\n"
    assert dead(failed)[0] == ["b", "a"]
    assert len(before) == 1
    assert failed.rows("select * from bg.buyer_groups") == before
    statuses = "select status from bg.buyer_group_refresh_log where company_id = 'well' order by 1"
    assert failed.rows(statuses) == [("cancelled",), ("completed",)]
    assert failed.json("show", "well")["pending_changes"] == 0
    ((actor, action, subject, count, detail),) = failed.rows(
        "select actor, action, subject, count, detail from bg.audit_log"
    )
    assert (actor, action, subject, count) == ("ann", "refresh.discarded", "well", 1)
    assert (detail["reason"], detail["error"]) == ("the vendor sent garbage", "the rules failed")
    assert detail["changes"] == [failed.value("select max(id) from bg.changes")]


def test_what_comes_after_a_discard_is_due_like_any_change(failed: Command) -> None:
    failed("discard", "--all", *WHY)
    failed.execute("update bg.companies set country = 'DE' where id = 'a'")

    assert refresh_what_is_due(failed) == 2, "a, and the company that was well all along"


def test_discard_gives_up_on_events_by_error(failed: Command) -> None:
    done = failed.json("discard", "--error", "not known", *WHY)
    assert done["refreshes"] == []
    assert done["events"] == [
        {"id": one, "source": "crm", "type": "person.left", "company": "c-9", "person": "p-9",
         "error": "the company is not known"} for one in ("e-0", "e-1")
    ]  # fmt: skip
    assert states(failed) == (2, 0, 1)
    assert failed.rows("select distinct status, status_reason from bg.webhook_events "
                       "where status <> 'dead'") == [
        ("ignored", "discarded: the vendor sent garbage")
    ]  # fmt: skip


def test_what_was_discarded_is_listed(failed: Command) -> None:
    failed("discard", "e-2", "b", "--reason", "[old] news", "--by", "bob")
    found: list[dict[str, Any]] = failed.json("dead", "--discarded")["discarded"]

    assert [(one["actor"], one["subject"], one["detail"]["reason"]) for one in found] == [
        ("bob", "e-2", "[old] news"), ("bob", "b", "[old] news"),
    ]  # fmt: skip
    assert abs((datetime.now(UTC) - datetime.fromisoformat(found[0]["at"])).total_seconds()) < 60
    out = failed("dead", "--discarded").out
    assert "event e-2 " in out
    assert " by bob: [old] news (it was dead for: check_violation)\n" in out
    assert " by bob, 1 change: [old] news (it was dead for: KeyError at " in out
    assert failed("dead", "--discarded", "--kind", "refresh").out.count("\n") == 1
    assert failed("dead", "--discarded", "--error", "x").code == 2


def test_a_reason_is_wanted(failed: Command) -> None:
    assert failed("discard", "a").code == 2
    done = failed("discard", "a", "--reason", "  ")
    assert (done.code, done.err) == (2, "error: --reason is empty: say why, it is kept\n")
    assert states(failed) == (2, 0, 3)


def test_show_tells_until_when_a_change_waits_and_what_brings_it_back(failed: Command) -> None:
    failed.execute("update bg.companies set country = 'DE' where id = 'a'")
    done = failed("show", "a")
    waits = failed.value("select not_before from bg.buyer_group_refresh_log where company_id = 'a'")

    assert f"renewal: at {waits.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, in " in done.out
    assert "failed for good after 2 attempts: check_violation of groups_positive; what " in done.out
    assert "renew it now: `bg-assets requeue a`" in done.out
    document = json.loads(failed("show", "a", "--json").out)
    assert datetime.fromisoformat(document["refresh"]["not_before"]) == waits
    assert f"; a further change waits until {waits.astimezone(UTC):%Y-%m-%d %H:%M} UTC" in (
        failed("status").out
    )
