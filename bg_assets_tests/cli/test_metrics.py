"""`metrics`: its errors, and what it prints once."""

import shutil
import socket
import subprocess

import pytest

from bg_assets_tests.cli.command import Command
from bg_assets_tests.metrics.scraped import parsed, value


def test_a_busy_port_is_an_error_that_names_the_variable(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        monkeypatch.setenv("BG_METRICS_PORT", str(busy.getsockname()[1]))
        done = bg("metrics")
    assert done.code == 2
    assert done.err.strip().endswith("set BG_METRICS_PORT to a free port")


def test_an_address_of_another_machine_is_an_error_that_names_the_variable(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_METRICS_HOST", "203.0.113.7")
    done = bg("metrics")
    assert (done.code, "BG_METRICS_HOST" in done.err) == (2, True)


def test_once_prints_them_and_ends(bg: Command) -> None:
    bg.companies("acme")
    done = bg("metrics", "--once")
    assert (done.code, done.err) == (0, "")
    assert value(parsed(done.out), "bg_companies", state="pending") == 1


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here")
def test_promtool_finds_nothing_wrong_with_them(bg: Command) -> None:
    bg.companies("acme")
    bg.execute("insert into bg.provider_health (provider, opened_at) values ('pdl', now())")
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=bg("metrics", "--once").out, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
