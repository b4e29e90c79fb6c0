"""What a title is likely about where the lexicon has no word for it: learned from many others.

A linear model over the character n-grams of a title's words, learned by `python -m bench tail` from
the labels of ESCO in twelve languages (see NOTICE). It knows the functions of occupations and
whether they lead others; it never sees a company, a department or a person.
"""

import math
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bg_assets.domain.values.folding import fold

SHIPPED = Path(__file__).with_name("tail.npz")
# Features are hashed into so many rows of weights.
ROWS = 1 << 15
_SIZES = (3, 4, 5)
_EXAMPLE_GRAM = 4
_WORDS = 1 << 15
_STATE = {"on": True}


@dataclass(frozen=True, slots=True)
class Likely:
    """What titles like this one are.

    functions: best first; none where they have none of ours. share: how often such an answer is
    right, 0 to 1, as measured on occupations that were not learned. leads: likewise, whether
    they lead others.
    """

    functions: tuple[str, ...]
    share: float
    leads: float


@dataclass(frozen=True, slots=True)
class Model:
    """weights: int8 of shape (ROWS, classes + 1), the last column for who leads others.

    scales, intercepts: float32, one a column. classes: the functions of each, possibly none.
    bounds, shares: from a probability on, how often an answer was right. examples: titles of
    each class, to say what a title is like.
    """

    weights: Any
    scales: Any
    intercepts: Any
    classes: tuple[tuple[str, ...], ...]
    bounds: tuple[float, ...]
    shares: tuple[float, ...]
    examples: tuple[tuple[str, ...], ...]


def use(on: bool) -> None:
    """Whether it is heard at all, for the whole process; see verdict.hear_tail."""
    _STATE["on"] = on


def in_use() -> bool:
    """Whether it is heard."""
    return _STATE["on"]


def rows_of(words: Iterable[str]) -> list[int]:
    """The rows of weights that a title's folded words stand for, each once.

    Neither the order of the words nor how often one stands there changes them.
    """
    return sorted(set().union(*map(_rows_of_word, words)))


@lru_cache(maxsize=_WORDS)
def _rows_of_word(word: str) -> frozenset[int]:
    # Titles share their words: hashing them is what takes longest.
    padded = f"<{word}>"
    grams = {"=" + word}
    for size in _SIZES:
        grams.update(padded[at : at + size] for at in range(len(padded) - size + 1))
    return frozenset(zlib.crc32(gram.encode()) & (ROWS - 1) for gram in grams)


def likely(words: Sequence[str]) -> Likely | None:
    """What a title of these folded words is likely to be; None where it has no word."""
    rows = rows_of(words)
    if not rows:
        return None
    model = shipped()
    sums = model.weights[rows].sum(axis=0, dtype="int32")
    scores = (sums * (model.scales / math.sqrt(len(rows))) + model.intercepts).tolist()
    leads = 1 / (1 + math.exp(-max(-30.0, min(30.0, scores.pop()))))
    best = max(scores)
    top = scores.index(best)
    chance = 1 / sum([math.exp(score - best) for score in scores])
    at = bisect_right(model.bounds, chance) - 1
    return Likely(model.classes[top], model.shares[at], leads)


def like(words: Sequence[str], functions: tuple[str, ...]) -> str:
    """The title of those learned, of these functions, that has most in common with the words."""
    wanted = _example_grams(words)
    index, sizes, titles = _examples(functions)
    common = Counter(at for gram in wanted for at in index.get(gram, ()))
    if not common:
        return ""
    # Of several as near the shortest, then the first of the alphabet.
    best = min(common, key=lambda at: (-common[at] / (len(wanted) + sizes[at] - common[at]), at))
    return titles[best]


@lru_cache(maxsize=1)
def shipped() -> Model:
    """The model that is shipped."""
    # It takes a tenth of a second, and many commands read no title.
    import numpy as np

    with np.load(SHIPPED, allow_pickle=False) as stored:
        classes = [tuple(line.split()) for line in _lines(stored["classes"])]
        examples: dict[int, list[str]] = {}
        for line in _lines(stored["examples"]):
            at, _, title = line.partition(" ")
            examples.setdefault(int(at), []).append(title)
        return Model(
            weights=stored["weights"],
            scales=stored["scales"],
            intercepts=stored["intercepts"],
            classes=tuple(classes),
            bounds=tuple(stored["bounds"].tolist()),
            shares=tuple(stored["shares"].tolist()),
            examples=tuple(tuple(examples.get(at, ())) for at in range(len(classes))),
        )


@lru_cache(maxsize=1)
def digest() -> str:
    """Tells one model from another, in a few letters."""
    # Without what it takes to read it: commands ask for no more.
    with SHIPPED.open("rb") as stored:
        return f"{zlib.crc32(stored.read()):08x}"


def _lines(stored: Any) -> list[str]:
    return bytes(stored.tobytes()).decode().split("\n")


@lru_cache(maxsize=64)
def _examples(
    functions: tuple[str, ...],
) -> tuple[dict[str, list[int]], list[int], tuple[str, ...]]:
    """By n-gram the examples that have it, how many n-grams each has, and their titles."""
    model = shipped()
    titles = model.examples[model.classes.index(functions)]
    index: dict[str, list[int]] = {}
    sizes = []
    for at, title in enumerate(titles):
        grams = _example_grams(fold(title).split())
        sizes.append(len(grams))
        for gram in grams:
            index.setdefault(gram, []).append(at)
    return index, sizes, titles


def _example_grams(words: Iterable[str]) -> set[str]:
    padded = [f"<{word}>" for word in words]
    return {
        word[at : at + _EXAMPLE_GRAM]
        for word in padded
        for at in range(max(1, len(word) - _EXAMPLE_GRAM + 1))
    }
