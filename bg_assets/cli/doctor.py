"""`doctor`: everything that can be wrong, looked at once, each finding with what to do."""

import os
import re
from collections.abc import Sequence

import click

from bg_assets import settings, terminal
from bg_assets.alerting import standing
from bg_assets.cli import session
from bg_assets.domain.kpis import catalogue
from bg_assets.health import checks_of_machine as machine
from bg_assets.health import checks_of_service as service
from bg_assets.health import checks_of_state as state
from bg_assets.health import letting_go
from bg_assets.health.findings import FAIL, OK, Finding, Patient, examine

CHECKS = (
    ("database", state.reachable),
    ("schema", state.schema),
    ("triggers", state.capture),
    ("clocks", state.clocks),
    ("daemon", state.dagster),
    ("pending", state.work),
    ("notifications", state.notifications),
    ("keys", state.keys),
    ("backups", state.backups),
    ("retention", letting_go.check),
    ("failures", service.failing),
    ("objectives", service.promises),
    ("providers", service.providers),
    ("secrets", service.secrets),
    ("signatures", service.signatures),
    ("kpis", service.kpis),
    ("experiments", service.experiments),
    ("alerts", standing.check),
    ("disk", machine.disks),
    ("leftovers", machine.programs),
    ("traces", machine.traces),
    ("versions", machine.versions),
    ("embedded server", machine.embedded),
    ("code location", machine.definitions),
)
# What --json has of each; ``alert`` is a heading of docs/alerts.md.
SHOWN = ("check", "level", "said", "todo", "alert")
_VARIABLE = re.compile(r"BG_[A-Z_]+")


@click.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> None:
    """Look at everything that can be wrong, and say what to do about what is.

    Databases, tables, triggers, clocks, daemon, sensors, work that waits, subscribers, keys,
    backups, failures, objectives, providers, secrets, KPIs, experiments, alerts, disks, processes,
    traces, versions, and whether the definitions load. Whatever is wrong, all the rest is looked at
    too. Takes some seconds and changes nothing. Ends with exit code 1 where something was found.
    """
    config, findings = _settings()
    patient = Patient(config)
    try:
        with session.working("looking at everything"):
            findings += examine(patient, CHECKS)
    finally:
        patient.close()
    well = all(one.level == OK for one in findings)
    if as_json:
        shown = [{name: getattr(one, name) for name in SHOWN} for one in findings]
        terminal.print_json({"well": well, "findings": shown})
    else:
        _print(findings)
    raise SystemExit(0 if well else session.FAILED)


def _settings() -> tuple[settings.Settings, list[Finding]]:
    """The settings, where some can't be meant with their defaults; and what is wrong with them."""
    findings: list[Finding] = []
    while True:
        try:
            config = settings.read()
            if wrong := catalogue.mistake(config.kpi_targets):
                raise settings.BadSetting(wrong)
            return config, findings
        except settings.BadSetting as err:
            named = _VARIABLE.search(str(err))
            if named is None or named[0] not in os.environ:
                raise
            # For all that is looked at, and what is started for it.
            os.environ.pop(named[0])
            todo = f"set {named[0]} right, or unset it; the rest was looked at without it"
            findings.append(Finding("settings", FAIL, str(err), todo))


def _print(findings: Sequence[Finding]) -> None:
    for one in findings:
        terminal.tell(f"{one.level:<5} {one.check:<16} {one.said}")
        if one.todo:
            terminal.tell(f"      {'':<16} -> {one.todo}")
    bad = [one for one in findings if one.level != OK]
    what = "1 finding" if len(bad) == 1 else f"{len(bad)} findings"
    terminal.tell(what if bad else "all is well")
