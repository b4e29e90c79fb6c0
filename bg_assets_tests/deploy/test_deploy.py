"""The files of deploy/ name what there is, variables, programs and modules, and are well formed."""

import importlib.metadata
import importlib.util
import itertools
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from bg_assets import settings
from bg_assets.local import programs
from bg_assets.receiver.limits import Limits

DEPLOY = settings.PROJECT / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
KUBERNETES = ("1.30", "1.32", "1.34")
_OF_UP = {"BG_PROGRAM_FOLDER", "BG_SUPERVISOR_PID"}


def _files() -> list[Path]:
    return [path for path in DEPLOY.rglob("*") if path.is_file()]


def _documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def _compose() -> dict[str, Any]:
    (document,) = _documents("compose/compose.yaml")
    services: dict[str, Any] = document["services"]
    return services


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Each command line of our programs, without their folder, by what it stands in."""
    for unit in UNITS:
        for line in unit.read_text().splitlines():
            if line.startswith("ExecStart=") and "/bin/sh" not in line:
                words = shlex.split(line.removeprefix("ExecStart="))
                yield unit.name, [words[0].removeprefix("/opt/bg_assets/.venv/bin/"), *words[1:]]
    for name, service in _compose().items():
        if service["image"] == "bg-assets":
            command = service["command"]
            yield name, shlex.split(command) if isinstance(command, str) else command
    for document in _documents("kubernetes/bg-assets.yaml"):
        for container in _containers(document):
            if container["command"][0] != "sh":
                yield document["metadata"]["name"], container["command"]


def _containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    spec = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    found: list[dict[str, Any]] = spec.get("template", {}).get("spec", {}).get("containers", [])
    return found


def test_every_variable_that_is_named_is_one_of_ours() -> None:
    known = {variable.name for variable in settings.VARIABLES} | {"BG_ALERTS_SLACK_URL"}
    for path in [*_files(), settings.PROJECT / "docs" / "deploy.md"]:
        named = set(re.findall(r"\bBG_[A-Z_]+\b", path.read_text()))
        assert named <= known, path.name


def test_every_program_and_module_that_is_started_is_there() -> None:
    commands = list(_commands())
    assert len(commands) > 12
    for where, words in commands:
        if words[0] == "python":
            assert importlib.util.find_spec(words[words.index("-m") + 1]), where
        else:
            assert Path(sys.executable).with_name(words[0]).exists(), where
        for option, value in itertools.pairwise(words):
            if option == "--module-name":
                assert importlib.util.find_spec(value), where


# What a program of `up` is where each runs by itself: words of its command line. The database is
# one of one's own then, and Kubernetes has Dagster's programs from Dagster's chart.
_ITSELF = {
    "code": ("dagster", "api", "grpc"),
    "daemon": ("bg_assets.instance.daemon", "dagster-daemon"),
    "webserver": ("bg_assets.web.server",),
    "receiver": ("bg-assets", "receiver"),
    "metrics": ("bg-assets", "metrics"),
    "notifications": ("bg-assets", "notifications"),
    "alerts": ("bg-assets", "alerts", "run"),
}
_OF_THE_CHART = {"code", "daemon", "webserver"}


def test_each_program_of_up_is_started_by_systemd_compose_and_kubernetes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BG_ALERTS", "slack")
    monkeypatch.setenv("BG_HOME", str(tmp_path))
    of_up = {program.name: program.command for program in programs.all_programs(settings.read())}
    assert of_up.keys() == _ITSELF.keys() | {"postgres"}
    for name, words in _ITSELF.items():
        assert _is_there(words, [Path(word).name for word in of_up[name]]), name
    for where, names in (
        ("systemd", _ITSELF.keys()),
        ("compose", _ITSELF.keys()),
        ("kubernetes", _ITSELF.keys() - _OF_THE_CHART),
    ):
        started = [words for place, words in _commands() if _room(place) == where]
        for name in names:
            assert any(_is_there(_ITSELF[name], words) for words in started), (where, name)


def _room(place: str) -> str:
    if place.endswith(".service"):
        return "systemd"
    return "kubernetes" if place.startswith("bg-assets") else "compose"


def _is_there(words: tuple[str, ...], command: list[str]) -> bool:
    """Whether the words stand in the command side by side."""
    return any(
        tuple(command[at : at + len(words)]) == words for at in range(len(command) - len(words) + 1)
    )


def test_every_option_of_bg_assets_is_one_of_its_own() -> None:
    from bg_assets.cli.main import main

    for where, words in _commands():
        if words[0] == "bg-assets":
            command = main.get_command(_context(main), words[1])
            assert command, where
            if words[1] != "up":
                command.make_parser(_context(command)).parse_args(list(words[2:]))


def _context(command: Any) -> Any:
    import click

    return click.Context(command)


def test_nothing_is_killed_before_it_has_had_the_time_that_it_is_promised() -> None:
    promised = max(programs.STOP_ALL_SECONDS, Limits().drain_seconds, programs.STOP_SECONDS)
    for unit in UNITS:
        text = unit.read_text()
        if "oneshot" not in text:
            (seconds,) = re.findall(r"TimeoutStopSec=(\d+)", text)
            assert int(seconds) > promised, unit.name
    for name, service in _compose().items():
        if "stop_grace_period" in service:
            assert int(service["stop_grace_period"].removesuffix("s")) > promised, name


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_nothing_wrong_with_a_unit(unit: Path, tmp_path: Path) -> None:
    for other in DEPLOY.glob("systemd/bg-assets*"):
        text = other.read_text().replace(
            "/opt/bg_assets/.venv/bin", str(Path(sys.executable).parent)
        )
        (tmp_path / other.name).write_text(text.replace("/opt/bg_assets", str(settings.PROJECT)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / unit.name],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "bg-assets" in line]
    assert ours == []


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="no docker-compose here")
def test_compose_takes_its_file() -> None:
    done = subprocess.run(
        ["docker-compose", "--file", DEPLOY / "compose" / "compose.yaml", "config", "--quiet"],
        env={"POSTGRES_PASSWORD": "x", "BG_ENCRYPTION_KEYS": "y", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_compose_publishes_to_this_machine_alone_and_has_no_secret_in_it() -> None:
    for name, service in _compose().items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable or variable == "BG_ENCRYPTION_KEYS":
                assert value.startswith("${"), (name, variable)


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_the_manifests(version: str) -> None:
    documents = _documents("kubernetes/bg-assets.yaml")
    kinds = {document["kind"] for document in documents}
    assert {"Deployment", "Service", "CronJob", "Job", "Secret"} <= kinds
    for document in documents:
        assert kubernetes_validate.validate(document, version, strict=True) == version


def test_the_values_of_the_chart_name_the_same_image_secret_and_dagster_as_all_else() -> None:
    (values,) = _documents("kubernetes/dagster-values.yaml")
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    images = [
        part["image"] for part in (deployment, values["dagsterDaemon"], values["dagsterWebserver"])
    ]
    (image,) = {f"{one['repository']}:{one['tag']}" for one in images}
    for document in _documents("kubernetes/bg-assets.yaml"):
        assert {container["image"] for container in _containers(document)} <= {image}
    for part in (deployment, values["dagsterDaemon"], values["dagsterWebserver"]):
        assert part["envSecrets"] == [{"name": "bg-assets"}]
    pinned = re.search(r'"dagster==([0-9.]+)"', (settings.PROJECT / "pyproject.toml").read_text())
    assert pinned is not None
    text = (DEPLOY / "kubernetes" / "dagster-values.yaml").read_text()
    assert f"--version {pinned[1]} " in text
    # What is tried again is asked for in one place.
    assert values["dagsterDaemon"]["runRetries"]["enabled"] is False
    assert values["dagsterDaemon"]["sensors"]["useThreads"] is False


def test_the_lock_file_gives_the_image_a_version_of_each_dependency() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    (script,) = re.findall(r"sed -n '([^']+)' requirements.txt", dockerfile)
    done = subprocess.run(
        ["sed", "-n", script, settings.PROJECT / "requirements.txt"],
        capture_output=True,
        text=True,
        check=True,
    )
    versions = dict(line.split("==") for line in done.stdout.splitlines())
    locked = re.findall(r"^([A-Za-z0-9._-]+)[\[=]", (settings.PROJECT / "requirements.txt").read_text(), re.M)  # fmt: skip  # noqa: E501
    assert set(versions) == set(locked)
    assert versions["dagster"] == importlib.metadata.version("dagster")


def test_the_instance_of_several_machines_differs_only_in_how_runs_start_and_end() -> None:
    (one,) = yaml.safe_load_all((settings.PROJECT / "dagster.yaml").read_text())
    (several,) = _documents("dagster.yaml")
    assert one.keys() == several.keys()
    differing = {name for name in one if one[name] != several[name]}
    assert differing == {"run_coordinator", "run_launcher", "run_monitoring", "concurrency"}
    assert several["run_launcher"]["class"] == "DefaultRunLauncher"
    assert several["run_coordinator"]["class"] == "QueuedRunCoordinator"
