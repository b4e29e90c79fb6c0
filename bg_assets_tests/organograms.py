"""The organograms of UK public bodies as files to import: bodies are companies, posts are people.

Real titles, units and reporting lines at two dates half a year apart; the names are invented. What
the source knows of a post's grade and profession is left out: it is what the reading of titles is
compared with.
"""

import csv
import gzip
import hashlib
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bg_assets.sample.posts import Dice
from bg_assets.sample.world import made_up_name

BEFORE, AFTER = "2011-03-31", "2011-09-30"
PEOPLE_COLUMNS = ("id", "company_id", "name", "title", "department", "manager_id")
_NOBODY = "XX"
_NAMES = 1009


@dataclass(frozen=True, slots=True)
class Post:
    """A filled post as a row of people."""

    id: str
    company_id: str
    name: str
    title: str
    department: str
    manager_id: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The senior posts at one date: all rows of the file, and what an import makes of them.

    ``people`` has the last row of each id, ``bodies`` the same by company.
    """

    rows: tuple[Post, ...]
    people: dict[str, Post]
    bodies: dict[str, set[Post]]

    @property
    def repeated(self) -> int:
        """How many rows have an id that comes again."""
        return len(self.rows) - len(self.people)


def changed_bodies(before: Snapshot, after: Snapshot) -> set[str]:
    """The bodies of the later snapshot in which somebody is new, gone, or different."""
    return {
        body for body, people in after.bodies.items() if before.bodies.get(body, set()) != people
    }


def leavers(before: Snapshot, after: Snapshot) -> set[str]:
    """Who stood in the earlier snapshot and is gone from a body that the later one covers."""
    return {
        post.id
        for post in before.people.values()
        if post.company_id in after.bodies and post.id not in after.people
    }


def read_senior(data: Path, date: str) -> Snapshot:
    """The senior posts that somebody holds at a date, in the order of the source."""
    rows = tuple(
        _post(row, f"{row['org']}:{row['post']}")
        for row in _rows(data, "senior", date)
        if row["vacant"] == "0"
    )
    people = {post.id: post for post in rows}
    bodies: dict[str, set[Post]] = {}
    for post in people.values():
        bodies.setdefault(post.company_id, set()).add(post)
    return Snapshot(rows, people, bodies)


def junior(data: Path, date: str) -> Iterator[Post]:
    """The junior posts at a date, as many people as each row stands for.

    Rows have no key of their own. What stands here is made of unit, title and manager and a
    number, so that a row which is the same at both dates gives the same people.
    """
    seen: Counter[str] = Counter()
    for row in _rows(data, "junior", date):
        what = "\t".join((row["org"], row["reports_to"], row["title"], row["unit"]))
        key = hashlib.sha256(what.encode()).hexdigest()[:12]
        for _ in range(round(float(row["posts_fte"]))):
            seen[key] += 1
            yield _post(row, f"{row['org']}:{key}-{seen[key]}")


def read_sizes(data: Path, date: str) -> dict[str, int]:
    """How many posts each body has at a date, senior and junior."""
    sizes: defaultdict[str, float] = defaultdict(float)
    for kind in ("senior", "junior"):
        for row in _rows(data, kind, date):
            sizes[row["org"]] += float(row.get("posts_fte", 1))
    return {body: round(size) for body, size in sizes.items()}


def read_names(data: Path) -> dict[str, str]:
    """The name of each body of both dates."""
    names: dict[str, str] = {}
    for date in (BEFORE, AFTER):
        for row in _rows(data, "senior", date):
            names.setdefault(row["org"], row["organisation"])
    return names


def write_companies(data: Path, path: Path) -> int:
    """Write all bodies of both dates with their number of posts at the first that tells it.

    Returns how many bodies there are.
    """
    names: dict[str, str] = {}
    sizes: defaultdict[tuple[str, str], float] = defaultdict(float)
    for date in (BEFORE, AFTER):
        for kind in ("senior", "junior"):
            for row in _rows(data, kind, date):
                names.setdefault(row["org"], row["organisation"])
                sizes[row["org"], date] += float(row.get("posts_fte", 1))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("id", "name", "country", "employee_count"))
        for body, name in sorted(names.items()):
            size = round(sizes.get((body, BEFORE)) or sizes[body, AFTER])
            writer.writerow((body, name, "GB", size or ""))
    return len(names)


def write_people(path: Path, *groups: Iterator[Post] | tuple[Post, ...]) -> int:
    """Write people in the form that the import takes; returns how many rows."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PEOPLE_COLUMNS)
        for group in groups:
            for post in group:
                writer.writerow([getattr(post, name) for name in PEOPLE_COLUMNS])
                count += 1
    return count


def _rows(data: Path, kind: str, date: str) -> Iterator[dict[str, str]]:
    path = data / f"organogram_{kind}.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["date"] == date:
                yield row


def _post(row: dict[str, str], person_id: str) -> Post:
    above = f"{row['org']}:{row['reports_to']}"
    # The head of some bodies is said to report to itself.
    nobody = row["reports_to"] == _NOBODY or above == person_id
    return Post(
        id=person_id,
        company_id=row["org"],
        name=_names()[zlib.crc32(person_id.encode()) % _NAMES],
        title=row["title"],
        department=row["unit"],
        manager_id="" if nobody else above,
    )


@cache
def _names() -> tuple[str, ...]:
    dice = Dice("organograms")
    return tuple(made_up_name("english", dice)[0] for _ in range(_NAMES))
