"""`doctor`: each thing that is wrong is found, with what to do, and hides nothing else."""

import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from bg_assets import encryption, settings
from bg_assets.cli import doctor
from bg_assets.health import checks_of_machine, checks_of_service, checks_of_state
from bg_assets.health.findings import FAIL, OK, Finding, Patient, examine
from bg_assets.storage import audit, database
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import take
from bg_assets_tests.small_disk import mounted
from bg_assets_tests.storage import told

Examine = Callable[..., dict[str, list[Finding]]]


@pytest.fixture
def found(bg: Command, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Examine in this process what the functions look at: the level and words by check."""

    def look(*checks: Any) -> dict[str, list[Finding]]:
        patient = Patient(settings.read())
        by_check: dict[str, list[Finding]] = {}
        try:
            for one in examine(patient, [(check.__name__, check) for check in checks]):
                by_check.setdefault(one.check, []).append(one)
        finally:
            patient.close()
        return by_check

    return look


def only(found: dict[str, list[Finding]], check: str) -> Finding:
    (one,) = found[check]
    return one


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the check that starts a process of seconds."""
    some = tuple(one for one in doctor.CHECKS if one[0] != "code location")
    monkeypatch.setattr(doctor, "CHECKS", some)


def test_a_fresh_system_lacks_its_daemon_and_nothing_else(bg: Command, quick: None) -> None:
    document = bg.json("doctor", code=1)
    assert document["well"] is False
    bad = [(one["check"], one["level"]) for one in document["findings"] if one["level"] != OK]
    assert bad == [("dagster tables", "warn"), ("daemon", "warn")]
    names = {one["check"] for one in document["findings"]}
    assert {"database", "schema", "triggers", "clocks", "pending", "runs", "keys", "backups",
            "disk", "leftovers", "versions"} <= names  # fmt: skip
    out = bg("doctor").out
    assert "warn  daemon           it never ran\n" in out
    assert "-> start `bg-assets up`\n" in out
    assert out.endswith("2 findings\n")


def test_a_database_that_is_away_hides_no_other_check(
    bg: Command, quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BG_DATABASE_URL", f"postgresql://x@/nothing?host={tmp_path}")
    document = bg.json("doctor", code=1)
    levels = {one["check"]: one["level"] for one in document["findings"]}
    assert levels["database"] == levels["schema"] == levels["keys"] == FAIL
    assert levels["disk"] == levels["versions"] == levels["leftovers"] == OK
    assert "does not answer" in document["findings"][0]["said"]


def test_a_setting_that_can_not_be_meant_is_one_finding_among_all(
    bg: Command, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_SETTLE", "soon")
    monkeypatch.setenv("BG_BATCH_SIZE", "many")
    findings = bg.json("doctor", code=1)["findings"]
    assert [one["said"].split()[0] for one in findings if one["check"] == "settings"] == [
        "BG_SETTLE", "BG_BATCH_SIZE",
    ]  # fmt: skip
    assert ("schema", OK) in [(one["check"], one["level"]) for one in findings]


def test_targets_and_channels_that_can_not_be_meant_are_found_though_the_database_is_away(
    bg: Command, quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BG_KPI_TARGETS", "queue=1")
    monkeypatch.setenv("BG_ALERTS", "slack")
    monkeypatch.setenv("BG_DATABASE_URL", f"postgresql://x@/nothing?host={tmp_path}")
    findings = bg.json("doctor", code=1)["findings"]
    (targets,) = (one for one in findings if one["check"] == "settings")
    assert targets["said"].startswith("BG_KPI_TARGETS: there is no KPI 'queue'")
    assert targets["todo"].startswith("set BG_KPI_TARGETS right")
    said = [one["said"] for one in findings if one["check"] == "alerts"]
    assert said[0] == "BG_ALERTS can't be used: channel slack: url is missing"


def test_targets_by_which_the_instance_can_not_measure_are_found(
    bg: Command, found: Examine
) -> None:
    assert only(found(checks_of_service.kpis), "kpis").level == OK
    bg.execute("insert into bg.instance_settings values ('BG_KPI_TARGETS', 'members=many')")
    one = only(found(checks_of_service.kpis), "kpis")
    assert one.level == FAIL
    assert "no KPIs are measured: BG_KPI_TARGETS: members takes a figure" in one.said


def test_a_check_that_breaks_says_so_and_hides_no_other() -> None:
    def breaks(_: Patient) -> list[Finding]:
        raise ZeroDivisionError("with values")

    def well(_: Patient) -> list[Finding]:
        return [Finding("b", OK, "well")]

    broken, fine = examine(Patient(settings.read({})), [("a", breaks), ("b", well)])
    assert (broken.check, broken.level) == ("a", FAIL)
    assert broken.said == "could not look: ZeroDivisionError"
    assert fine.level == OK


def test_a_schema_that_is_behind_is_told_once_with_its_command(bg: Command, found: Examine) -> None:
    bg.execute("update bg.alembic_version set version_num = '0005'")
    one = only(found(checks_of_state.schema), "schema")
    assert (one.level, one.todo) == (FAIL, "run `bg-assets migrate`")
    bg.execute("drop table bg.changes cascade")
    other = only(found(checks_of_state.work), "work")
    assert other.todo == "see the check of the schema"


def test_a_trigger_that_is_lost_is_found(bg: Command, found: Examine) -> None:
    assert only(found(checks_of_state.capture), "triggers").level == OK
    bg.execute("alter table bg.people disable trigger capture_people_update")
    one = only(found(checks_of_state.capture), "triggers")
    assert "capture_people_update on bg.people is disabled" in one.said
    assert one.todo == "run `bg-assets migrate`"


@pytest.mark.parametrize(
    ("ahead", "level"), [(0.5, OK), (-1.9, OK), (3.0, "warn"), (-299.0, "warn"), (301.0, FAIL)]
)
def test_a_clock_that_is_off_is_found(
    bg: Command, found: Examine, monkeypatch: pytest.MonkeyPatch, ahead: float, level: str
) -> None:
    monkeypatch.setattr(database, "seconds_ahead", lambda conn: ahead)
    one = only(found(checks_of_state.clocks), "clocks")
    assert one.level == level
    if level != OK:
        assert (
            f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's" in one.said
        )


def test_the_clock_of_the_database_is_compared_with_the_one_here(bg: Command) -> None:
    with bg.engine.connect() as conn:
        assert abs(database.seconds_ahead(conn)) < 1


def test_a_provider_that_can_t_be_asked_is_found(
    bg: Command, found: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert only(found(checks_of_service.providers), "providers").level == OK
    monkeypatch.setenv("BG_PROVIDERS", "pld")
    one = only(found(checks_of_service.providers), "providers")
    assert (one.level, "provider pld: BG_PROVIDERS names one" in one.said) == (FAIL, True)


def test_a_change_that_waits_for_too_long_is_found(bg: Command, found: Examine) -> None:
    bg.companies("a")
    assert only(found(checks_of_state.work), "pending").level == OK
    bg.execute("update bg.changes set occurred_at = occurred_at - interval '11 minutes'")
    one = only(found(checks_of_state.work), "pending")
    assert (one.level, one.said) == ("warn", "the oldest pending change is 11 min old")


def test_what_was_given_up_or_cancelled_is_found(bg: Command, found: Examine) -> None:
    bg.companies("a", "b")
    take(bg, "a", "b")
    bg.execute(
        "update bg.buyer_group_refresh_log set finished_at = now(), "
        "status = case company_id when 'a' then 'dead' else 'cancelled' end"
    )
    told_of = found(checks_of_state.work)["given up"]
    assert [one.said for one in told_of] == [
        "companies whose refresh is dead: 1", "companies whose refresh was cancelled: 1",
    ]  # fmt: skip
    # As docs/alerts.md has it.
    assert told_of[0].todo.startswith("see `bg-assets dead`, then `bg-assets requeue COMPANY`")


def test_a_key_that_is_missing_is_found_for_secrets_and_events(
    bg: Command, found: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert only(found(checks_of_state.keys), "keys").level == OK
    old, new = encryption.new_key(), encryption.new_key()
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", old)
    assert bg("webhook", "add-source", "crm", "--scheme", "standard").code == 0
    event(bg, old)
    assert only(found(checks_of_state.keys), "keys").level == OK
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", new)
    one = only(found(checks_of_state.keys), "keys")
    assert (one.level, one.said) == (FAIL, "no key here opens 1 secrets and 1 events")
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", f"{new},{old}")
    assert only(found(checks_of_state.keys), "keys").level == OK
    monkeypatch.delenv("BG_ENCRYPTION_KEYS")
    assert "BG_ENCRYPTION_KEYS is not set" in only(found(checks_of_state.keys), "keys").said


def event(bg: Command, key: str) -> None:
    """An event that is stored with this key."""
    payload = Fernet(key).encrypt(b"content")
    told.event(bg.engine, "person.role_change", "p1", payload=payload)
    digest = encryption.Hasher(key).digest(b"content")
    bg.execute("update bg.webhook_events set body_digest = :digest", digest=digest)


@pytest.mark.parametrize(
    ("age", "level", "said"),
    [
        (None, OK, "none is known that `bg-assets backup` made"),
        ("5 hours", OK, "the last one is 5 h old"),
        ("20 days", "warn", "the last one is 20 days old"),
    ],
)
def test_the_age_of_the_last_backup_is_told(
    bg: Command, found: Examine, age: str | None, level: str, said: str
) -> None:
    if age is not None:
        with bg.engine.begin() as conn:
            conn.execute(
                sa.text(
                    "insert into bg.audit_log (actor, action, at) "
                    "values ('ann', 'backup', now() - cast(:age as interval))"
                ),
                {"age": age},
            )
            audit.record(conn, "ann", "another", None)
    one = only(found(checks_of_state.backups), "backups")
    assert (one.level, one.said) == (level, said)


def test_a_full_disk_is_found(
    bg: Command, found: Examine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mounted(tmp_path, 1) as small:
        monkeypatch.setenv("BG_HOME", str(small.root))
        one = only(found(checks_of_machine.disks), "disk")
    assert (one.level, one.todo[:15]) == (FAIL, "changes, events")


def test_another_version_of_a_pinned_library_is_found(
    bg: Command, found: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert only(found(checks_of_machine.versions), "versions").level == OK
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "1.0" if name == "dagster" else real(name)
    )
    one = only(found(checks_of_machine.versions), "versions")
    assert one.level == "warn"
    assert one.said.startswith("installed: dagster 1.0 instead of ")


def test_whether_traces_are_sent_and_what_is_in_the_way_is_told(
    bg: Command, found: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = only(found(checks_of_machine.traces), "traces")
    assert (one.level, one.said) == (OK, "off: no OTEL_ variable asks for them")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hush@collector:4318")
    one = only(found(checks_of_machine.traces), "traces")
    assert (one.level, one.said) == (OK, "spans are sent to http://collector:4318/v1/traces")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    one = only(found(checks_of_machine.traces), "traces")
    assert (one.level, one.todo[:30]) == ("warn", "traces go by http/protobuf, wh")


@pytest.mark.slow
def test_the_code_location_is_loaded_as_the_code_server_does(
    bg: Command, found: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert only(found(checks_of_machine.definitions), "code location").level == OK
    monkeypatch.setattr(checks_of_machine, "_LOAD", "raise SystemExit('it broke')")
    one = only(found(checks_of_machine.definitions), "code location")
    assert (one.level, one.said) == (FAIL, "it does not load: it broke")


def test_json_is_one_document(bg: Command, quick: None) -> None:
    done = bg("doctor", "--json")
    assert json.loads(done.out)["findings"][0]["check"] == "database"
    assert done.err == ""
