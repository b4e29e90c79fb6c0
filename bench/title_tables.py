"""Tables of what is read: level against grade, function against profession and occupation."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.title_labels import MAJORS, fitting, posts, rows
from bg_assets.domain.titles import authority
from bg_assets.domain.titles.verdict import bases, classify
from bg_assets.domain.vocabulary import LEVELS

Say = Callable[[str], object]
# The grade and what may tell it: the rank, the level with heads as directors, the level.
_Post = tuple[int, float, float, float]
PROFESSIONS = {
    "Finance": ("finance",),
    "Human Resources": ("hr",),
    "Law": ("legal",),
    "Information Technology": ("it",),
    "Procurement": ("procurement",),
    "Communications": ("communications",),
}
# Professions that say how somebody works, not in which function.
ANY_FUNCTION = frozenset(
    ("Policy", "Operational Delivery", "Programme and Project Management (PPM)", "Other", "")
)
GRADES = {"SCS1": 1, "SCS1A": 1, "SCS2": 2, "SCS3": 3, "SCS4": 4}
# Why the most frequent confusions with O*NET are there.
EXPLAINED: Mapping[tuple[str, str], str] = {
    ("Bookkeeping, Accounting, and Auditing Clerks", "administration"): (
        "of a clerk with an unknown word nothing tells the ledger he keeps"
    ),
    ("Billing and Posting Clerks", "administration"): (
        "of a clerk with an unknown word nothing tells the bills"
    ),
    ("Billing and Posting Clerks", "operations"): (
        "a machine operator and a freight rate clerk are operations by every word they have"
    ),
    ("Counter and Rental Clerks", "administration"): (
        "American shops call salespeople clerks; elsewhere a clerk is of the office"
    ),
    ("Retail Salespersons", "administration"): (
        "American shops call salespeople clerks; elsewhere a clerk is of the office"
    ),
    ("Production, Planning, and Expediting Clerks", "finance"): (
        "an estimator or controller is of finance unless the title says of what"
    ),
    (
        "Door-to-Door Sales Workers, News and Street Vendors, and Related Workers",
        "operations",
    ): "drivers and carriers: O*NET counts whom they drive for",
    ("Office and Administrative Support Workers, All Other", "communications"): (
        "reporters and news clerks: the occupation is a remainder of all others"
    ),
    ("Payroll and Timekeeping Clerks", "administration"): "time clerks: no word for pay",
    ("First-Line Supervisors of Retail Sales Workers", "operations"): (
        "branch, shift and station managers run a place; selling is not in the title"
    ),
    ("Buyers and Purchasing Agents, Farm Products", "operations"): (
        "shippers of grain and cattle: their word is of transport, O*NET's of buying"
    ),
    ("Cashiers", "operations"): "checkers, toll and booth operators: no word of selling",
    ("Tax Examiners and Collectors, and Revenue Agents", "sales"): (
        "revenue is income to a seller and tax to a state"
    ),
    ("Document Management Specialists", "administration"): "records and documents are kept there",
    ("Brokerage Clerks", "administration"): "clerks whose other word is not known",
    ("Brokerage Clerks", "sales"): "client service and sales assistants: so they are called",
    ("Training and Development Specialists", "engineering"): (
        "development without a word beside it is of products more often than of people"
    ),
    ("Desktop Publishers", "it"): "computer and desktop are words of IT",
    ("Managers, All Other", "sales"): "shops and agencies: the occupation is a remainder",
    ("Compliance Officers", "administration"): "licensing clerks and examiners of the state",
}


def grades(say: Say) -> None:
    """Pairs of posts of one body and date with different grades: which stands higher?"""
    order = {level: -at for at, level in enumerate(LEVELS)}
    merged = {**order, "head": order["director"]}
    bodies: dict[tuple[str, str], list[_Post]] = defaultdict(list)
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for row in posts():
        if row["grade"] not in GRADES:
            continue
        level = classify(row["title"], row["unit"]).level
        counted[row["grade"]][level or "unknown"] += 1
        if level is not None:
            rank = authority.rank(row["title"], level, country="GB")
            bodies[row["org"], row["date"]].append(
                (GRADES[row["grade"]], rank, merged[level], order[level])
            )
    columns = (*LEVELS, "unknown")
    say("level against grade" + " ".join(f"{name:>9}" for name in columns))
    for grade, counts in sorted(counted.items(), reverse=True):
        say(f"  {grade:17}" + " ".join(f"{counts[name]:9}" for name in columns))
    for at, name in ((1, "rank"), (2, "level, head = director"), (3, "level")):
        right, tied, wrong = _compared(bodies.values(), at)
        pairs = right + tied + wrong
        say(
            f"grades by {name}: {pairs} pairs, right {right / pairs:.3f}, tied {tied / pairs:.3f}, "
            f"wrong {wrong / pairs:.3f}; right of those told apart {right / (right + wrong):.3f}"
        )
    say("  rank: level with deputies and British heads of units below directors (authority.rank)")


def _compared(bodies: Iterable[Sequence[_Post]], at: int) -> tuple[int, int, int]:
    """Pairs of different grades that this figure of theirs tells rightly, not at all, wrongly."""
    right = tied = wrong = 0
    for body in bodies:
        for a, b in itertools.combinations(body, 2):
            if a[0] == b[0]:
                continue
            high, low = (a, b) if a[0] > b[0] else (b, a)
            right += high[at] > low[at]
            tied += high[at] == low[at]
            wrong += high[at] < low[at]
    return right, tied, wrong


def professions(say: Say) -> None:
    """Function against the person's profession, and where the two differ."""
    say(f"{'profession':24} precision recall   posts  precision*   (department heard)")
    read = [
        (r, classify(r["title"], r["unit"]).function, bases(r["title"], r["unit"])[0])
        for r in posts()
        if r["profession"]
    ]
    for profession, functions in PROFESSIONS.items():
        hit = sum(f in functions and r["profession"] == profession for r, f, _ in read)
        said = [r for r, f, _ in read if f in functions]
        functional = [r for r in said if r["profession"] not in ANY_FUNCTION]
        there = sum(r["profession"] == profession for r, _, _ in read)
        say(
            f"{profession:24} {hit / len(said):9.3f} {hit / there:6.3f} {there:7} "
            f"{hit / len(functional):10.3f}"
        )
        others = Counter(r["profession"] for r in said if r["profession"] != profession)
        say("  others: " + ", ".join(f"{name} {n}" for name, n in others.most_common(6)))
        by_rule: dict[str, list[str]] = defaultdict(list)
        for r, f, found in read:
            if f in functions and r["profession"] != profession and found is not None:
                by_rule[found.rule].append(r["title"])
        for rule, titles in sorted(by_rule.items(), key=lambda item: -len(item[1]))[:3]:
            most, _ = Counter(titles).most_common(1)[0]
            say(f"    {rule}: {len(titles)}, as {most!r}")
        missed = Counter(
            f or "unknown"
            for r, f, _ in read
            if r["profession"] == profession and f not in functions
        )
        say("  missed as: " + ", ".join(f"{name} {n}" for name, n in missed.most_common(6)))
    say(
        "  precision*: without the professions Policy, Operational Delivery, Programme Management "
        "and Other,"
    )
    say(
        "  which say how somebody works and not in which function: a profession is the person's, "
        "a function the post's."
    )
    say("  Others are mostly posts whose title or unit names the function (agrees, word, title).")


def onet(say: Say) -> None:
    """Function against occupation, and the ten most frequent confusions with their cause."""
    fits = fitting()
    table: dict[str, Counter[str]] = defaultdict(Counter)
    fit: Counter[str] = Counter()
    confused: Counter[tuple[str, str]] = Counter()
    example: dict[tuple[str, str], str] = {}
    for row in rows("onet_alternate_titles.csv.gz"):
        major, occupation = row["soc_major"], row["occupation"]
        if major not in MAJORS:
            continue
        function = classify(row["title"]).function or "unknown"
        table[major][function] += 1
        if function in fits[occupation]:
            fit[major] += 1
        elif function != "unknown":
            confused[occupation, function] += 1
            example.setdefault((occupation, function), row["title"])
    for major, counts in sorted(table.items()):
        everything = sum(counts.values())
        known = everything - counts["unknown"]
        most = ", ".join(f"{function} {n}" for function, n in counts.most_common())
        say(
            f"O*NET {major} ({MAJORS[major]}): {everything} titles, answered "
            f"{known / everything:.3f}, of these fit {fit[major] / known:.3f}: {most}"
        )
    for pair, n in confused.most_common(10):
        occupation, function = pair
        say(f"  confused {n:4}: {occupation} read as {function}, as {example[pair]!r}")
        say(f"    {EXPLAINED.get(pair, 'not explained: read them')}")
