"""By what rules questions are asked: how long answers last, and what may be spent on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from bg_assets.domain.enrichment.asking import Kind

DAY = 86_400.0
# How long an answer is believed, in seconds: facts about a company change slowest.
EXPIRY = {Kind.COMPANY: 7 * DAY, Kind.DISCOVERY: 3 * DAY, Kind.PERSON: 1 * DAY}


@dataclass(frozen=True, slots=True)
class Caps:
    """What one provider may cost in a day and in a month (UTC), in US dollars; None: no such cap.

    Without either, nothing that has a price is asked.
    """

    daily: Decimal | None = None
    monthly: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules. Durations are seconds.

    ``daily`` and ``monthly`` are caps by the provider's name; the one under "" is for all others.
    ``seconds`` is what one call may take, ``patience`` a question with all its tries and waits, of
    which there are ``tries`` at most. A process that is gone keeps a question for ``seconds`` and
    ``margin``. ``opens_after`` failures in a row open the breaker, which lets nobody through for
    ``opens_for``. ``longest_rest`` is how long a provider may ask to be left alone.
    """

    expiry: Mapping[Kind, float] = field(default_factory=lambda: EXPIRY)
    daily: Mapping[str, Decimal] = field(default_factory=dict)
    monthly: Mapping[str, Decimal] = field(default_factory=dict)
    seconds: float = 20.0
    patience: float = 60.0
    tries: int = 3
    backoff: float = 0.5
    margin: float = 15.0
    opens_after: int = 5
    opens_for: float = 30.0
    longest_rest: float = DAY

    @property
    def longest_call(self) -> float:
        """For how long a call, or the wait before its next try, keeps its question at most."""
        return max(self.seconds, self.patience) + self.margin

    def lasts(self, kind: Kind) -> float:
        """For how many seconds an answer to such a question is kept."""
        return self.expiry.get(kind, EXPIRY[kind])

    def caps(self, provider: str) -> Caps:
        """What this provider may cost."""
        daily, monthly = (caps.get(provider, caps.get("")) for caps in (self.daily, self.monthly))
        return Caps(daily, monthly)
