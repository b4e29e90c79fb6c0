"""What is worth asking of providers about a company, and in which order: a plan with a budget.

Only what is missing or doubtful, and nothing that was answered lately. Nothing is asked here.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from bg_assets.domain.enrichment.asking import (
    CompanyAsked,
    Kind,
    Level,
    PersonAsked,
    Question,
)

# The three people whose employment is most in doubt and matter most.
MOST_PEOPLE = 3
# People that one look for others brings at most; a provider bills each of them.
MOST_FOUND = 5

# How much it matters who has a role: whether the deal hangs on the person.
ROLE_WEIGHTS = {
    "decision_maker": 1.0,
    "champion": 0.8,
    "blocker": 0.6,
    "stakeholder": 0.5,
    "introducer": 0.4,
}
# Who is in no group may belong into one, where the title can't be read or is not known.
UNREAD_WEIGHT = 0.2
UNTITLED_WEIGHT = 0.15
# How much is lacking where it is not a matter of probability.
NO_EMAIL = 0.3
NOT_READ = 0.5
# Below so much likelihood to be there still somebody is asked for; groups name it from there on.
DOUBTFUL = 0.95
# A membership of less confidence is in doubt, whatever the reason.
LOW_CONFIDENCE = 0.6


@dataclass(frozen=True, slots=True)
class Membership:
    """A place in the group of a product that asks providers; both figures 0 to 1."""

    product: str
    role: str
    influence: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody on the staff, as far as the plan needs it.

    seen: when a writer last saw them there; there: how likely they are there still, 0 to 1. read:
    whether function and level are both known.
    """

    asked: PersonAsked
    read: bool
    seen: date | None = None
    there: float = 1.0
    memberships: tuple[Membership, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """A company as it stands.

    level: the highest of the products that are sold there. built: whether it has groups yet.
    people: those of whom something may be worth asking. staffed: whether anybody is known there.
    open_roles: the roles of which the groups lack somebody, once for each group. lately: what was
    answered and is not old yet, as kind, person id (empty for none) and provider.
    """

    company: CompanyAsked
    level: Level
    size_known: bool
    built: bool = True
    staffed: bool = True
    people: tuple[Known, ...] = ()
    open_roles: tuple[str, ...] = ()
    lately: frozenset[tuple[Kind, str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider that answers a question, and the most that it costs, in US dollars."""

    provider: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Item:
    """A question that is worth asking, why, how much (0 to 1), and who may answer, in order.

    doubted: whether it is in doubt that the person is still there.
    """

    question: Question
    reasons: tuple[str, ...]
    worth: float
    doubted: bool = False
    offers: tuple[Offer, ...] = ()

    @property
    def price(self) -> Decimal:
        """What asking the first provider costs at most; the next ones are asked within a budget."""
        return self.offers[0].price if self.offers else Decimal(0)

    @property
    def person_id(self) -> str:
        """Whom it is about; empty for the company."""
        return self.question.person.id if self.question.person else ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What would be worth asking and is not asked, and the reason."""

    item: Item
    because: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked about a company, in order, and what is not; ``budget`` in US dollars.

    because: why nothing can be asked at all, else empty.
    """

    company_id: str
    budget: Decimal
    items: tuple[Item, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    because: str = ""

    @property
    def price(self) -> Decimal:
        """What the plan costs at most where each first provider answers, in US dollars."""
        return sum((item.price for item in self.items), Decimal(0))

    @property
    def most(self) -> Decimal:
        """What it costs at most where none but the last knows: never more than the budget."""
        prices = (offer.price for item in self.items for offer in item.offers)
        return min(self.budget, sum(prices, Decimal(0)))


# Gives the providers that answer a question, in the order in which they are asked.
Offers = Callable[[Question], Sequence[Offer]]


def plan(situation: Situation, offers: Offers, budget: Decimal) -> Plan:
    """What to ask: the company's size, MOST_PEOPLE people, and who else works there.

    What is worth most comes first; what is worth the same in order of person id. An item that does
    not fit into what is left of the budget is left out, and cheaper ones after it are not.
    """
    nothing = _nothing(situation)
    if nothing is not None:
        return Plan(situation.company.id, budget, because=nothing)
    items: list[Item] = []
    left_out: list[LeftOut] = []
    left, people = budget, 0
    for wanted in _wanted(situation):
        item, because = _offered(wanted, situation, offers)
        is_person = item.question.kind is Kind.PERSON
        if because is None and is_person and people == MOST_PEOPLE:
            because = f"{MOST_PEOPLE} people at a time"
        if because is None:
            item, because = _within(item, offers, left, budget)
        if because is not None:
            left_out.append(LeftOut(item, because))
            continue
        items.append(item)
        left -= item.price
        people += is_person
    return Plan(situation.company.id, budget, tuple(items), tuple(left_out))


def _nothing(situation: Situation) -> str | None:
    """Why nothing can be asked about a company at all."""
    if situation.level is Level.IDENTIFY:
        return "none of the products whose templates ask is sold there"
    return None if situation.built else "its groups are not built yet"


def _wanted(situation: Situation) -> Iterator[Item]:
    """All that is missing or doubtful, the most worthwhile first."""
    company = situation.company
    if not situation.size_known:
        question = Question(Kind.COMPANY, company, level=situation.level)
        yield Item(question, ("its size is unknown",), 1.0)
    people = [
        item for known in situation.people if (item := _of_person(known, situation)) is not None
    ]
    yield from sorted(people, key=lambda item: (-item.worth, item.person_id))
    reasons = _discovery(situation)
    if reasons:
        most = min(MOST_FOUND, max(1, len(situation.open_roles)))
        question = Question(Kind.DISCOVERY, company, level=situation.level, most=most)
        yield Item(question, reasons, 1.0)


def _of_person(known: Known, situation: Situation) -> Item | None:
    """Somebody of whom something is missing or doubtful and who matters; None for all others."""
    weight = _weight(known)
    reasons: list[str] = []
    lacks: list[float] = []
    doubt = 0.0
    if known.seen is not None and known.there < DOUBTFUL:
        doubt = 1 - known.there
        reasons.append(
            f"last seen there on {known.seen.isoformat()}: {known.there:.0%} likely to be there "
            "still"
        )
    sure = min((one.confidence for one in known.memberships), default=1.0)
    if sure < LOW_CONFIDENCE:
        doubt = max(doubt, 1 - sure)
        reasons.append(f"the membership is sure with {sure:.0%} only")
    lacks.append(doubt)
    if known.memberships and known.asked.email is None:
        lacks.append(NO_EMAIL)
        reasons.append("no e-mail is known")
    if not known.read:
        lacks.append(NOT_READ)
        reasons.append(
            "the title does not tell function and level" if known.asked.title else "no title"
        )
    if not weight or not reasons:
        return None
    enough = 1.0
    for lack in lacks:
        enough *= 1 - lack
    question = Question(Kind.PERSON, situation.company, known.asked, situation.level)
    doubted = known.there < DOUBTFUL
    return Item(question, tuple(reasons), round(weight * (1 - enough), 4), doubted)


def _weight(known: Known) -> float:
    """How much it matters to know of somebody, 0 to 1: by the role, half of it by influence."""
    if known.memberships:
        return max(
            ROLE_WEIGHTS.get(one.role, 0.4) * (0.5 + 0.5 * one.influence)
            for one in known.memberships
        )
    if known.asked.title is None:
        return UNTITLED_WEIGHT
    return 0.0 if known.read else UNREAD_WEIGHT


def _discovery(situation: Situation) -> tuple[str, ...]:
    """Why others are looked for, empty where they are not."""
    if not situation.staffed:
        return ("nobody is known there",)
    if situation.level is not Level.DEEP_RESEARCH or not situation.open_roles:
        return ()
    often = Counter(situation.open_roles)
    places = [
        role.replace("_", " ") + (f" ({number})" if number > 1 else "")
        for role, number in often.items()
    ]
    return (f"the groups lack {', '.join(places)}",)


def _offered(item: Item, situation: Situation, offers: Offers) -> tuple[Item, str | None]:
    """The item with those who may answer it and have not done so lately, or why it is left out."""
    person = item.question.person
    if person is not None and person.name is None and person.email is None:
        return item, "neither a name nor an e-mail is known to find the person by"
    found = tuple(offers(item.question))
    if not found:
        return item, "no provider answers such a question"
    kind, who = item.question.kind, item.person_id
    fresh = tuple(one for one in found if (kind, who, one.provider) not in situation.lately)
    if not fresh:
        names = ", ".join(one.provider for one in found)
        return item, f"{names} answered lately"
    return replace(item, offers=fresh), None


def _within(item: Item, offers: Offers, left: Decimal, budget: Decimal) -> tuple[Item, str | None]:
    """The item as far as the budget allows: who is looked for may be fewer people."""
    asked = {one.provider for one in item.offers}
    most_wanted = item.question.most
    for most in range(most_wanted, min(1, most_wanted) - 1, -1):
        question = replace(item.question, most=most)
        found = [one for one in offers(question) if one.provider in asked]
        cheap = tuple(one for one in found if one.price <= left)
        if cheap:
            return replace(item, question=question, offers=cheap), None
    return item, f"over the budget of {budget:.2f} US dollars a company"
