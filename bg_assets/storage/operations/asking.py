"""One call of a provider, whatever it does: what it gave, or a failure that may be told.

A provider may be anybody's code. Nothing that it raises goes further than its class.
"""

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal

from bg_assets.domain.enrichment import kept
from bg_assets.domain.enrichment.asking import (
    Answer,
    Failure,
    NotChecked,
    PermanentFailure,
    Provider,
    Question,
    TemporaryFailure,
)
from bg_assets.domain.enrichment.key import key_of
from bg_assets.storage.operations.calls import Asked

_LONGEST_MESSAGE = 500
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
# Shorter texts than this are in any sentence.
_SHORTEST_SECRET = 3


@dataclass(frozen=True, slots=True)
class Got:
    """An answer, as JSON text too."""

    answer: Answer
    output: str


@dataclass(frozen=True, slots=True)
class Missed:
    """No answer. ``uncertain`` is what it may have cost without anybody knowing, US dollars."""

    failure: Failure
    uncertain: Decimal = Decimal(0)


def asked(provider: Provider, question: Question) -> Asked:
    """The question as the tables know it. Raises NotChecked where the provider answers no such one,
    PermanentFailure where it can't even say so."""
    name = getattr(provider, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PermanentFailure("a provider's name is a short word of letters and digits")
    try:
        price, key = provider.price(question), key_of(provider, question)
    except Exception as err:
        failed = type(err).__name__
        raise PermanentFailure(f"{name}: its price or version failed with {failed}") from None
    if price is None:
        raise NotChecked(f"{name}: it answers no questions about a {question.kind.value}")
    if not _is_amount(price):
        raise PermanentFailure(f"{name}: its price is no amount of US dollars (a Decimal from 0)")
    person = question.person
    return Asked(
        key,
        name,
        question.kind.value,
        question.company.id,
        None if person is None else person.id,
        price,
    )


def ask(provider: Provider, question: Question, price: Decimal, seconds: float) -> Got | Missed:
    """Make the call."""
    try:
        answer = provider.ask(question, seconds)
        output = json.dumps(kept.to_json(answer))
    except Failure as err:
        return Missed(_told(provider.name, question, err))
    except kept.OddAnswer as err:
        failure = PermanentFailure(f"{provider.name}: its answer can't be taken: {err}")
        return Missed(failure, uncertain=price)
    except Exception as err:
        failure = PermanentFailure(f"{provider.name}: it failed with {type(err).__name__}")
        return Missed(failure, uncertain=price)
    if not _is_amount(answer.cost):
        failure = PermanentFailure(f"{provider.name}: its answer's cost is no amount of US dollars")
        return Missed(failure, uncertain=price)
    return Got(answer, output)


def _told(provider: str, question: Question, err: Failure) -> Failure:
    """The failure with a message that may be told, and figures that can be reckoned with."""
    message = f"{provider}: {_without_names(str(err), question)}"
    if isinstance(err, TemporaryFailure):
        return TemporaryFailure(message, _seconds(err.retry_after), _amount(err.billed))
    if isinstance(err, PermanentFailure):
        return PermanentFailure(message, bool(err.whole_provider), _amount(err.billed))
    if isinstance(err, NotChecked):
        return NotChecked(message)
    return PermanentFailure(message)


def _without_names(message: str, question: Question) -> str:
    """The message in one line, without what the question tells of a person or a company."""
    person, company = question.person, question.company
    told = [company.name, company.domain, company.website]
    if person is not None:
        told += [person.name, person.email, person.location]
    for text in sorted((text for text in told if text), key=len, reverse=True):
        if len(text) >= _SHORTEST_SECRET:
            message = re.sub(re.escape(text), "(hidden)", message, flags=re.IGNORECASE)
    return " ".join(message.replace("\0", " ").split())[:_LONGEST_MESSAGE] or "it said nothing"


def _is_amount(value: object) -> bool:
    return isinstance(value, Decimal) and value.is_finite() and value >= 0


def _amount(value: object) -> Decimal:
    return value if isinstance(value, Decimal) and _is_amount(value) else Decimal(0)


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return max(0.0, float(value))
