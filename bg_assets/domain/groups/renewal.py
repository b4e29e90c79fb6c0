"""When a company's group is renewed, why not sooner, and what can be done about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# After this, what is due should long have been taken.
LATE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Pending:
    """The changes that no refresh has taken: when no further one is waited for any more.

    ``by_hand``: somebody asked for the refresh. ``waits``: none of them is of a kind that waits for
    no interval (asked for by hand or by a template, or the departure of a member).
    """

    settled_at: datetime
    by_hand: bool
    waits: bool


@dataclass(frozen=True, slots=True)
class LastRefresh:
    """The latest refresh of a company; ``tried`` counts attempts, that under way among them."""

    status: str
    tried: int
    outages: int
    not_before: datetime | None
    run_id: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Rules:
    """When a company is due: durations in seconds, as the settings have them."""

    settle: float
    interval: float
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Renewal:
    """``at``: when the group is renewed, None where that is now or can't be told.

    ``because`` says why not sooner. ``command`` is what to type (before the company's id) to change
    that, None where nothing helps.
    """

    at: datetime | None
    because: str
    command: str | None = None


def renewal(
    now: datetime,
    pending: Pending | None,
    last: LastRefresh | None,
    deferred_since: datetime | None,
    rules: Rules,
) -> Renewal | None:
    """When and why; None where the group is as it should be.

    ``deferred_since`` is the end of the last refresh that starts an interval.
    """
    if last is not None and last.status in ("requested", "running"):
        return _under_way(now, last, rules)
    if pending is not None and last is not None and _rests(now, pending, last):
        because = (
            f"its refresh failed for good after {_attempts(last.tried)}: {last.error}; what has "
            "changed since waits, longer after each such failure"
        )
        return Renewal(last.not_before, because, "requeue")
    if pending is not None:
        return _waiting(now, pending, deferred_since, rules)
    if last is not None and last.status == "dead":
        because = f"its refresh failed for good after {_attempts(last.tried)}: {last.error}"
        return Renewal(None, because, "requeue")
    return None


def _rests(now: datetime, pending: Pending, last: LastRefresh) -> bool:
    rests = last.status == "dead" and last.not_before is not None and last.not_before > now
    return rests and not pending.by_hand


def _under_way(now: datetime, last: LastRefresh, rules: Rules) -> Renewal:
    if last.status == "running":
        return Renewal(None, f"it is being renewed now, by run {last.run_id}")
    if last.outages and last.not_before is not None:
        at = last.not_before if last.not_before > now else None
        return Renewal(at, f"{last.error}, which is no fault of the company: tried again by itself")
    if last.tried > 1:
        which = f"attempt {last.tried} of {rules.max_attempts} is asked for"
        return Renewal(None, f"{which}, after this: {last.error}")
    return Renewal(None, "it is asked for, and its run is on its way or in the queue")


def _waiting(
    now: datetime, pending: Pending, deferred_since: datetime | None, rules: Rules
) -> Renewal:
    settled = now if pending.by_hand else pending.settled_at
    if pending.waits and deferred_since is not None:
        over = deferred_since + timedelta(seconds=rules.interval)
        if over > max(now, settled):
            because = (
                f"it was renewed because of changes at {deferred_since:%H:%M:%S %Z}, and that is "
                f"done once in {in_words(rules.interval)}"
            )
            return Renewal(over, because, "refresh")
    if settled > now:
        return Renewal(settled, f"it waits for {in_words(rules.settle)} without a further change")
    late = (now - settled).total_seconds()
    if pending.waits and deferred_since is not None:
        since = now - deferred_since - timedelta(seconds=rules.interval)
        late = min(late, since.total_seconds())
    if late > LATE_SECONDS:
        because = f"it is due since {in_words(late)}: `bg-assets status` tells what holds it up"
        return Renewal(None, because)
    return Renewal(None, "it is due: the next look takes it")


def in_words(seconds: float) -> str:
    """A duration for people: ``2 s``, ``43 min``, ``1 h 5 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:g} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h" + (f" {rest} min" if rest else "")


def _attempts(number: int) -> str:
    return "1 attempt" if number == 1 else f"{number} attempts"
