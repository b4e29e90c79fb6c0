"""Carrying out the plan of a company: ask, judge whom the provider means, write, and say so.

An answer that was paid and not written yet comes from the cache the next time, at no cost.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

import psycopg2
import psycopg2.errorcodes
import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import (
    Answer,
    Failure,
    Kind,
    PermanentFailure,
    Provider,
    Providers,
    Question,
    TemporaryFailure,
)
from bg_assets.domain.enrichment.likeness import (
    Verdict,
    company_likeness,
    person_likeness,
)
from bg_assets.domain.enrichment.plan import Item, Offer, Plan
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.storage import claims, database, errors
from bg_assets.storage.capture import attached
from bg_assets.storage.enrichment import due, writing
from bg_assets.storage.enrichment.writing import Settled, Written

# Gives the answer to a question from the cache or from the provider. Raises Failure.
Ask = Callable[[Provider, Question], Answer]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one question to one provider.

    outcome: found, not_found, another, refused or not_checked. because: the reason of the last
    three, without values. cost: US dollars, 0 for an answer that was kept.
    """

    item: Item
    provider: str
    outcome: str
    because: str = ""
    cost: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Enriched:
    """What became of a plan: what was asked, and what was written.

    written: None where nothing could be; not_done: why it is tried again, None where all is done.
    """

    plan: Plan
    asked: tuple[Asked, ...]
    written: Written | None
    not_done: str | None = None

    @property
    def unanswered(self) -> str:
        """Why no provider answered anything that it was asked; "" where one did, or none was."""
        if not self.asked or any(one.outcome != "refused" for one in self.asked):
            return ""
        return self.asked[-1].because

    @property
    def cost(self) -> Decimal:
        """What was paid for it, in US dollars."""
        return sum((one.cost for one in self.asked), Decimal(0))


@dataclass(slots=True)
class Asking:
    """Who is asked, and how; ``out`` collects who said that every question would fail, and why."""

    providers: Providers
    ask: Ask
    lasts: Callable[[Kind], float]
    out: dict[str, str] = field(default_factory=dict)


def carry_out(engine: sa.Engine, plan: Plan, asking: Asking, run_id: str | None = None) -> Enriched:
    """Ask what the plan says, write what came of it, and note that it is done, or not.

    No transaction is open while a provider is asked. ``run_id``: the run that holds the company's
    batch, None by hand. Raises DatabaseUnreachable.
    """
    with database.connect(engine) as conn:
        began = claims.database_now(conn)
    told: list[Asked] = []
    settled: list[Settled] = []
    unanswered: list[str] = []
    for item in plan.items:
        answers = list(_answers(item, asking, plan.budget - _cost(told)))
        told += [one for one, _ in answers]
        settled += [one for _, one in answers if one is not None]
        failed = [one for one, one_settled in answers if one_settled is None]
        if failed and answers[-1][0].outcome != "found":
            unanswered.append(failed[-1].because)
    written, not_done = None, unanswered[0] if unanswered else None
    if settled:
        company = plan.items[0].question.company
        try:
            written = database.in_transaction(
                engine, lambda conn: writing.write(conn, company, settled)
            )
            not_done = not_done if written is not None else "the company is no longer tracked"
        except DatabaseUnreachable:
            raise
        except sa.exc.DBAPIError as err:
            not_done = _refusal(engine, err)
    with database.connect(engine) as conn:
        if not_done is None:
            due.done(conn, plan.company_id, run_id, began)
        else:
            due.not_done(conn, plan.company_id, run_id, not_done)
    return Enriched(plan, tuple(told), written, not_done)


def _answers(item: Item, asking: Asking, left: Decimal) -> Iterator[tuple[Asked, Settled | None]]:
    """What each provider says, one after another until one has found what was asked for."""
    for offer in item.offers:
        if offer.price > left:
            continue
        asked, settled = _answer(item, offer, asking)
        left -= asked.cost
        yield asked, settled
        if asked.outcome == "found":
            return


def _answer(item: Item, offer: Offer, asking: Asking) -> tuple[Asked, Settled | None]:
    name, kind = offer.provider, item.question.kind
    if name in asking.out:
        return Asked(item, name, "not_checked", asking.out[name]), None
    lasts = asking.lasts(kind)
    try:
        answer = asking.ask(asking.providers[name], item.question)
    except PermanentFailure as err:
        if err.whole_provider:
            asking.out[name] = str(err)
        if err.whole_provider and not err.billed:
            return Asked(item, name, "not_checked", str(err)), None
        # What was paid for is not asked again at once, though nothing is known from it.
        refused = Settled(kind, name, "refused", lasts, item.person_id)
        return Asked(item, name, "refused", str(err), err.billed), refused
    except Failure as err:
        billed = err.billed if isinstance(err, TemporaryFailure) else Decimal(0)
        return Asked(item, name, "not_checked", str(err), billed), None
    outcome, because, found = _judged(item, name, answer, lasts)
    return Asked(item, name, outcome, because, answer.cost), found


def _judged(item: Item, provider: str, answer: Answer, lasts: float) -> tuple[str, str, Settled]:
    """Whether what was found is what was asked for; only that is to be written."""
    question = item.question
    blank = Settled(question.kind, provider, "not_found", lasts, item.person_id)
    if question.kind is Kind.COMPANY:
        if answer.company is None:
            return "not_found", "", blank
        likeness = company_likeness(question.company, answer.company)
        if likeness.verdict is not Verdict.SAME:
            return _another(blank, likeness.reasons)
        return "found", "", replace(blank, outcome="found", company=answer.company)
    if not answer.people:
        return "not_found", "", blank
    judged = [(person_likeness(question, one), one) for one in answer.people]
    same = tuple(one for likeness, one in judged if likeness.verdict is Verdict.SAME)
    if not same:
        return _another(blank, judged[0][0].reasons)
    if question.kind is Kind.DISCOVERY:
        return "found", "", replace(blank, outcome="found", others=same)
    person = replace(blank, outcome="found", person=same[0], doubted=item.doubted)
    return "found", "", person


def _another(blank: Settled, reasons: tuple[str, ...]) -> tuple[str, str, Settled]:
    return "another", "; ".join(reasons), replace(blank, outcome="another")


def _refusal(engine: sa.Engine, err: sa.exc.DBAPIError) -> str:
    """Why nothing was written, without values: the name of the error and of a constraint."""
    if getattr(err.orig, "pgcode", None) == psycopg2.errorcodes.LOCK_NOT_AVAILABLE:
        return "somebody else is writing the same people; what was answered is kept"
    with database.connect(engine) as conn:
        table = attached.table_of(conn, "people")
    return f"the database refused it: {errors.refusal(err, table)}"


def _cost(asked: list[Asked]) -> Decimal:
    return sum((one.cost for one in asked), Decimal(0))
