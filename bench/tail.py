"""What is learned of titles: `--learn` makes bg_assets/domain/titles/tail.npz anew, in a minute.

Learned from the labels of ESCO; a tenth of the occupations is held out and never learned, and what
is printed is of that tenth. Learning needs scikit-learn.
"""

import argparse
import csv
import gzip
import importlib.util
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import bench
from bench.title_labels import DATA
from bg_assets.domain.titles import tail
from bg_assets.domain.titles.verdict import classify
from bg_assets.domain.titles.weighing import read as read_title
from bg_assets.domain.vocabulary import LEVELS

_FILE = DATA / "esco_titles.csv.gz"
TEST, CHECK, PARTS = 0, 1, 10
# A label of no business function weighs less: of trades there are five times as many.
_WEIGHT_OF_NONE = 0.4
_ALPHA = 4e-7
_EXAMPLES = 14
_BOUNDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)
_LEADING = frozenset(LEVELS[: LEVELS.index("manager") + 1])


@dataclass(frozen=True, slots=True)
class Label:
    """A label of ESCO. functions: those that its occupation may have; leads: None if unknown."""

    language: str
    title: str
    isco: str
    functions: tuple[str, ...]
    leads: bool | None


def main(arguments: Sequence[str]) -> None:
    """Learn where asked to, then print what comes of the tenth held out."""
    parser = argparse.ArgumentParser(prog="python -m bench tail", description=__doc__)
    parser.add_argument("--learn", action="store_true", help="make tail.npz anew first")
    chosen = parser.parse_args(arguments)
    if chosen.learn:
        _require_scikit_learn()
    if not _FILE.exists():
        raise bench.Skipped(f"there is no {_FILE.name} in {DATA}")
    labels = list(read(_FILE))
    parts = parts_of(labels)
    if chosen.learn:
        learn(labels, parts)
        tail.shipped.cache_clear()
    report([one for one, part in zip(labels, parts, strict=True) if part == TEST])


def _require_scikit_learn() -> None:
    if importlib.util.find_spec("sklearn") is None:
        raise SystemExit("learning needs scikit-learn: pip install -e .[learn]")


def read(file: Path) -> Iterator[Label]:
    """The labels of a file with the columns language, title, isco, function, managerial."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            leads = {"1": True, "0": False}.get(row["managerial"])
            functions = tuple(row["function"].split())
            yield Label(row["language"], row["title"], row["isco"], functions, leads)


def parts_of(labels: Sequence[Label]) -> list[int]:
    """A number from 0 to 9 for each label, the same for all that name one occupation.

    Occupations have no id here: labels of one unit group and language that share a stem which at
    most twelve of them have are taken for one.
    """
    parent = list(range(len(labels)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    sharing: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for at, label in enumerate(labels):
        for stem in {word[:5] for word in words_of(label.title) if len(word) > 3}:
            sharing[label.language, label.isco, stem].append(at)
    for members in sharing.values():
        for other in members[1:] if len(members) <= 12 else ():
            parent[root(other)] = root(members[0])
    firsts = [labels[root(at)] for at in range(len(labels))]
    return [zlib.crc32(f"{one.language} {one.title}".encode()) % PARTS for one in firsts]


def words_of(title: str) -> list[str]:
    """The folded words of a title as the rules see them."""
    return list(read_title(title).words)


def learn(labels: Sequence[Label], parts: Sequence[int]) -> None:
    """Learn from all but the tenth held out, and write the file that is shipped."""
    classes = sorted({one.functions for one in labels})
    matrix = _matrix([tail.rows_of(words_of(one.title)) for one in labels])
    wanted = np.array([classes.index(one.functions) for one in labels])
    weight = np.where(wanted == classes.index(()), _WEIGHT_OF_NONE, 1.0)
    leads = np.array([one.leads is True for one in labels])
    told = np.array([one.leads is not None for one in labels])
    part = np.array(parts)
    draft = _fitted(matrix, wanted, weight, (part != TEST) & (part != CHECK))
    shares = _shares(draft, matrix, labels, classes, part == CHECK)
    functions = _fitted(matrix, wanted, weight, part != TEST)
    leading = _fitted(matrix, leads, np.ones(len(labels)), told & (part != TEST))
    scores = np.vstack([functions.coef_, leading.coef_])
    scales = np.abs(scores).max(axis=1) / 127
    examples = _example_lines(labels, classes, parts)
    np.savez_compressed(
        tail.SHIPPED,
        weights=np.round(scores / scales[:, None]).astype(np.int8).T,
        scales=scales.astype(np.float32),
        intercepts=np.concatenate([functions.intercept_, leading.intercept_]).astype(np.float32),
        classes=_stored(" ".join(one) for one in classes),
        bounds=np.array(_BOUNDS),
        shares=np.array(shares),
        examples=_stored(examples),
    )
    size = tail.SHIPPED.stat().st_size / 1e6
    sys.stdout.write(f"learned {len(classes)} classes, {len(examples)} examples: {size:.2f} MB\n")


def _matrix(rows: Sequence[Sequence[int]]) -> Any:
    from scipy.sparse import csr_matrix

    ends = np.cumsum([0, *map(len, rows)])
    values = np.concatenate([np.full(len(one), len(one) ** -0.5) for one in rows if one])
    shape = (len(rows), tail.ROWS)
    return csr_matrix((values, np.concatenate([one for one in rows if one]), ends), shape=shape)


def _fitted(matrix: Any, wanted: Any, weight: Any, chosen: Any) -> Any:
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(loss="log_loss", alpha=_ALPHA, max_iter=8, tol=None, random_state=0)
    return model.fit(matrix[chosen], wanted[chosen], sample_weight=weight[chosen])


def _shares(
    model: Any,
    matrix: Any,
    labels: Sequence[Label],
    classes: Sequence[tuple[str, ...]],
    chosen: Any,
) -> list[float]:
    """How often an answer is right, by how probable the model finds it; never falling."""
    scores = model.decision_function(matrix[chosen])
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances = chances.max(axis=1) / chances.sum(axis=1)
    found = [classes[at] for at in scores.argmax(axis=1)]
    cases = [labels[at] for at in np.flatnonzero(chosen).tolist()]
    bins: list[list[bool]] = [[] for _ in _BOUNDS]
    for chance, said, case in zip(chances, found, cases, strict=True):
        right = said[0] in case.functions if said else not case.functions
        bins[max(at for at, bound in enumerate(_BOUNDS) if chance >= bound)].append(right)
    shares = [sum(rights) / len(rights) if rights else 0.0 for rights in bins]
    for bound, share, rights in zip(_BOUNDS, shares, bins, strict=True):
        sys.stdout.write(f"  from {bound:.2f}: right {share:.3f} of {len(rights)}\n")
    return [round(max(shares[: at + 1]), 3) for at in range(len(shares))]


def _example_lines(
    labels: Sequence[Label], classes: Sequence[tuple[str, ...]], parts: Sequence[int]
) -> list[str]:
    """Of each class and language some short labels, spread over its unit groups."""
    by: dict[tuple[int, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for label, part in zip(labels, parts, strict=True):
        if part != TEST and label.functions:
            titles = by[classes.index(label.functions), label.language][label.isco]
            titles.append(label.title)
    lines = []
    for (at, _), groups in sorted(by.items()):
        chosen = {min(titles, key=_shortest) for titles in groups.values()}
        rest = {one for titles in groups.values() for one in titles} - chosen
        both = [*sorted(chosen), *sorted(rest, key=_shortest)]
        titles = sorted(both[:_EXAMPLES], key=_shortest)
        lines += [f"{at} {title}" for title in titles]
    return lines


def _shortest(title: str) -> tuple[int, str]:
    return len(title), title


def _stored(lines: Iterable[str]) -> Any:
    return np.frombuffer("\n".join(lines).encode(), dtype=np.uint8)


def report(held_out: Sequence[Label]) -> None:
    """By language what the tail and the whole verdict say of labels that were not learned."""
    head = "language      n | tail: answered right | verdict: answered right, none false | leading:"
    sys.stdout.write(f"{head} seen, others false\n")
    by = defaultdict(list)
    for one in held_out:
        by[one.language].append(one)
    for language, cases in [*sorted(by.items()), ("all", list(held_out))]:
        sys.stdout.write(
            f"{language:8} {len(cases):6} | {_of_tail(cases)} | {_of_verdict(cases)}\n"
        )


def _of_tail(cases: Sequence[Label]) -> str:
    business = [one for one in cases if one.functions]
    found = [(one, tail.likely(words_of(one.title))) for one in business]
    told = [(one, said) for one, said in found if said is not None and said.functions]
    right = sum(said.functions[0] in one.functions for one, said in told)
    return f"{len(told) / len(business):.2f} {right / max(1, len(told)):.2f}"


def _of_verdict(cases: Sequence[Label]) -> str:
    verdicts = [(one, classify(one.title)) for one in cases]
    told = [(o, v) for o, v in verdicts if o.functions and v.function is not None]
    business = sum(1 for one in cases if one.functions)
    right = sum(v.function in o.functions for o, v in told)
    none = [v for o, v in verdicts if not o.functions]
    harmless = {"operations", "engineering", "research", "administration", "support", "design"}
    false = sum(v.function not in {*harmless, None} and v.confidence >= 0.8 for v in none)
    leading = [v.level in _LEADING for o, v in verdicts if o.leads is True]
    others = [v.level in _LEADING for o, v in verdicts if o.leads is False]
    return (
        f"{len(told) / business:.2f} {right / max(1, len(told)):.2f}, "
        f"{false / max(1, len(none)):.2f} | "
        f"{sum(leading) / max(1, len(leading)):.2f}, {sum(others) / max(1, len(others)):.2f}"
    )
