"""Each kind of alert: how grave it is, and for how long it must last before anybody is told.

What each means and what to do stands in docs/alerts.md, under a heading of its name.
"""

from dataclasses import dataclass

CRITICAL, WARNING = "critical", "warning"
SEVERITIES = (WARNING, CRITICAL)
# So long must nothing be seen of an alert before it is over: what comes and goes is one alert.
GONE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Kind:
    """``check`` of the room health is what sees it; ``lasts`` in s, before it is told.

    ``local`` is what concerns one machine: only that one sees it, and sees that it is over.
    """

    name: str
    check: str
    severity: str
    title: str
    lasts: float = 0.0
    local: bool = False


DATABASE_AWAY = "database-away"
CHECK_BLIND = "check-blind"
DELIVERY_FAILING = "delivery-failing"

_ALL = (
    Kind(DATABASE_AWAY, "database", CRITICAL, "the database is away", 60, local=True),
    Kind("schema-mismatch", "schema", CRITICAL, "the tables are not of this version", local=True),
    Kind("capture-lost", "triggers", CRITICAL, "changes are not captured"),
    Kind("daemon-silent", "daemon", CRITICAL, "Dagster's daemon does not run", 60),
    Kind("process-silent", "daemon", CRITICAL, "a process gives no sign of life"),
    Kind("switched-off", "daemon", WARNING, "a sensor or schedule is switched off", 600),
    Kind("pending-late", "pending", CRITICAL, "changes wait for too long", 60),
    Kind("runs-hang", "pending", WARNING, "refreshes do not get on", 60),
    Kind("refreshes-dead", "pending", WARNING, "refreshes were given up"),
    Kind("events-dead", "pending", WARNING, "webhook events were given up"),
    Kind("template-broken", "pending", WARNING, "a template has a mistake", 60),
    Kind("runs-failing", "failures", WARNING, "runs fail"),
    Kind("latency-budget", "objectives", CRITICAL, "groups come too late"),
    Kind("success-budget", "objectives", CRITICAL, "too many refreshes fail"),
    Kind("provider-down", "providers", WARNING, "a provider does not answer", 300),
    Kind("cost-cap-near", "providers", WARNING, "the cap on a provider's cost is near"),
    Kind("providers-unasked", "providers", WARNING, "providers can't be asked", 300),
    Kind("subscriptions-failing", "notifications", WARNING, "subscribers get no messages", 60),
    Kind("secret-ends", "secrets", WARNING, "a webhook secret ends"),
    Kind("signatures-wrong", "signatures", WARNING, "many webhooks are signed wrong"),
    Kind("keys-unusable", "keys", CRITICAL, "what is encrypted can't be read", 60, local=True),
    Kind("clock-off", "clocks", WARNING, "clocks do not agree", 300, local=True),
    Kind("disk-full", "disk", CRITICAL, "a disk is full", 30, local=True),
    Kind("disk-low", "disk", WARNING, "a disk is nearly full", 60, local=True),
    Kind("backup-old", "backups", WARNING, "the last backup is old"),
    Kind(CHECK_BLIND, "", WARNING, "a check can't look", 600, local=True),
    Kind(DELIVERY_FAILING, "", WARNING, "alerts do not get through", 600),
)
KINDS = {one.name: one for one in _ALL}
