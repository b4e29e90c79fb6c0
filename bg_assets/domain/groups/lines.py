"""Where everybody stands by the reporting lines of a company: who is above, and how many below."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol


class Row(Protocol):
    """What is read of a person."""

    @property
    def person_id(self) -> str: ...
    @property
    def manager_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody's place. reports: how many report to them directly.

    steps: how many managers stand above, 0 at the top; None where the lines don't tell: nobody is
    named as the manager and nobody reports, a manager is not on the staff, or the lines go round.
    """

    reports: int
    steps: int | None


UNKNOWN = Line(0, None)


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a company. known: whether any are. managers: of those whose manager is there.

    head: the only one who stands at the top, None where that are several or nobody.
    """

    known: bool
    managers: Mapping[str, str]
    places: Mapping[str, Line]
    head: str | None = None

    def of(self, person_id: str) -> Line:
        """Where somebody stands."""
        return self.places.get(person_id, UNKNOWN)


def read(people: Iterable[Row]) -> Lines:
    """The lines of these people, each of whom comes once."""
    named = {row.person_id: row.manager_id or None for row in people}
    managers = {
        one: manager
        for one, manager in named.items()
        if manager is not None and manager != one and manager in named
    }
    if not managers:
        return Lines(False, {}, {})
    reports = Counter(managers.values())
    steps: dict[str, int | None] = {
        one: 0 if reports[one] and manager in (None, one) else None
        for one, manager in named.items()
        if one not in managers
    }
    for one in managers:
        _climb(one, managers, steps)
    tops = [one for one in named if steps[one] == 0]
    places = {one: Line(reports[one], steps[one]) for one in named}
    return Lines(True, managers, places, tops[0] if len(tops) == 1 else None)


def _climb(one: str, managers: Mapping[str, str], steps: dict[str, int | None]) -> None:
    """Add the steps of somebody, and of everybody on the way up who has none yet."""
    way: dict[str, None] = {}
    while one not in steps:
        if one in way:
            steps[one] = None  # the lines go round
            break
        way[one] = None
        one = managers[one]
    at = steps[one]
    for below in reversed(way):
        if below not in steps:
            at = None if at is None else at + 1
            steps[below] = at
