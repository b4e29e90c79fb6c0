"""`retention` tells the policy, counts what would go, and lets go of it."""

from datetime import datetime

import pytest

from bg_assets.cli import doctor
from bg_assets_tests.cli.command import Command
from bg_assets_tests.storage.rows import company, refresh, run


@pytest.fixture
def old(bg: Command) -> Command:
    """A handled change of 100 days ago, its refresh, and another since."""
    company(bg.engine, "acme")
    for days in (100, 1):
        when = bg.value(f"select now() - interval '{days} d'")
        of = refresh(bg.engine, "acme", "completed", requested_at=when, finished_at=when)
        run(bg.engine, "insert into bg.changes (company_id, kind, source, priority, is_departure, "
            "occurred_at, refresh_id, handled_at) values ('acme', 'resync', 'manual', 1, false, "
            ":at, :of, :at)", at=when, of=of)  # fmt: skip
    return bg


def test_a_dry_run_counts_and_lets_go_of_nothing(old: Command) -> None:
    found = old.json("retention", "--dry-run")
    assert found["dry_run"]
    told = {one["name"]: one for one in found["retention"]}
    assert told["changes"] == {
        "name": "changes", "what": "handled changes", "variable": "BG_RETENTION_CHANGES",
        "seconds": 7_776_000, "would_go": 1, "removed_ever": 0, "last_round": None,
        "behind_since": None,
    }  # fmt: skip
    others = ("history", "refreshes", "events", "operations", "outbox", "kpis", "runs", "runless")
    assert {name: told[name]["would_go"] for name in others} == dict.fromkeys(others, 0)
    assert old.changes() == 2


def test_by_hand_it_goes_at_once_and_what_is_forever_stays(
    old: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_RETENTION_REFRESHES", "50d")
    monkeypatch.setenv("BG_RETENTION_KPIS", "forever")
    told = {one["name"]: one for one in old.json("retention")["retention"]}
    assert (told["changes"]["removed"], told["refreshes"]["removed"]) == (1, 1)
    assert (told["kpis"]["seconds"], told["kpis"]["removed"]) == (None, None)
    assert datetime.fromisoformat(told["changes"]["last_round"]).tzinfo is not None
    assert old.changes() == 1
    again = old("retention")
    assert again.code == 0
    assert "handled changes" in again.out
    assert "ever" in again.out


def test_it_goes_by_the_times_of_what_runs_and_says_so(
    old: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(old.engine, "insert into bg.instance_settings (name, value) "
        "values ('BG_RETENTION_CHANGES', 'forever')")  # fmt: skip
    monkeypatch.setenv("BG_RETENTION_CHANGES", "2d")
    done = old("retention")
    assert "BG_RETENTION_CHANGES is 2d here and forever where bg-assets runs" in done.err
    assert old.changes() == 2


def test_a_time_that_is_too_short_is_refused(bg: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BG_RETENTION_HISTORY", "30d")
    done = bg("retention", "--dry-run")
    assert done.code == 2
    assert "BG_RETENTION_HISTORY takes 366d or longer, or forever, not '30d'" in done.err


def test_rows_that_somebody_holds_are_told_with_exit_code_1(old: Command) -> None:
    with old.engine.begin() as other:
        other.exec_driver_sql("select from bg.changes for update")
        found = old("retention", "--json")
    assert found.code == 1
    assert "somebody holds rows that were to go, try again: changes" in found.err
    assert old.changes() == 2


def test_status_and_doctor_tell_of_a_round_that_has_not_ended_for_days(
    old: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = tuple(one for one in doctor.CHECKS if one[0] in ("database", "retention"))
    monkeypatch.setattr(doctor, "CHECKS", checks)
    assert old.json("status")["retention"] == {"behind": []}
    assert old("retention").code == 0
    run(old.engine, "update bg.chores set state = state || jsonb_build_object('done', cast("
        "now() - interval '3 d' as text)) where name = 'retention changes'")  # fmt: skip
    (behind,) = old.json("status")["retention"]["behind"]
    assert (behind["name"], behind["what"]) == ("changes", "handled changes")
    assert "no round of letting go of old rows has ended since" in old("status").out
    told = [one for one in old.json("doctor", code=1)["findings"] if one["check"] == "retention"]
    assert [one["level"] for one in told] == ["warn"]
    assert "handled changes" in told[0]["said"]
