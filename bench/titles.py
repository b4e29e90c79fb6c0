"""What the reading of titles is worth on the shared data: `python -m bench.titles [--fit]`.

The names of occupations in onet_functions.csv are those of O*NET 27.0, US Department of Labor
(CC BY 4.0); which functions fit them is our own judgement.
"""

import csv
import gzip
import hashlib
import io
import itertools
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import bench
from bg_assets.domain import authority, calibration
from bg_assets.domain.titles import Evidence, classify, evidence
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
PROFESSIONS = {
    "Finance": ("finance",),
    "Human Resources": ("hr",),
    "Law": ("legal",),
    "Information Technology": ("it",),
    "Procurement": ("procurement",),
    "Communications": ("communications",),
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
GRADES = {"SCS1": 1, "SCS1A": 1, "SCS2": 2, "SCS3": 3, "SCS4": 4}
MAJORS = ("11", "13", "15", "23", "41", "43")
# Occupations whose titles are of every function: they can't tell whether one is right.
MANY = frozenset(
    ("Chief Executives", "General and Operations Managers", "Chief Sustainability Officers")
)
ABOVE = frozenset(("owner", "c_level", "vp", "head", "director", "manager"))


@dataclass(frozen=True, slots=True)
class Labelled:
    """A title with the accepted answers, for one field. key: what decides on its half."""

    field: str
    title: str
    department: str | None
    accepted: frozenset[str]
    key: str


def rows(name: str) -> Iterator[dict[str, str]]:
    content = (DATA / name).read_bytes()
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    yield from csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))


def accepted(gold: str, words: dict[str, tuple[str, ...]]) -> frozenset[str]:
    return frozenset(w for g in gold.split("|") for w in words.get(g, (g.lower(),)))


def adversarial(say: Callable[[str], object]) -> None:
    silent = answered = answerable = foreign = 0
    for row in rows("adversarial_titles.csv"):
        verdict = classify(row["title"])
        for gold, value, words in (
            (row["function"], verdict.function, FUNCTIONS_OF),
            (row["seniority"], verdict.level, LEVELS_OF),
        ):
            if gold == "?non-english":
                foreign += value is not None
            elif gold.startswith("?"):
                silent += value is not None
            else:
                answerable += 1
                answered += value is not None
                silent += value is not None and value not in accepted(gold, words)
    say(f"adversarial: silent errors {silent}, coverage {answered}/{answerable}")
    say(f"  foreign fields answered rather than abstained from (read them): {foreign}")


def noise(say: Callable[[str], object]) -> None:
    read = same = right = fields = 0
    for row in rows("generated_noise_titles.csv.gz"):
        noisy, clean = classify(row["title"]), classify(row["canonical"])
        read += 1
        equal = (noisy.function, noisy.level) == (clean.function, clean.level)
        same += equal
        if not equal:
            say(f"  differs: {row['title']!r} from {row['canonical']!r}")
        for gold, value, words in (
            (row["function"], noisy.function, FUNCTIONS_OF),
            (row["seniority"], noisy.level, LEVELS_OF),
        ):
            fields += 1
            right += value in accepted(gold, words)
    say(f"noise: equal to the clean title {same}/{read} = {same / read:.4f}")
    say(f"  right fields {right}/{fields} = {right / fields:.4f}")


def posts() -> list[dict[str, str]]:
    return [r for r in rows("organogram_senior.csv.gz") if r["vacant"] == "0"]


def grades(say: Callable[[str], object]) -> None:
    """Pairs of posts of one body and date with different grades: which stands higher?"""
    order = {level: -at for at, level in enumerate(LEVELS)}
    merged = {**order, "head": order["director"]}
    bodies: dict[tuple[str, str], list[tuple[int, float, float, float]]] = defaultdict(list)
    for row in posts():
        level = classify(row["title"], row["unit"]).level
        if level is not None and row["grade"] in GRADES:
            rank = authority.rank(row["title"], level, country="GB")
            bodies[row["org"], row["date"]].append(
                (GRADES[row["grade"]], rank, merged[level], order[level])
            )
    for at, name in ((1, "rank"), (2, "level, head = director"), (3, "level")):
        right = tied = wrong = 0
        for body in bodies.values():
            for a, b in itertools.combinations(body, 2):
                if a[0] == b[0]:
                    continue
                high, low = (a, b) if a[0] > b[0] else (b, a)
                right += high[at] > low[at]
                tied += high[at] == low[at]
                wrong += high[at] < low[at]
        pairs = right + tied + wrong
        say(
            f"grades by {name}: {pairs} pairs, right {right / pairs:.3f}, tied {tied / pairs:.3f}, "
            f"wrong {wrong / pairs:.3f}; right of those told apart {right / (right + wrong):.3f}"
        )


def professions(say: Callable[[str], object]) -> None:
    say(f"{'profession':24} precision recall   posts   (department heard)")
    read = [(r, classify(r["title"], r["unit"]).function) for r in posts() if r["profession"]]
    for profession, functions in PROFESSIONS.items():
        hit = sum(f in functions and r["profession"] == profession for r, f in read)
        said = sum(f in functions for _, f in read)
        there = sum(r["profession"] == profession for r, _ in read)
        say(f"{profession:24} {hit / said:9.3f} {hit / there:6.3f} {there:7}")


def onet(say: Callable[[str], object]) -> None:
    with Path(__file__).with_name("onet_functions.csv").open(encoding="utf-8") as file:
        fitting = {r["occupation"]: r["functions"].split("|") for r in csv.DictReader(file)}
    table: dict[str, Counter[str]] = defaultdict(Counter)
    confused: Counter[tuple[str, str]] = Counter()
    example: dict[tuple[str, str], str] = {}
    for row in rows("onet_alternate_titles.csv.gz"):
        if row["soc_major"] not in MAJORS:
            continue
        function = classify(row["title"]).function or "unknown"
        table[row["soc_major"]][function] += 1
        if function == "unknown":
            table[row["soc_major"]]["(unknown)"] += 1
        elif function in fitting[row["occupation"]]:
            table[row["soc_major"]]["(fits)"] += 1
        else:
            confused[row["occupation"], function] += 1
            example.setdefault((row["occupation"], function), row["title"])
    for major, counts in sorted(table.items()):
        known = sum(n for f, n in counts.items() if f[0] != "(" and f != "unknown")
        everything = known + counts["unknown"]
        fits = counts["(fits)"] / known if known else 0.0
        most = ", ".join(f"{f} {n}" for f, n in counts.most_common() if f[0] != "(")
        say(
            f"O*NET {major}: {everything} titles, answered {known / everything:.3f}, "
            f"of these fit {fits:.3f}: {most}"
        )
    for (occupation, function), n in confused.most_common(10):
        say(
            f"  confused {n:4}: {occupation} read as {function}, "
            f"as {example[occupation, function]!r}"
        )


def labelled() -> Iterator[Labelled]:
    """Titles with labels, each distinct one once. O*NET tells only above or below a manager."""
    with Path(__file__).with_name("onet_functions.csv").open(encoding="utf-8") as file:
        fitting = {r["occupation"]: r["functions"].split("|") for r in csv.DictReader(file)}
    below = frozenset(LEVELS) - ABOVE
    for row in rows("onet_alternate_titles.csv.gz"):
        if row["soc_major"] in MAJORS:
            title, functions = row["title"], frozenset(fitting[row["occupation"]])
            if not (row["occupation"] in MANY or "All Other" in row["occupation"]):
                yield Labelled("function", title, None, functions, title)
            boss = row["soc_major"] == "11" or "Supervisors" in row["occupation"]
            yield Labelled("level", title, None, ABOVE if boss else below, title)
    for row in posts():
        near = NEAR.get(row["profession"])
        if near:
            key = row["org"] + row["title"]
            yield Labelled("function", row["title"], row["unit"], frozenset(near), key)
    for name, clean in (
        ("adversarial_titles.csv", "title"),
        ("generated_noise_titles.csv.gz", "canonical"),
    ):
        for row in rows(name):
            for field, gold, words in (
                ("function", row["function"], FUNCTIONS_OF),
                ("level", row["seniority"], LEVELS_OF),
            ):
                if not gold.startswith("?"):
                    yield Labelled(field, row[clean], None, accepted(gold, words), row[clean])


def half(key: str) -> int:
    """0 for the half that the figures are fitted on, 1 for the half that judges them."""
    return hashlib.sha256(key.casefold().encode()).digest()[0] & 1


def judged() -> Iterator[tuple[Labelled, Evidence, bool]]:
    for case in dict.fromkeys(labelled()):
        verdict = classify(case.title, case.department)
        of_function, of_level = evidence(case.title, case.department)
        found = of_function if case.field == "function" else of_level
        value = verdict.function if case.field == "function" else verdict.level
        if found is not None:
            yield case, found, value in case.accepted


def calibrated(say: Callable[[str], object], *, fit: bool) -> None:
    cases = list(judged())
    for field, shares in (("function", calibration.FUNCTION), ("level", calibration.LEVEL)):
        by_rule: dict[str, list[bool]] = defaultdict(list)
        for case, found, right in cases:
            if case.field == field and half(case.key) == 0:
                by_rule[found.rule].append(right)
        in_use = {**shares, "agrees": calibration.AGREES, "contradicts": calibration.CONTRADICTS}
        for rule in in_use if field == "function" else shares:
            told = by_rule[rule]
            share = f"{sum(told) / len(told):.3f}" if told else "-"
            if fit:
                say(f"fit {field:9} {rule:12} {share} of {len(told)} (in use: {in_use[rule]})")
        held = [(f.share, r) for c, f, r in cases if c.field == field and half(c.key) == 1]
        say(f"calibration of {field}: {len(held)} held-out titles")
        reliability(held, say)


def reliability(held: Iterable[tuple[float, bool]], say: Callable[[str], object]) -> None:
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for share, right in held:
        bins[min(9, int(share * 10))].append((share, right))
    everything = sum(map(len, bins.values()))
    error = 0.0
    for at, told in sorted(bins.items()):
        said = sum(s for s, _ in told) / len(told)
        true = sum(r for _, r in told) / len(told)
        error += abs(said - true) * len(told) / everything
        low = at / 10
        say(f"  {low:.1f} to {low + 0.1:.1f}: said {said:.3f}, right {true:.3f}, {len(told)}")
    say(f"  expected calibration error {error:.4f}")


def speed(say: Callable[[str], object], total: int = 1_000_000, distinct: int = 50_000) -> None:
    base = list(dict.fromkeys(r["title"] for r in rows("onet_alternate_titles.csv.gz")))
    titles = [base[i % len(base)] + ("" if i < len(base) else f" {i}") for i in range(distinct)]
    classify("")  # the lexicon is read
    classify.cache_clear()
    began = time.perf_counter()
    for at in range(total):
        classify(titles[at % distinct])
    took = time.perf_counter() - began
    say(
        f"speed: {total} rows, {distinct} distinct: {took:.1f} s, {total / took:,.0f} rows/s, "
        f"{took / distinct * 1e6:.0f} microseconds per distinct title"
    )


def run(say: Callable[[str], object], *, fit: bool = False) -> None:
    """All tables, line by line to say."""
    adversarial(say)
    noise(say)
    grades(say)
    professions(say)
    onet(say)
    calibrated(say, fit=fit)
    speed(say)


def main(arguments: Sequence[str]) -> None:
    """Print all tables; with ``--fit`` those of the calibration too that it was fitted by."""
    bench.shared_data()
    run(lambda line: sys.stdout.write(f"{line}\n"), fit="--fit" in arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
