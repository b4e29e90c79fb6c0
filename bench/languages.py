"""How well the language of a title is told; `--learn` makes domain/titles/languages.npz anew.

Counted in the labels of ESCO; a tenth of the unit groups of ISCO is held out.
"""

import argparse
import sys
import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

import bench
from bench import tail
from bench.title_labels import DATA
from bg_assets.domain.titles import languages

_FILE = DATA / "esco_titles.csv.gz"
_UNSEEN = 0.5


def main(arguments: Sequence[str]) -> None:
    """Count where asked to, then print what comes of the tenth held out."""
    parser = argparse.ArgumentParser(prog="python -m bench languages", description=__doc__)
    parser.add_argument("--learn", action="store_true", help="make languages.npz anew first")
    chosen = parser.parse_args(arguments)
    if not _FILE.exists():
        raise bench.Skipped(f"there is no {_FILE.name} in {DATA}")
    labels = list(tail.read(_FILE))
    if chosen.learn:
        learn([one for one in labels if not _held_out(one)])
    report([one for one in labels if _held_out(one)])


def _held_out(label: tail.Label) -> bool:
    return zlib.crc32(label.isco.encode()) % tail.PARTS == 0


def learn(labels: Sequence[tail.Label]) -> None:
    """Count by language in how many labels each n-gram is, and write the file that is shipped."""
    counts = np.zeros((languages.ROWS, len(languages.LANGUAGES)))
    totals = np.zeros(len(languages.LANGUAGES))
    for label in labels:
        at = languages.LANGUAGES.index(label.language)
        rows = set().union(*map(languages.rows_of, languages.words_of(label.title)))
        counts[sorted(rows), at] += 1
        totals[at] += 1
    weights = np.log((counts + _UNSEEN) / (totals + 1))
    weights -= weights.mean(axis=1, keepdims=True)
    scale = np.abs(weights).max() / 127
    np.savez_compressed(
        languages.SHIPPED, weights=np.round(weights / scale).astype(np.int8), scale=scale
    )
    sys.stdout.write(f"counted {len(labels)} labels: {languages.SHIPPED.stat().st_size} bytes\n")


def report(held_out: Sequence[tail.Label]) -> None:
    """By language how many titles tell their language, and in how many that is right."""
    by: dict[str, list[bool | None]] = defaultdict(list)
    for label in held_out:
        said = languages.of(label.title)
        right = said.language == label.language if said and said.firmly else None
        by[label.language].append(right)
        by["all"].append(right)
    sys.stdout.write("language      n | told, right of these\n")
    for language, answers in sorted(by.items(), key=lambda one: (one[0] == "all", one[0])):
        told = [one for one in answers if one is not None]
        share = len(told) / len(answers)
        sys.stdout.write(
            f"{language:8} {len(answers):6} | {share:.2f} {sum(told) / max(1, len(told)):.3f}\n"
        )
