"""What a title is likely about where the lexicon has no word for it: learned from many others.

A linear model over the character n-grams of a title's words, learned by `python -m bench tail` from
the labels of ESCO in twelve languages (see NOTICE). It knows the functions of occupations and
whether they lead others; it never sees a company, a department or a person.
"""

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
    """What titles like this one are, by what the model makes of them.

    chances: of each of the functions, that such a title may be of it, 0 to 1; several may hold, so
    that they can add up to more than 1. best, chance: the best of them, whatever none is. none:
    that it is of none. leads: that such people lead others. foreign: that the words are not
    English. How often what is likely is right was measured (beside.py): a chance of the model is
    none.
    """

    functions: tuple[str, ...]
    chances: tuple[float, ...]
    best: str
    chance: float
    none: float
    leads: float
    foreign: float

    @property
    def function(self) -> str | None:
        """The best function, None where such titles more likely have none."""
        return self.best if self.chance >= self.none else None

    def of(self, function: str) -> float:
        """The chance of this function, 0 for one that no occupation learned has."""
        return self.chances[self.functions.index(function)] if function in self.functions else 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """weights: int8 of shape (ROWS, classes + 2), the last columns for who leads others and for
    words that are not English.

    scales, intercepts: float32, one a column. classes: the functions of each, possibly none, which
    is that at the place ``none``. functions: those of all classes; of: by class the weight of each
    of these. examples: titles of each class, to say what a title is like.
    """

    weights: Any
    scales: Any
    intercepts: Any
    classes: tuple[tuple[str, ...], ...]
    none: int
    functions: tuple[str, ...]
    of: Any
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
    # Sums of whole numbers are the same in any order.
    rows = list(set().union(*map(_rows_of_word, words)))
    return said(shipped(), rows) if rows else None


def said(model: Model, rows: Sequence[int]) -> Likely:
    """What a model says of a title that stands for these rows, at least one."""
    # It takes a tenth of a second, and many commands read no title.
    import numpy as np

    sums = np.add.reduce(model.weights.take(rows, axis=0), axis=0, dtype="int32")
    scores = sums * (model.scales / math.sqrt(len(rows))) + model.intercepts
    leads, foreign = scores[-2:].tolist()
    of_classes = scores[:-2]
    shares = np.exp(of_classes - np.maximum.reduce(of_classes))
    shares /= np.add.reduce(shares)
    chances = (shares @ model.of).tolist()
    chance, none = max(chances), float(shares[model.none])
    best = model.functions[chances.index(chance)]
    of_words = _chance(leads), _chance(foreign)
    return Likely(model.functions, tuple(chances), best, chance, none, *of_words)


def _chance(score: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def like(words: Sequence[str], function: str) -> str:
    """The title of those learned, of this function, that has most in common with the words."""
    wanted = _example_grams(words)
    index, sizes, titles = _examples(function)
    common = Counter(at for gram in wanted for at in index.get(gram, ()))
    if not common:
        return ""
    # Of several as near the shortest, then the first of the alphabet.
    best = min(common, key=lambda at: (-common[at] / (len(wanted) + sizes[at] - common[at]), at))
    return titles[best]


@lru_cache(maxsize=1)
def shipped() -> Model:
    """The model that is shipped."""
    import numpy as np

    with np.load(SHIPPED, allow_pickle=False) as stored:
        examples: dict[int, list[str]] = {}
        for line in _lines(stored["examples"]):
            at, _, title = line.partition(" ")
            examples.setdefault(int(at), []).append(title)
        classes = [tuple(line.split()) for line in _lines(stored["classes"])]
        return model_of(
            stored["weights"], stored["scales"], stored["intercepts"], classes, examples
        )


def model_of(
    weights: Any,
    scales: Any,
    intercepts: Any,
    classes: Sequence[tuple[str, ...]],
    examples: Mapping[int, Sequence[str]],
) -> Model:
    """A model of these weights, one column a class; what a class is for first counts a bit more."""
    import numpy as np

    functions = tuple(sorted({function for one in classes for function in one}))
    of = np.array(
        [[1 - one.index(f) / 100 if f in one else 0.0 for f in functions] for one in classes],
        dtype=np.float32,
    )
    told = tuple(tuple(examples.get(at, ())) for at in range(len(classes)))
    # A title's rows are read one after the other: each is to lie together.
    together = np.ascontiguousarray(weights)
    none = classes.index(())
    return Model(together, scales, intercepts, tuple(classes), none, functions, of, told)


@lru_cache(maxsize=1)
def digest() -> str:
    """Tells one model from another, in a few letters."""
    # Without what it takes to read it: commands ask for no more.
    with SHIPPED.open("rb") as stored:
        return f"{zlib.crc32(stored.read()):08x}"


def _lines(stored: Any) -> list[str]:
    return bytes(stored.tobytes()).decode().split("\n")


@lru_cache(maxsize=64)
def _examples(function: str) -> tuple[dict[str, list[int]], list[int], tuple[str, ...]]:
    """By n-gram the examples that have it, how many n-grams each has, and their titles."""
    model = shipped()
    of = [(one, titles) for one, titles in zip(model.classes, model.examples, strict=True)]
    titles = tuple(title for one, some in of if function in one for title in some)
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
