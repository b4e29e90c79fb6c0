"""Posts of a made-up company: who reports to whom, with which function, level and title.

Draws only on ``Dice``, so that a seed gives the same posts on every machine and Python.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import fsum
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import yaml

T = TypeVar("T")

_LEAF_LEVELS = (("staff", 64.0), ("senior", 26.0), ("assistant", 6.0), ("intern", 4.0))
_CHIEF_FUNCTIONS = frozenset(
    ("finance", "sales", "engineering", "it", "marketing", "operations", "hr", "legal", "product")
)
# Management levels from the top of a function down, by employees up to.
_LADDERS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (50, ("head", "manager")),
    (250, ("director", "manager")),
    (1500, ("vp", "director", "manager")),
    (10**9, ("c_level", "vp", "director", "manager")),
)


@dataclass(frozen=True, slots=True)
class Post:
    """One place in a company; ``manager`` is the index of a post before it, None at the top."""

    manager: int | None
    function: str
    level: str


class Dice:
    """Seeded choices.

    Uses ``random()`` only: Python promises its sequence across versions, not that of others.
    """

    def __init__(self, seed: str) -> None:
        self.roll = Random(seed).random

    def chance(self, share: float) -> bool:
        return self.roll() < share

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return least + int(self.roll() * (most - least + 1))

    def low(self, least: int, most: int) -> int:
        """A whole number, both ends included, small ones more often."""
        roll = self.roll()
        return least + int(roll * roll * (most - least + 1))

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.roll() * len(choices))]

    def early(self, choices: Sequence[T]) -> T:
        """One of the choices, the first ones far more often."""
        roll = self.roll()
        return choices[int(roll * roll * roll * len(choices))]

    def weighed(self, choices: Sequence[tuple[T, float]]) -> T:
        """One of the choices by their shares, which need not sum up to anything."""
        # Not sum(), which adds floats in another way from Python 3.12 on.
        left = self.roll() * fsum(share for _, share in choices)
        for choice, share in choices:
            left -= share
            if left < 0:
                return choice
        return choices[-1][0]


@cache
def words() -> Mapping[str, Any]:
    """Names, titles and frequencies that the sample is made of."""
    text = Path(__file__).with_name("sample.yaml").read_text(encoding="utf-8")
    content: Mapping[str, Any] = yaml.safe_load(text)
    return content


def posts(count: int, employees: int, industry: str, dice: Dice) -> list[Post]:
    """The posts of ``count`` people of a company: a tree whose first post is its root."""
    favours = next(i for i in words()["industries"] if i["name"] == industry)["favours"]
    functions = words()["functions"]
    shares = [(name, f["share"] * favours.get(name, 1)) for name, f in functions.items()]
    sizes: dict[str, int] = {}
    for _ in range(count - 1):
        name = dice.weighed(shares)
        sizes[name] = sizes.get(name, 0) + 1
    made = [Post(None, "executive", "owner" if employees <= 100 else "c_level")]
    heads: dict[str, int] = {}
    # Functions that others report to come first: a manager's index is below that of his people.
    for name in sorted(sizes, key=lambda name: ("under" in functions[name], name)):
        top = heads.get(functions[name].get("under", ""), 0) if employees > 100 else 0
        heads[name] = len(made)
        if name == "executive":
            made += [Post(0, name, dice.pick(("staff", "assistant"))) for _ in range(sizes[name])]
        else:
            made += _function(name, sizes[name], employees, top, len(made), dice)
    return made


def title(function: str, level: str, language: str, british: bool, dice: Dice) -> str:
    """A title as people with that function and level write it, sometimes with noise around."""
    other = words()["other_languages"].get(language)
    if other and level in other and dice.chance(0.7):
        name = other["functions"].get(function)
        if name or level == "owner":
            return _noisy(dice.early(other[level]).format(f=name), dice)
    about = words()["functions"][function]
    chief = dice.early(about["chiefs"])
    if british and level == "c_level" and dice.chance(0.5):
        return _noisy(words()["british_chiefs"].get(function, chief), dice)
    name = dice.early(about["names"])
    role = dice.early(about["roles"])
    specialties = about.get("specialties", ())
    if specialties and level not in {"owner", "c_level"} and dice.chance(0.03):
        name = f"{dice.early(specialties)} {name}"
    plain = dice.early(words()["english"][level]).format(f=name, r=role, c=chief)
    if level in {"vp", "head", "director", "manager", "senior"} and dice.chance(0.03):
        plain += dice.pick((", {}", " - {}", " {}", " ({})")).format(dice.early(words()["regions"]))
    return _noisy(plain, dice)


def department(function: str, language: str) -> str:
    """The name of a function in the department column of a company that writes that language."""
    other = words()["other_languages"].get(language, {}).get("functions", {})
    name: str = words()["functions"][function]["names"][0]
    return name if language in {"fr", "it"} else other.get(function, name)


def _function(
    name: str, count: int, employees: int, top: int, first: int, dice: Dice
) -> list[Post]:
    """The posts of one function, its head first: a tree in which everyone has equal span."""
    ladder = next(ladder for most, ladder in _LADDERS if employees <= most)
    if 50 < employees <= 1500 and name in _CHIEF_FUNCTIONS and dice.chance(0.45):
        ladder = ("c_level", *ladder)
    if employees > 1500 and name not in _CHIEF_FUNCTIONS:
        ladder = ladder[1:]
    span = dice.between(4, 8)
    made = []
    depth, last_of_depth, width = 0, 0, 1
    for place in range(count):
        if place > last_of_depth:
            depth, width = depth + 1, width * span
            last_of_depth += width
        child = place * span + 1
        alone = place == 0 and child >= count and employees <= 50 and dice.chance(0.6)
        if alone or (place and child >= count):
            level = dice.weighed(_LEAF_LEVELS)
        elif (child * span + 1 >= count) and dice.chance(0.7 if place or count < 4 else 0):
            level = "manager"
        else:
            level = ladder[min(depth, len(ladder) - 1)]
        made.append(Post(first + (place - 1) // span if place else top, name, level))
    return made


def _noisy(plain: str, dice: Dice) -> str:
    roll = dice.roll()
    if roll > 0.02:
        return plain
    if roll < 0.005:
        return plain.upper()
    if roll < 0.01:
        return plain.lower()
    noise: str = dice.early(words()["noise"])
    return noise.format(t=plain)
