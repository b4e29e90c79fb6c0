"""A look at everything that alerts are about, by the checks of the room health."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bg_assets import process
from bg_assets.domain.alerts.kinds import CHECK_BLIND, KINDS, WARNING
from bg_assets.domain.alerts.lives import Look, Sight, at_host
from bg_assets.health import checks_of_machine as machine
from bg_assets.health import checks_of_service as service
from bg_assets.health import checks_of_state as state
from bg_assets.health.findings import OK, WARN, Check, Finding, Patient, examined

DATABASE = "database"
SELDOM_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A check, by the name that kinds of alerts know it by, and the s between two turns of it."""

    name: str
    check: Check
    every: float = 0.0


# The database first: without it most others can't look.
CHECKS = (
    Watched(DATABASE, state.reachable),
    Watched("schema", state.schema),
    Watched("triggers", state.capture),
    Watched("clocks", state.clocks),
    Watched("daemon", state.dagster),
    Watched("pending", state.work),
    Watched("failures", service.failing),
    Watched("objectives", service.promises),
    Watched("providers", service.providers),
    Watched("notifications", state.notifications),
    Watched("secrets", service.secrets),
    Watched("signatures", service.signatures),
    Watched("disk", machine.disks),
    # Both look through all events, or all of the audit log.
    Watched("keys", state.keys, SELDOM_SECONDS),
    Watched("backups", state.backups, SELDOM_SECONDS),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check found when it had its turn last, and whether it could look."""

    findings: tuple[Finding, ...]
    at: float


class Looking:
    """Does the checks that are due, and knows what the others found last."""

    def __init__(self, checks: Sequence[Watched] = CHECKS) -> None:
        self._checks = checks
        self._last: dict[str, Seen] = {}

    def look(self, patient: Patient, at: float) -> dict[str, tuple[Finding, ...]]:
        """What each check finds, by its name; ``at`` is the time in s, of any clock that rises."""
        for one in self._checks:
            last = self._last.get(one.name)
            if last is None or at - last.at >= one.every or is_blind(last.findings):
                found = tuple(examined(patient, one.name, one.check))
                self._last[one.name] = Seen(found, at)
        return {name: seen.findings for name, seen in self._last.items()}


def is_blind(findings: Sequence[Finding]) -> bool:
    """Whether a check could not look."""
    return any(one.blind for one in findings)


def seen_of(found: dict[str, tuple[Finding, ...]], at: datetime) -> Look:
    """The alerts in what checks have found."""
    sights = [_sight(one) for findings in found.values() for one in findings if _is_alert(one)]
    blind = {name for name, findings in found.items() if is_blind(findings)}
    if DATABASE in blind or any(one.alert for one in found.get(DATABASE, ())):
        # That is told by itself.
        blind_sights = []
    else:
        blind_sights = [_blind(name, found[name]) for name in sorted(blind)]
    kinds = {
        name
        for name, kind in KINDS.items()
        if kind.check in found and kind.check not in blind
    } | {CHECK_BLIND}  # fmt: skip
    return Look(at, process.host(), (*sights, *blind_sights), frozenset(kinds))


def _is_alert(one: Finding) -> bool:
    return bool(one.alert) and one.level != OK


def _sight(one: Finding) -> Sight:
    severity = one.severity or (WARNING if one.level == WARN else KINDS[one.alert].severity)
    return Sight(one.alert, one.subject, severity, one.said, one.todo)


def _blind(name: str, findings: Sequence[Finding]) -> Sight:
    (first, *_) = [one for one in findings if one.blind]
    subject = at_host(process.host(), name)
    return Sight(CHECK_BLIND, subject, WARNING, f"the check of {name} {first.said}", first.todo)
