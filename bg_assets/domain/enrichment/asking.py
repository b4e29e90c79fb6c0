"""What a provider of outside data may be asked, and what it may answer.

Every client of a provider, the bill of its calls and the plan of what to ask speak in these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


class Level(StrEnum):
    """How far a template goes; each does what the one before does, and more."""

    IDENTIFY = "identify"  # own rows only: nothing is asked
    ENRICH = "enrich"  # contact data and present employment of likely members
    DEEP_RESEARCH = "deep_research"  # their careers too, and who else works there


class Kind(StrEnum):
    """What a question is about; the answer is kept for a time of its own."""

    COMPANY = "company"  # facts about the company
    DISCOVERY = "discovery"  # who works there
    PERSON = "person"  # contact data and present employment of one person


@dataclass(frozen=True, slots=True)
class CompanyAsked:
    """What is told of a company so that the provider can find it."""

    id: str
    name: str
    domain: str | None = None
    website: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class PersonAsked:
    """What is told of a person so that the provider can find them."""

    id: str
    name: str | None = None
    title: str | None = None
    email: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question to one provider; equal questions have one answer, and are paid once.

    ``person`` goes with PERSON alone. ``most`` is how many people a DISCOVERY brings at most.
    """

    kind: Kind
    company: CompanyAsked
    person: PersonAsked | None = None
    level: Level = Level.ENRICH
    most: int = 0

    def canonical(self) -> dict[str, Any]:
        """All that the answer may depend on, as JSON values with every nested key."""
        company, person = self.company, self.person
        return {
            "kind": self.kind.value,
            "level": self.level.value,
            "most": self.most,
            "company": {
                "id": company.id,
                "name": company.name,
                "domain": company.domain,
                "website": company.website,
                "country": company.country,
            },
            "person": person
            and {
                "id": person.id,
                "name": person.name,
                "title": person.title,
                "email": person.email,
                "location": person.location,
            },
        }


@dataclass(frozen=True, slots=True)
class Post:
    """One employment in somebody's career, as a provider tells it."""

    title: str | None = None
    company_name: str | None = None
    company_domain: str | None = None
    start_date: date | None = None
    end_date: date | None = None


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """What a provider says of one person. None is unknown, never "no".

    ``key`` is the provider's own id. ``employed_there`` is whether the present employer is the
    company that was asked about, None where the answer does not tell. ``observed_at`` is when the
    provider saw it; None where it does not say. ``likelihood`` is the provider's own figure for
    having found the right person, 0 to 1.
    """

    key: str | None = None
    name: str | None = None
    title: str | None = None
    department: str | None = None
    email: str | None = None
    location: str | None = None
    company_name: str | None = None
    company_domain: str | None = None
    start_date: date | None = None
    employed_there: bool | None = None
    observed_at: datetime | None = None
    likelihood: float | None = None
    career: tuple[Post, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundCompany:
    """What a provider says of a company. None is unknown."""

    key: str | None = None
    name: str | None = None
    domain: str | None = None
    website: str | None = None
    industry: str | None = None
    employee_min: int | None = None
    employee_max: int | None = None
    country: str | None = None
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer. Nobody found is an answer too: no people and no company.

    ``cost`` is what the provider bills for it, in US dollars.
    """

    people: tuple[FoundPerson, ...] = ()
    company: FoundCompany | None = None
    cost: Decimal = Decimal(0)


class Failure(Exception):
    """A question that got no answer: nothing is known from it, for or against anybody.

    The message says what happened and what to do, and holds no key, no name and no address.
    """


class TemporaryFailure(Failure):
    """It may work later: 429, 5xx, time-outs, a network that is away.

    ``retry_after`` is how many seconds the provider wants to be left alone, None where it does not
    say. ``billed`` is what may have been paid all the same, in US dollars.
    """

    def __init__(
        self, message: str, retry_after: float | None = None, billed: Decimal = Decimal(0)
    ) -> None:
        super().__init__(message)
        self.retry_after, self.billed = retry_after, billed


class PermanentFailure(Failure):
    """It will not work until somebody does something: no key, a wrong one, no credit left, an
    answer of another shape, a question that the provider refuses.

    ``whole_provider`` where every other question would fail likewise. ``billed`` is what may have
    been paid all the same, in US dollars.
    """

    def __init__(
        self, message: str, whole_provider: bool = False, billed: Decimal = Decimal(0)
    ) -> None:
        super().__init__(message)
        self.whole_provider, self.billed = whole_provider, billed


class NotChecked(Failure):
    """It was not asked: no provider answers such questions, a cap is reached, a breaker is open."""


@runtime_checkable
class Provider(Protocol):
    """A client of one provider. ``name`` is a short word, kept with every call.

    It tries once and raises a Failure, or anything else where it is broken; repeated tries, the
    cache, caps and the breaker are the caller's. One whose answers depend on more than the question
    (a file that changes, a threshold) has a ``version`` too, a text: with another one its answers
    are asked for anew.
    """

    name: str

    def price(self, question: Question) -> Decimal | None:
        """The most that the answer may cost, in US dollars; None where it answers no such one."""
        ...

    def ask(self, question: Question, seconds: float) -> Answer:
        """Ask, for so many seconds in all at most. Raises Failure."""
        ...


Providers = Mapping[str, Provider]
