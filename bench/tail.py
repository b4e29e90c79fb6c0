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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import bench
from bench import tail_table
from bench.tail_report import Label, report
from bench.title_labels import DATA
from bg_assets.domain.titles import beside, tail
from bg_assets.domain.titles.verdict import classify
from bg_assets.domain.titles.weighing import read as read_title

_FILE = DATA / "esco_titles.csv.gz"
TEST, CHECKS, PARTS = 0, (1, 2, 3), 10
# A label of no business function weighs less: of trades there are five times as many.
_WEIGHT_OF_NONE = 0.3
_ALPHA = 1e-6
_EXAMPLES = 14


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
        forget()
    held_out = [one for one, part in zip(labels, parts, strict=True) if part == TEST]
    report(held_out, lambda line: sys.stdout.write(f"{line}\n"))


def forget() -> None:
    """Whatever was read of what has been learned anew."""
    for cached in (tail.shipped, tail.digest, beside.digest, beside.table, classify):
        cached.cache_clear()


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
    """Learn from all but the tenth held out, and write the files that are shipped.

    How often lexicon and tail are right is told by parts that a model of the others is asked about.
    """
    classes = sorted({one.functions for one in labels})
    matrix = _matrix([tail.rows_of(words_of(one.title)) for one in labels])
    part = np.array(parts)
    cases: list[tail_table.Case] = []
    for asked in CHECKS:
        model = _model(labels, classes, matrix, (part != TEST) & (part != asked), {})
        told = [one for one, at in zip(labels, parts, strict=True) if at == asked]
        made = (tail_table.case(one.title, "ESCO", one.functions, model) for one in told)
        cases += [one for one in made if one is not None]
    examples: dict[int, list[str]] = defaultdict(list)
    for at, title in _chosen_examples(labels, classes, parts):
        examples[at].append(title)
    model = _model(labels, classes, matrix, part != TEST, examples)
    rows = tail_table.write([*cases, *tail_table.business(model)])
    np.savez_compressed(
        tail.SHIPPED,
        weights=model.weights,
        scales=model.scales,
        intercepts=model.intercepts,
        classes=_stored(" ".join(one) for one in classes),
        examples=_stored(f"{at} {title}" for at, titles in examples.items() for title in titles),
    )
    size = tail.SHIPPED.stat().st_size / 1e6
    told_of = f"learned {len(classes)} classes: {size:.2f} MB; {len(cases)} cases in {rows} rows"
    sys.stdout.write(f"{told_of}\n")


def _model(
    labels: Sequence[Label],
    classes: Sequence[tuple[str, ...]],
    matrix: Any,
    chosen: Any,
    examples: Mapping[int, Sequence[str]],
) -> tail.Model:
    """What is learned of the chosen labels: functions, who leads others, which are not English."""
    wanted = np.array([classes.index(one.functions) for one in labels])
    weight = np.where(wanted == classes.index(()), _WEIGHT_OF_NONE, 1.0)
    even = np.ones(len(labels))
    leads = np.array([one.leads is True for one in labels])
    told = np.array([one.leads is not None for one in labels])
    foreign = np.array([one.language != "en" for one in labels])
    fitted = (
        _fitted(matrix, wanted, weight, chosen),
        _fitted(matrix, leads, even, told & chosen),
        _fitted(matrix, foreign, even, chosen),
    )
    scores = np.vstack([one.coef_ for one in fitted])
    scales = np.abs(scores).max(axis=1) / 127
    return tail.model_of(
        np.round(scores / scales[:, None]).astype(np.int8).T,
        scales.astype(np.float32),
        np.concatenate([one.intercept_ for one in fitted]).astype(np.float32),
        classes,
        examples,
    )


def _matrix(rows: Sequence[Sequence[int]]) -> Any:
    from scipy.sparse import csr_matrix

    ends = np.cumsum([0, *map(len, rows)])
    values = np.concatenate([np.full(len(one), len(one) ** -0.5) for one in rows if one])
    shape = (len(rows), tail.ROWS)
    return csr_matrix((values, np.concatenate([one for one in rows if one]), ends), shape=shape)


def _fitted(matrix: Any, wanted: Any, weight: Any, chosen: Any) -> Any:
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(
        loss="log_loss", alpha=_ALPHA, max_iter=8, tol=None, average=True, random_state=0
    )
    return model.fit(matrix[chosen], wanted[chosen], sample_weight=weight[chosen])


def _chosen_examples(
    labels: Sequence[Label], classes: Sequence[tuple[str, ...]], parts: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """Of each class and language some short labels, spread over its unit groups."""
    by: dict[tuple[int, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for label, part in zip(labels, parts, strict=True):
        if part != TEST and label.functions:
            titles = by[classes.index(label.functions), label.language][label.isco]
            titles.append(label.title)
    for (at, _), groups in sorted(by.items()):
        chosen = {min(titles, key=_shortest) for titles in groups.values()}
        rest = {one for titles in groups.values() for one in titles} - chosen
        both = [*sorted(chosen), *sorted(rest, key=_shortest)]
        titles = sorted(both[:_EXAMPLES], key=_shortest)
        yield from ((at, title) for title in titles)


def _shortest(title: str) -> tuple[int, str]:
    return len(title), title


def _stored(lines: Iterable[str]) -> Any:
    return np.frombuffer("\n".join(lines).encode(), dtype=np.uint8)
