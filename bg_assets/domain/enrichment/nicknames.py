"""Which first names a short form stands for: Bob for Robert, Alex for two.

nicknames.csv: a full name and its short forms and other spellings, as people in business use them.
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bg_assets.domain.values.folding import fold

_FILE = Path(__file__).with_name("nicknames.csv")


def full_forms(name: str) -> frozenset[str]:
    """The full names that a folded first name can stand for, itself among them."""
    return _forms().get(name) or frozenset({name})


@cache
def _forms() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    with _FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            full = fold(row["name"])
            for form in (full, *map(fold, row["short"].split())):
                found.setdefault(form, {form}).add(full)
    return {form: frozenset(full) for form, full in found.items()}
