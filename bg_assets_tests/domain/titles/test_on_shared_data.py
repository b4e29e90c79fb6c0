"""Titles on the shared data: the bars that the reading has to hold."""

import csv
import gzip
from pathlib import Path

from bench import title_labels as bench
from bg_assets.domain.titles.verdict import classify


def test_adversarial_titles_have_no_silent_error(shared_data: Path) -> None:
    answered = answerable = 0
    with (shared_data / "adversarial_titles.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        verdict = classify(row["title"])
        for gold, value, words in (
            (row["function"], verdict.function, bench.FUNCTIONS_OF),
            (row["seniority"], verdict.level, bench.LEVELS_OF),
        ):
            if gold == "?non-english":
                continue
            if gold.startswith("?"):
                assert value is None, row["title"]
                continue
            answerable += 1
            answered += value is not None
            assert value is None or value in bench.accepted(gold, words, row["title"]), row["title"]
    assert answered >= 0.8 * answerable


def test_noise_leaves_the_verdict_as_it_is(shared_data: Path) -> None:
    different, read = [], 0
    with gzip.open(shared_data / "generated_noise_titles.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            noisy, clean = classify(row["title"]), classify(row["canonical"])
            read += 1
            if (noisy.function, noisy.level) != (clean.function, clean.level):
                different.append(row["title"])
    assert len(different) <= 0.03 * read, different
