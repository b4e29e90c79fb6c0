"""What a KPI is to be: below a figure, above one, or between two; and targets of one's own."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MET, MISSED, UNKNOWN, UNTARGETED = "met", "missed", "unknown", "untargeted"
NONE = "none"
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,6})?"
_FIGURE = re.compile(_NUMBER)
_BAND = re.compile(rf"({_NUMBER})\.\.({_NUMBER})")


class BadTarget(Exception):
    """A target that can't be meant; the message says what it takes."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a value is to be, in the unit of its KPI.

    One bound is missed by the value that equals it; of two, both are within.
    """

    least: float | None = None
    most: float | None = None

    def is_met(self, value: float) -> bool:
        """Whether the value is what it is to be."""
        if self.least is not None and self.most is not None:
            return self.least <= value <= self.most
        if self.most is not None:
            return value < self.most
        return self.least is None or value > self.least

    @property
    def in_words(self) -> str:
        """As people read it: ``< 100``, ``> 95``, ``8 to 12``."""
        if self.least is not None and self.most is not None:
            return f"{self.least:g} to {self.most:g}"
        return f"< {self.most:g}" if self.most is not None else f"> {self.least:g}"


def below(most: float) -> Target:
    """A value is to be less."""
    return Target(most=most)


def above(least: float) -> Target:
    """A value is to be more."""
    return Target(least=least)


def state(value: float | None, target: Target | None) -> str:
    """What a value amounts to: MET, MISSED, UNKNOWN (nothing was measured) or UNTARGETED."""
    if value is None:
        return UNKNOWN
    if target is None:
        return UNTARGETED
    return MET if target.is_met(value) else MISSED


def chosen(
    defaults: Mapping[str, Target | None], is_upper: Mapping[str, bool], texts: Iterable[str]
) -> dict[str, Target | None]:
    """The targets by the name of the KPI: the defaults, but for those told by the texts.

    A text is ``name=figure``, ``name=least..most`` or ``name=none``; ``is_upper`` says of which a
    single figure is the most. Raises BadTarget.
    """
    found = dict(defaults)
    told: set[str] = set()
    for text in texts:
        name, _, figure = (part.strip() for part in text.partition("="))
        if name not in found:
            raise BadTarget(f"there is no KPI {name!r}; there are {', '.join(found)}")
        if name in told:
            raise BadTarget(f"{name} is there twice")
        told.add(name)
        found[name] = _target(name, figure, is_upper=is_upper[name])
    return found


def _target(name: str, text: str, *, is_upper: bool) -> Target | None:
    if text == NONE:
        return None
    if band := _BAND.fullmatch(text):
        least, most = map(float, band.groups())
        if least > most:
            raise BadTarget(f"{name} takes the lower figure first, not {text!r}")
        return Target(least, most)
    if not _FIGURE.fullmatch(text):
        raise BadTarget(f"{name} takes a figure like 100, two like 8..12, or {NONE}, not {text!r}")
    return below(float(text)) if is_upper else above(float(text))
