"""Tells channels what is due to them, one message after another, and notes what came of each."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bg_assets.alerting.channels.sending import Channel, NotSent
from bg_assets.domain.alerts import telling
from bg_assets.domain.alerts.lives import Alert
from bg_assets.domain.alerts.telling import Quiet, Rules, Told
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

    Each message is noted as soon as it was sent, so that a process that dies repeats one at most.
    ``may_go_on`` is asked before each.
    """
    for alert in alerts:
        is_silenced = alert.key in silenced or alert.kind in silenced
        for channel in tellers.channels:
            known = told.get((str(alert.id), channel.name), Told())
            what = telling.due(alert, known, tellers.rules(channel), is_silenced, now())
            if what is None:
                continue
            if not may_go_on():
                return
            note(alert, channel, _sent(tellers, channel, alert, what, known, now()))


def _sent(
    tellers: Tellers, channel: Channel, alert: Alert, what: telling.What, known: Told, now: datetime
) -> Told:
    try:
        channel.send(message_of(alert, what, known, tellers.name, now))
    except NotSent as err:
        LOG.warning("alert_not_told", channel=channel.name, key=alert.key, reason=str(err))
        return telling.failed(known, str(err), now, err.wait)
    except Exception as err:
        # A fault of ours in one channel must not silence the others.
        LOG.error("channel_fault", channel=channel.name, error=type(err).__name__)
        return telling.failed(known, f"a fault: {type(err).__name__}", now)
    LOG.info("alert_told", channel=channel.name, key=alert.key, what=str(what))
    return telling.succeeded(known, what, alert.severity, now)
