"""What a process logs is one JSON document a line, with an event, its values and its ids."""

import logging
import re
import sys
import warnings

import pytest

from bg_assets import settings
from bg_assets.logs import log, setup
from bg_assets_tests.logs.conftest import Lines

LOG = log.logger("bg_assets.test")


def test_a_line_names_its_event_its_time_its_process_and_its_values(written: Lines) -> None:
    LOG.info("run_requested", companies=3, reasons={"import": 2}, batch=None)
    (line,) = written()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert isinstance(line.pop("pid"), int)
    assert line == {
        "level": "info", "event": "run_requested", "process": "test", "companies": 3,
        "reasons": {"import": 2},
    }  # fmt: skip


def test_ids_that_are_bound_stand_on_each_line_within_and_on_none_after(written: Lines) -> None:
    with log.bound(run="r1", refresh="f1", company=None):
        LOG.info("refresh_completed", company="acme")
        logging.getLogger("library").warning("slow")
    LOG.info("run_ended")
    ours, theirs, after = written()
    assert (ours["run"], ours["refresh"], ours["company"]) == ("r1", "f1", "acme")
    assert (theirs["event"], theirs["message"], theirs["run"]) == ("said", "slow", "r1")
    assert "company" not in theirs
    assert "run" not in after


def test_who_logs_with_the_standard_library_is_heard_in_the_same_form(written: Lines) -> None:
    logging.getLogger("bg_assets.alerts").info("sent %d to %s", 2, "jane.roe@example.com")
    logging.getLogger("uvicorn.error").info("not wanted at this level")
    (line,) = written()
    assert line["message"] == "sent 2 to [personal]"
    assert (line["event"], line["logger"]) == ("said", "bg_assets.alerts")


def test_what_dagster_says_has_the_ids_of_its_run(written: Lines) -> None:
    tags = {
        "bg/refresh_id": "f1",
        "dagster/partition": "acme",
        "bg/traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    meta = {
        "run_id": "r1", "step_key": "buyer_groups", "job_name": "refresh", "job_tags": tags,
        "orig_message": "3 of 9 companies",
    }  # fmt: skip
    logging.getLogger("dagster").info("refresh - r1 - 3 of 9", extra={"dagster_meta": meta})
    (line,) = written()
    assert line["message"] == "3 of 9 companies"
    assert line["trace"] == "0af7651916cd43dd8448eb211c80319c"
    found = {name: line[name] for name in ("run", "step", "job", "refresh", "company")}
    assert found == {
        "run": "r1", "step": "buyer_groups", "job": "refresh", "refresh": "f1", "company": "acme",
    }  # fmt: skip


def test_a_run_that_the_daemon_tells_of_is_among_the_ids(written: Lines) -> None:
    run = "9c1e0a6e-6a5e-4a53-9b0c-1d6a1c6a2f11"
    for said in (f"Completed launch of run {run} for due_companies_1", "no run of 0f3a"):
        logging.getLogger("dagster.daemon.SensorDaemon").info(said)
    first, second = written()
    assert (first["run"], "run" in second) == (run, False)


@pytest.mark.parametrize(
    ("tags", "ids"),
    [
        ({}, {}),
        ({"dagster/partition": "acme"}, {"company": "acme"}),
        ({"bg/batch_id": "b1", "dagster/partition": "acme"}, {"batch": "b1"}),
        ({"bg/traceparent": "rubbish"}, {}),
        ({"bg/traceparent": "00-short-b7ad6b7169203331-01"}, {}),
    ],
)
def test_the_ids_of_a_run_are_read_from_its_tags(tags: dict[str, str], ids: dict[str, str]) -> None:
    assert log.ids_of(tags) == ids


def test_an_error_is_told_with_its_trace_and_without_what_it_quotes(written: Lines) -> None:
    try:
        raise ValueError("postgresql://me:hunter22@db/bg refused jane.roe@example.com")
    except ValueError:
        LOG.exception("webhook_fault", at="door:7")
    (line,) = written()
    assert "test_lines.py" in line["exception"]
    assert line["exception"].endswith(
        "ValueError: postgresql://me:[secret]@db/bg refused [personal]"
    )


def test_an_error_that_nobody_catches_is_a_line_too(written: Lines) -> None:
    err = RuntimeError("token=abcdef")
    sys.excepthook(RuntimeError, err, None)
    (line,) = written()
    assert (line["event"], line["level"], line["error"]) == (
        "process_crashed", "critical", "RuntimeError",
    )  # fmt: skip
    assert line["exception"] == "RuntimeError: token=[secret]"


def test_a_warning_of_python_is_a_line_too(written: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    (line,) = written()
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")


def test_on_a_terminal_a_line_is_text_that_gives_no_orders(
    own_logs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    setup.begin("test", settings.read({"BG_LOG_FORMAT": "text"}))
    LOG.info("run_requested", reasons="a\x1b[31m\nb", companies=2)
    said = capsys.readouterr().err
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d info    run_requested reasons='a\\x1b\[31m\\nb' companies=2\n", said
    )


def test_without_a_setup_a_warning_is_plain_text(caplog: pytest.LogCaptureFixture) -> None:
    LOG.warning("secret_unreadable", source="crm", secret_id=7, password="hunter22")
    assert caplog.messages == ["secret_unreadable source=crm secret_id=7 password=[secret]"]


def test_below_the_level_nothing_is_made(
    own_logs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    setup.begin("test", settings.read({"BG_LOG_LEVEL": "warning", "BG_LOG_FORMAT": "text"}))
    LOG.info("run_ended")
    LOG.warning("watch_failed", error="OSError")
    assert capsys.readouterr().err.endswith("warning watch_failed error=OSError\n")


def test_beginning_again_replaces_what_was(written: Lines) -> None:
    setup.begin("other", settings.read({}), run="r2")
    LOG.info("run_started")
    (line,) = written()
    assert (line["process"], line["run"]) == ("other", "r2")
