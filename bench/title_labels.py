"""Titles with labels from the shared data, and which of our words fit a label.

The names of occupations in onet_functions.csv are those of O*NET 27.0, US Department of Labor
(CC BY 4.0); which functions fit them is our own judgement.
"""

import csv
import gzip
import hashlib
import io
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bg_assets.domain.titles.authority import standing
from bg_assets.domain.vocabulary import LEVELS

DATA = Path(
    os.environ.get("BG_SHARED_DATA") or Path(__file__).parents[2].resolve() / "shared" / "data"
)
FUNCTIONS_OF = {
    "ExecGeneral": ("executive",),
    "RevOps": ("revenue_operations",),
    "CustomerSuccess": ("customer_success",),
    "Legal": ("legal", "compliance"),
    "Marketing": ("marketing", "communications"),
    # The gold has no word for purchasing and counts it as finance.
    "Finance": ("finance", "procurement"),
}
LEVELS_OF = {
    "FounderOwner": ("owner",),
    "CSuite": ("c_level",),
    "VP": ("vp", "head"),
    "Director": ("director", "head"),
    "Manager": ("manager",),
    "SeniorIC": ("senior", "assistant"),
    "IC": ("staff", "assistant"),
    "Intern": ("intern",),
}
# Functions that people of a profession have too, for the calibration only.
NEAR = {
    "Finance": ("finance", "compliance", "procurement"),
    "Human Resources": ("hr",),
    "Law": ("legal", "compliance"),
    "Information Technology": ("it", "engineering", "data", "security", "product"),
    "Procurement": ("procurement", "sales"),
    "Communications": ("communications", "marketing"),
    "Internal Audit": ("finance", "compliance"),
    "Tax Professionals": ("finance", "compliance"),
    "Statisticians": ("data", "research"),
    "Operational Research": ("data", "research", "operations"),
    "Economics": ("research", "finance", "data"),
}
MAJORS = {
    "11": "management",
    "13": "business and finance",
    "15": "computing and mathematics",
    "23": "law",
    "41": "sales",
    "43": "office",
}
# Occupations whose titles are of every function: they can't tell whether one is right.
MANY = frozenset(
    ("Chief Executives", "General and Operations Managers", "Chief Sustainability Officers")
)
_SENIOR = re.compile(r"\b(?:senior|snr|sr|lead|principal)\b", re.IGNORECASE)
ABOVE = frozenset(("owner", "c_level", "vp", "head", "director", "manager"))


@dataclass(frozen=True, slots=True)
class Labelled:
    """A title with the accepted answers, for one field. key: what decides on its half."""

    source: str  # O*NET, organograms or business
    field: str
    title: str
    department: str | None
    accepted: frozenset[str]
    key: str


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a file of the shared data."""
    content = (DATA / name).read_bytes()
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    yield from csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))


def accepted(gold: str, words: Mapping[str, tuple[str, ...]], title: str = "") -> frozenset[str]:
    """Our words that are right where the gold says this; `a|b` is either.

    A `Senior Product Manager` is senior by one convention and a manager by another: of such titles
    both are right.
    """
    right = frozenset(w for g in gold.split("|") for w in words.get(g, (g.lower(),)))
    if words is LEVELS_OF and right & {"manager", "senior"} and _senior_in_name(title):
        return right | {"manager", "senior"}
    return right


def _senior_in_name(title: str) -> bool:
    return "in_name" in standing(title) and _SENIOR.search(title) is not None


def posts() -> list[dict[str, str]]:
    """The senior posts of British public bodies that somebody holds."""
    return [r for r in rows("organogram_senior.csv.gz") if r["vacant"] == "0"]


def fitting() -> dict[str, list[str]]:
    """Occupation -> the functions that fit it."""
    with Path(__file__).with_name("onet_functions.csv").open(encoding="utf-8") as file:
        return {r["occupation"]: r["functions"].split("|") for r in csv.DictReader(file)}


def fresh() -> Iterator[dict[str, str]]:
    """Invented titles of nine languages that were written when the lexicon was done.

    Of those of half 1 nothing was changed in the lexicon for what was read in them. `a|b` accepts
    either, `unknown` an abstention, `*` anything.
    """
    with Path(__file__).with_name("fresh_titles.csv").open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def labelled() -> Iterator[Labelled]:
    """Titles with labels. O*NET tells only above or below a manager."""
    yield from _occupations()
    for row in posts():
        near = NEAR.get(row["profession"])
        if near:
            # Posts of one body share its habits: they stay on one side.
            yield Labelled(
                "organograms", "function", row["title"], row["unit"], frozenset(near), row["org"]
            )
    yield from _marked("adversarial_titles.csv", "title")
    yield from _marked("generated_noise_titles.csv.gz", "canonical")
    for row in fresh():
        for field in ("function", "level"):
            right = frozenset(row[field].split("|"))
            if "*" not in right:
                yield Labelled("business", field, row["title"], None, right, row["title"])


def _marked(name: str, column: str) -> Iterator[Labelled]:
    """Titles of business with the gold's words, less those that it marks with ?."""
    for row in rows(name):
        for field, gold, words in (
            ("function", row["function"], FUNCTIONS_OF),
            ("level", row["seniority"], LEVELS_OF),
        ):
            if not gold.startswith("?"):
                title, right = row[column], accepted(gold, words, row[column])
                yield Labelled("business", field, title, None, right, title)


def _occupations() -> Iterator[Labelled]:
    """O*NET's titles: one that it lists under several occupations may be of any of these."""
    fits = fitting()
    below = frozenset(LEVELS) - ABOVE
    functions: dict[str, set[str]] = defaultdict(set)
    levels: dict[str, set[str]] = defaultdict(set)
    of_many: set[str] = set()
    for row in rows("onet_alternate_titles.csv.gz"):
        title, occupation = row["title"], row["occupation"]
        if row["soc_major"] not in MAJORS:
            of_many.add(title)
            continue
        functions[title].update(fits[occupation])
        boss = row["soc_major"] == "11" or "Supervisors" in occupation
        levels[title] |= ABOVE if boss else below
        if occupation in MANY or "All Other" in occupation:
            of_many.add(title)
    for title in functions:
        if title not in of_many:
            yield Labelled("O*NET", "function", title, None, frozenset(functions[title]), title)
        if len(levels[title]) < len(LEVELS):
            yield Labelled("O*NET", "level", title, None, frozenset(levels[title]), title)


def half(key: str) -> int:
    """0 for the half that the figures are fitted on, 1 for the half that judges them."""
    return hashlib.sha256(key.casefold().encode()).digest()[0] & 1
