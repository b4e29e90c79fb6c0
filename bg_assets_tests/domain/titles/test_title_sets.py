"""Invented titles in nine languages, as people write them, against what a reader would say.

In the tables `a|b` accepts either, `unknown` accepts an abstention and `*` anything.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from bg_assets.domain.titles.verdict import classify

SETS = Path(__file__).with_name("title_sets")
LEAST = {
    "german": 170,
    "french": 160,
    "dutch": 160,
    "spanish": 160,
    "italian": 160,
    "portuguese": 60,
    "polish": 60,
    "swedish": 60,
    "english": 400,
}


def _fields(language: str) -> Iterator[tuple[str, str | None, frozenset[str]]]:
    """Title, what was answered, what is accepted; without what may be anything."""
    with (SETS / f"{language}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        verdict = classify(row["title"])
        for field, value in (("function", verdict.function), ("level", verdict.level)):
            if row[field] != "*":
                yield row["title"], value, frozenset(row[field].split("|"))


@pytest.mark.parametrize("language", LEAST)
def test_no_title_of_a_language_is_read_wrongly_without_a_word(language: str) -> None:
    silent = [
        (title, value, sorted(accepted))
        for title, value, accepted in _fields(language)
        if value is not None and value not in accepted
    ]
    assert silent == []


@pytest.mark.parametrize("language", LEAST)
def test_nearly_every_field_of_a_language_is_answered(language: str) -> None:
    fields = [f for f in _fields(language) if "unknown" not in f[2]]
    missing = [title for title, value, _ in fields if value is None]
    assert len({title for title, _, _ in _fields(language)}) >= LEAST[language] - 20
    assert len(missing) <= 0.02 * len(fields), missing
