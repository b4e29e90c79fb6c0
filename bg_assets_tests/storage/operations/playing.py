"""A provider that does as it is told, and a time that passes when somebody waits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import (
    Answer,
    CompanyAsked,
    FoundPerson,
    Kind,
    PersonAsked,
    Question,
    TemporaryFailure,
)
from bg_assets.domain.enrichment.policy import Policy
from bg_assets.storage.operations.clock import Clock
from bg_assets_tests.storage.rows import START

ANN = Answer(people=(FoundPerson(name="Ann Lee", title="CFO", employed_there=True),))
DOWN = TemporaryFailure("the server answers 503: wait")
ENOUGH = Decimal(1000)
POLICY = Policy(daily={"": ENOUGH})


def about(who: str = "p1", kind: Kind = Kind.PERSON) -> Question:
    """A question about a person of acme; other kinds about a company of this id."""
    if kind is not Kind.PERSON:
        return Question(kind, CompanyAsked(who, "Acme Anvils", "acme.example"))
    person = PersonAsked(who, "Ann Lee", "CFO", "ann@acme.example", "Vienna")
    return Question(kind, CompanyAsked("acme", "Acme Anvils", "acme.example"), person)


@dataclass
class Played:
    """Each call does the next of ``script``, and the last of them for ever: answers or raises."""

    script: Iterable[Answer | BaseException] = (ANN,)
    name: str = "pdl"
    costs: Decimal | None = Decimal(0)
    while_asked: Callable[[], object] = lambda: None
    calls: list[Question] = field(default_factory=list)
    allowed: list[float] = field(default_factory=list)

    def price(self, question: Question) -> Decimal | None:
        return self.costs

    def ask(self, question: Question, seconds: float) -> Answer:
        script = list(self.script)
        does = script[min(len(self.calls), len(script) - 1)]
        self.calls.append(question)
        self.allowed.append(seconds)
        self.while_asked()
        if isinstance(does, BaseException):
            raise does
        return does


@dataclass
class Time:
    """Seconds since START, told in a zone; waiting makes them pass."""

    seconds: float = 0.0
    zone: tzinfo = UTC
    waits: list[float] = field(default_factory=list)
    on_wait: Callable[[], object] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds
        self.on_wait()

    def now(self, conn: sa.Connection) -> datetime:
        return (START + timedelta(seconds=self.seconds)).astimezone(self.zone)

    def clock(self, chance: float = 0.5) -> Clock:
        return Clock(self.now, lambda: self.seconds, self.sleep, lambda: chance)
