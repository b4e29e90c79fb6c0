"""A provider for tests: it answers what it was told to, and counts how often it was asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from bg_assets.domain.enrichment.asking import Answer, FoundPerson, Kind, Question

TEMPLATE = """\
template: 1
name: asking
version: 1
does: A thing that asks.
deal_size: 60000
enrichment: {level}
functions: {{finance: 1, it: 0.5}}
roles:
  decision_maker:
    required: 1
    any:
      - {{functions: [finance], levels: [c_level, vp]}}
  champion:
    required: 1
    any:
      - {{functions: [it], levels: [c_level, head, director]}}
"""


@dataclass
class Played:
    """An outside vendor, played. ``says`` gives the answer, or raises what the vendor would."""

    name: str = "played"
    cost: Decimal = Decimal(0)
    kinds: frozenset[Kind] = frozenset({Kind.PERSON})
    says: Callable[[Question], Answer] = lambda _: Answer()
    asked: list[Question] = field(default_factory=list)

    def price(self, question: Question) -> Decimal | None:
        """What it costs; None for kinds that it does not answer."""
        return self.cost if question.kind in self.kinds else None

    def ask(self, question: Question, seconds: float) -> Answer:
        """Answer, and remember the question."""
        self.asked.append(question)
        return self.says(question)


PLAYED, SECOND = Played(), Played("second")


def made() -> Played:
    """What BG_PROVIDERS=bg_assets_tests.enrichment:made gives: the one that the test prepared."""
    return PLAYED


def second() -> Played:
    """Another one."""
    return SECOND


def reset() -> Played:
    """The played vendors as they are at first; returns the first."""
    for one, name in ((PLAYED, "played"), (SECOND, "second")):
        vars(one).update(vars(Played(name)))
    return PLAYED


def same(question: Question, **values: object) -> Answer:
    """The person who was asked for, at the company, seen just now."""
    assert question.person is not None
    told: dict[str, object] = {
        "name": question.person.name, "company_name": question.company.name,
        "employed_there": True, "observed_at": datetime.now(UTC), **values,
    }  # fmt: skip
    return Answer(people=(FoundPerson(**told),))  # type: ignore[arg-type]
