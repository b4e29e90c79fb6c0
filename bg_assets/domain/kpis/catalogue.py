"""The KPIs, in the order in which they are shown. How each is measured: storage/measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bg_assets.domain.kpis import targets
from bg_assets.domain.kpis.targets import Target, above, below
from bg_assets.domain.vocabulary import ROLE_LABELS

Severity = Literal["error", "warning"]
QUEUE_DEPTH, LATENCY_P50, LATENCY_P95 = "queue_depth", "latency_p50", "latency_p95"
REFRESH_SUCCESS = "refresh_success"


@dataclass(frozen=True, slots=True)
class Kpi:
    """What is measured, in which unit, what it is to be, and what it means.

    ``is_upper``: whether a single figure as its target is the most and not the least.
    ``severity`` of a missed target: an error says that the system does not do its job, a warning
    that what it makes could be better, or that others do us harm.
    """

    name: str
    label: str
    unit: str
    target: Target | None
    severity: Severity
    meaning: str
    is_upper: bool = True


@dataclass(frozen=True, slots=True)
class Measured:
    """A value of a KPI in its unit, None where there was nothing to measure.

    ``product``: None for what is no matter of one. ``of``: how many were looked at, None where a
    state is told and no sample.
    """

    name: str
    value: float | None
    product: str | None = None
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A value with its target and what it amounts to, as ``targets.state`` says it."""

    kpi: Kpi
    product: str | None
    value: float | None
    of: int | None
    target: Target | None
    state: str

    @property
    def key(self) -> str:
        """The KPI's name, with the product where there is one."""
        return f"{self.kpi.name} {self.product}" if self.product else self.kpi.name

    @property
    def shown(self) -> str:
        """The value with its unit, for people."""
        if self.value is None:
            return "unknown"
        digits = 2 if abs(self.value) < 10 else 1 if abs(self.value) < 100 else 0
        text = f"{self.value:.{digits}f}"
        return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {self.kpi.unit}"


_KPIS = (
    Kpi(
        QUEUE_DEPTH, "queue depth", "companies", below(100), "error",
        "Companies that are due, or asked for, and that no run works on.",
    ),
    Kpi(
        LATENCY_P50, "change to group (median)", "s", below(10), "warning",
        "From the first change that a refresh was due for to the commit of the group.",
    ),
    Kpi(
        LATENCY_P95, "change to group (95 %)", "s", below(60), "error",
        "The same: 95 of 100 groups stood within this time.",
    ),
    Kpi(
        "mean_refresh", "mean refresh", "s", below(60), "error",
        "From the moment a run takes a company to the commit of its group; a batch counts whole.",
    ),
    Kpi(
        "processing_rate", "processing rate", "a minute", None, "warning",
        "Companies refreshed in a minute.", is_upper=False,
    ),
    Kpi(
        "failed", "failed attempts", "%", below(5), "error",
        "Attempts that failed, of all that ended; they are tried again.",
    ),
    Kpi(
        REFRESH_SUCCESS, "refresh success", "%", above(95), "error",
        "Refreshes that completed, of those that completed or died.", is_upper=False,
    ),
    Kpi(
        "webhook_time", "webhook time (95 %)", "ms", below(500), "error",
        "95 of 100 webhooks were answered within this time.",
    ),
    Kpi(
        "invalid_signatures", "invalid signatures", "%", below(1), "warning",
        "Webhooks whose sender or signature was not accepted, of all that came.",
    ),
    Kpi(
        "webhook_duplicates", "webhook duplicates", "%", None, "warning",
        "Webhooks that were there already, of all that came; they change nothing.",
    ),
    Kpi(
        "members", "members", "people", Target(8, 12), "warning",
        "The mean size of the groups of companies with anybody on the staff.",
    ),
    Kpi(
        "members_in_band", "groups of the right size", "%", above(80), "warning",
        "Groups as large as their template asks for at a company of that size.", is_upper=False,
    ),
    Kpi(
        "confidence", "confidence", "%", above(80), "warning",
        "How sure the rules are of the members, in the mean over the groups.", is_upper=False,
    ),
    Kpi(
        "cohesion", "cohesion", "of 10", above(7), "warning",
        "How well members are linked, in the mean over the groups in which it is measurable.",
        is_upper=False,
    ),
    Kpi(
        "completeness", "completeness", "%", above(80), "warning",
        "Required places that are filled, in the mean over the groups.", is_upper=False,
    ),
    *(
        Kpi(
            f"gaps_{role}", f"gap: {label}", "%", None, "warning",
            f"Groups without {label}.",
        )
        for role, label in ROLE_LABELS.items()
    ),
    Kpi(
        "oldest_group", "oldest group", "days", below(35), "warning",
        "Since the group was last written that was written longest ago.",
    ),
    Kpi(
        "provider_cost", "cost of providers", "USD", None, "warning",
        "What providers of outside data were paid, or may have been, today (UTC).",
    ),
)  # fmt: skip
KPIS: Mapping[str, Kpi] = {kpi.name: kpi for kpi in _KPIS}


def targets_by(text: str) -> dict[str, Target | None]:
    """The target of each KPI, with those of ``queue_depth=100,members=8..12``. Raises BadTarget."""
    return targets.chosen(
        {name: kpi.target for name, kpi in KPIS.items()},
        {name: kpi.is_upper for name, kpi in KPIS.items()},
        filter(None, map(str.strip, text.split(","))),
    )


def mistake(text: str) -> str:
    """What is wrong with the targets that BG_KPI_TARGETS sets so; "" where nothing is."""
    try:
        targets_by(text)
    except targets.BadTarget as err:
        return f"BG_KPI_TARGETS: {err}"
    return ""


def judge(found: list[Measured], by: Mapping[str, Target | None]) -> list[Judged]:
    """What the values amount to, in the order of the KPIs and then of the products."""
    order = list(KPIS)
    return [
        Judged(
            KPIS[one.name],
            one.product,
            one.value,
            one.of,
            by[one.name],
            targets.state(one.value, by[one.name]),
        )
        for one in sorted(found, key=lambda one: (order.index(one.name), one.product or ""))
    ]
