"""Tells channels what is due to them, one message after another, and notes what came of each."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bg_assets.alerting.channels.sending import Channel, NotSent
from bg_assets.domain.alerts import telling
from bg_assets.domain.alerts.lives import Alert
from bg_assets.domain.alerts.telling import Quiet, Rules, Told, What
from bg_assets.domain.alerts.wording import message_of
from bg_assets.logs import log

LOG = log.logger(__name__)


@dataclass(frozen=True, slots=True)
class Tellers:
    """Whom to tell, under which name of the installation, when to repeat (s), and when not."""

    channels: tuple[Channel, ...]
    name: str
    repeat: float
    quiet: Quiet | None

    def rules(self, channel: Channel) -> Rules:
        """When this channel is told."""
        return Rules(channel.least, self.repeat, self.quiet)


Note = Callable[[Alert, Channel, Told], None]


def tell(
    tellers: Tellers,
    alerts: Iterable[Alert],
    told: Mapping[tuple[str, str], Told],
    silenced: Collection[str],
    now: Callable[[], datetime],
    note: Note,
    may_go_on: Callable[[], bool] = lambda: True,
) -> None:
    """Send what is due; ``told`` by the alert's id and the channel's name.

    Each message is noted as soon as it was sent, so that a process that dies repeats one at most,
    and the first of an alert before that too, so that its end is told whoever dies between.
    ``may_go_on`` is asked before each.
    """
    for same in by_key(alerts):
        key, kind = same[-1].key, same[-1].kind
        is_silenced = key in silenced or kind in silenced
        for channel in tellers.channels:
            known = {one: told.get((str(one.id), channel.name), Told()) for one in same}
            rules = tellers.rules(channel)
            steps = telling.turn([*known.items()], rules, is_silenced, now())
            if not _taken(_Turn(tellers, channel, known, now, note, may_go_on), steps):
                return


def by_key(alerts: Iterable[Alert]) -> list[list[Alert]]:
    """Those of each key together, the oldest first; keys in the order in which they come."""
    found: dict[str, list[Alert]] = {}
    for one in alerts:
        found.setdefault(one.key, []).append(one)
    return [sorted(same, key=lambda one: (one.since, one.id)) for same in found.values()]


@dataclass(frozen=True, slots=True)
class _Turn:
    """One channel and the alerts of one key: what it knows of each, and how to note that."""

    tellers: Tellers
    channel: Channel
    known: Mapping[Alert, Told]
    now: Callable[[], datetime]
    note: Note
    may_go_on: Callable[[], bool]


def _taken(turn: _Turn, steps: Sequence[tuple[Alert, What]]) -> bool:
    """Send one after another, until one fails; False where this process may not go on."""
    last = steps[-1][0] if steps else None
    for alert, what in steps:
        if not turn.may_go_on():
            return False
        err = _sent(turn, alert, what)
        if err is None or alert is last or last is None:
            continue
        waiting = turn.known[last]
        if waiting.tries < telling.PATIENCE_TRIES and not err.is_refusal:
            # Its end may still arrive: what began after it waits, for a moment.
            turn.note(last, turn.channel, telling.failed(waiting, str(err), turn.now(), err.wait))
            break
    return True


def _sent(turn: _Turn, alert: Alert, what: What) -> NotSent | None:
    """Send one message and note what came of it; returns why it did not get through."""
    tellers, channel, known = turn.tellers, turn.channel, turn.known[alert]
    begun = telling.begun(known, alert.severity)
    if begun != known:
        turn.note(alert, channel, begun)
    try:
        channel.send(message_of(alert, what, known, tellers.name, turn.now()))
    except NotSent as err:
        LOG.warning("alert_not_told", channel=channel.name, key=alert.key, reason=str(err))
        before = begun if err.unsure else known
        turn.note(alert, channel, telling.failed(before, str(err), turn.now(), err.wait))
        return err
    except Exception as err:
        # A fault of ours in one channel must not silence the others.
        LOG.error("channel_fault", channel=channel.name, error=type(err).__name__)
        fault = f"a fault: {type(err).__name__}"
        turn.note(alert, channel, telling.failed(known, fault, turn.now()))
        return NotSent(fault)
    LOG.info("alert_told", channel=channel.name, key=alert.key, what=str(what))
    turn.note(alert, channel, telling.succeeded(known, what, alert.severity, turn.now()))
    return None
