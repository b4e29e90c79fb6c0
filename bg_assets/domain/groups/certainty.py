"""How sure it is that a member is right for the role: the title's odds, and what else bears on it.

What somebody's title says is domain/titles; who gets a place is selection.py.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from bg_assets.domain.groups.fit import Fit
from bg_assets.domain.groups.lines import Lines
from bg_assets.domain.groups.selection import LEAST_CONFIDENCE, LEAST_FIT, Choice, usable
from bg_assets.domain.groups.ties import plain, subject
from bg_assets.domain.titles import authority
from bg_assets.domain.titles.lexicon import shipped
from bg_assets.domain.titles.verdict import TitleVerdict
from bg_assets.domain.vocabulary import in_words

# What each piece of evidence adds to the logarithm of the title's odds. Measured by `python -m
# bench confidence --fit` on half of the British public bodies of 2011 (split by SHA-256 of the
# body): a member is right whose profession, as the body records it, is that of the role's
# function, or who heads the body and decides. The other half judges it (docs/numbers.md).
BASE = 0.9
RIVALS = -0.44  # times log(1 + others who could have the place by the same function)
FORKED = -1.4  # the function is one of several that the title or department could mean
TOPICS = -1.1  # times log(1 + words of the title about something else)
UNIT = 1.0  # times the share of the department's people in this line of work, less a half
NAMED = 0.7  # title or department call the function so, in a public body, where others lose
STEPS = -0.23  # times the steps below the top of the company, less two
MOST_STEPS = 4
_USUAL_STEPS = 2
# So many unknown colleagues, half of them of the same line of work, stand beside those that are
# known: a department of two tells little.
_UNKNOWN_COLLEAGUES = 2
LEAST_TITLE, MOST_TITLE = 0.02, 0.99  # no title is surer, whatever was measured
# Functions in which people of one profession work.
_FAMILIES = {"it": "technical", "security": "technical", "engineering": "technical",
             "data": "technical"}  # fmt: skip
_TOLD = -0.4  # what lowers the odds by a third is said


class Row(Protocol):
    """What is read of a person."""

    @property
    def person_id(self) -> str: ...
    @property
    def department(self) -> str | None: ...
    @property
    def verdict(self) -> TitleVerdict: ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What bears on whether a member is right for the role.

    title: the share of verdicts like that on the title which are right, 0 to 1. function: the one
    that the role rests on, None where a phrase of the title gives it. rivals: how many others of
    the company could have it by that function. forked: whether the function could be another.
    topics: how many words of the title are about something else. unit: the share, 0 to 1, of those
    of the department whose line of work is known that have this one, drawn to a half where they
    are few; steps: how many managers stand above. Both None where nothing tells.
    """

    title: float
    function: str | None
    rivals: int = 0
    forked: bool = False
    topics: int = 0
    unit: float | None = None
    steps: int | None = None
    named: bool = False


def certainty(evidence: Evidence) -> float:
    """0 to 1: the share of members with evidence like this who are right for the role.

    The odds of the title are multiplied by a factor for each other piece of evidence; what is
    unknown changes nothing. It rises with the title's share and the department's, and falls with
    rivals, other topics, an open function and the steps below the top. Where the role rests on a
    phrase of the title alone, the title's share is all there is.
    """
    if evidence.function is None:
        return evidence.title
    title = min(MOST_TITLE, max(LEAST_TITLE, evidence.title))
    odds = math.log(title / (1 - title)) + BASE + sum(parts(evidence).values())
    return 1 / (1 + math.exp(-odds))


def parts(evidence: Evidence) -> dict[str, float]:
    """What each piece of evidence adds to the logarithm of the odds, by its name."""
    unit, steps = evidence.unit, evidence.steps
    return {
        "rivals": RIVALS * math.log1p(evidence.rivals),
        "forked": FORKED * evidence.forked,
        "topics": TOPICS * math.log1p(evidence.topics),
        "unit": 0.0 if unit is None else UNIT * (unit - 0.5),
        "named": NAMED * evidence.named,
        "steps": 0.0 if steps is None else STEPS * (min(steps, MOST_STEPS) - _USUAL_STEPS),
    }


def doubts(evidence: Evidence) -> str | None:
    """What makes a membership less sure, the weightiest first, in a sentence; None if nothing."""
    if evidence.function is None:
        return None
    rivals, topics = evidence.rivals, evidence.topics
    said = {
        "rivals": f"{rivals} {'other' if rivals == 1 else 'others'} could have this place",
        "forked": "the function could be another",
        "topics": f"{topics} {'word' if topics == 1 else 'words'} of the title "
        f"{'is' if topics == 1 else 'are'} about something else",
        "unit": f"few of the department are in {in_words(evidence.function)}",
        "steps": f"{evidence.steps} managers stand above",
    }
    lower = sorted((value, name) for name, value in parts(evidence).items() if value <= _TOLD)
    return "less sure, since " + "; ".join(said[name] for _, name in lower) if lower else None


class Surroundings:
    """What a company's other people tell about a member. People: each once; placed: their lines."""

    def __init__(self, people: Iterable[Row], choices: Mapping[str, Choice], placed: Lines) -> None:
        self._row = {row.person_id: row for row in people}
        self._placed = placed
        self._colleagues: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (department, function), number in Counter(
            (row.department, row.verdict.function) for row in self._row.values()
        ).items():
            if function is not None:
                self._colleagues[plain(department)][_family(function)] += number
        # As ``usable`` has it, of all people and all their roles.
        sure = (one for one in choices.values() if one.confidence >= LEAST_CONFIDENCE)
        able = (fit for one in sure for fit in one.fits if fit.score >= LEAST_FIT)
        self._able: Counter[tuple[str, str | None]] = Counter(
            (fit.role, fit.function) for fit in able
        )

    def evidence(self, choice: Choice, fit: Fit | None, title: str | None) -> Evidence:
        """What bears on one member's role."""
        if fit is None or fit.function is None:
            return Evidence(choice.confidence, None)
        verdict = self._row[choice.person_id].verdict
        able = self._able[fit.role, fit.function]
        itself = usable(choice, fit.role, LEAST_FIT) is not None
        return Evidence(
            choice.confidence,
            fit.function,
            able - itself,
            bool(verdict.function_alternatives) or fit.function != verdict.function,
            topics(title, fit.function),
            self._unit(choice.person_id, fit.function),
            self._placed.of(choice.person_id).steps,
            fit.named,
        )

    def _unit(self, person_id: str, function: str) -> float | None:
        row = self._row[person_id]
        department = plain(row.department)
        if not department:
            return None
        found = self._colleagues.get(department, Counter())
        own = row.verdict.function
        alike = found[_family(function)] - (own is not None and _family(own) == _family(function))
        known = found.total() - (own is not None)
        return (alike + _UNKNOWN_COLLEAGUES / 2) / (known + _UNKNOWN_COLLEAGUES)


@lru_cache(maxsize=1 << 16)
def topics(title: str | None, function: str) -> int:
    """How many words of a title are about something other than this function or a rank."""
    lexicon = shipped()
    left: set[str] = set()
    for words in authority.spoken(title or ""):
        said: set[int] = set()
        for at, phrase in lexicon.meanings.find(words):
            if function in phrase.functions or phrase.levels:
                said.update(range(at, at + len(phrase.words)))
        for at, phrase in lexicon.standings.find(words):
            said.update(range(at, at + len(phrase.words)))
        left.update(word for at, word in enumerate(words) if at not in said)
    return len(subject(" ".join(sorted(left))))


def _family(function: str) -> str:
    return _FAMILIES.get(function, function)
