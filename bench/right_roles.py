"""Members of groups of British public bodies, and whether each is right for the role.

The bodies record a profession and a grade for each post (March and September 2011, data.gov.uk).
Neither is an input of any rule: they tell who is right.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bench import title_labels
from bg_assets.domain.groups.certainty import Evidence, Surroundings
from bg_assets.domain.groups.group import Company, StaffMember, weigh
from bg_assets.domain.products.template import Template
from bg_assets.domain.titles.verdict import classify
from bg_assets.sample import world

_TECHNICAL = frozenset(("information technology", "information technoology"))
# Functions of ours that British public bodies have a profession for. What they call compliance,
# data or operations is done by people of any.
PROFESSIONS: Mapping[str, frozenset[str]] = {
    "finance": frozenset(("finance",)),
    "hr": frozenset(("human resources",)),
    "it": _TECHNICAL,
    "security": _TECHNICAL,
    "procurement": frozenset(("procurement",)),
    "legal": frozenset(("law",)),
    "communications": frozenset(("communications",)),
}
_GRADES = {"SCS1": 1.0, "SCS1A": 1.5, "SCS2": 2.0, "SCS3": 3.0, "SCS4": 4.0}
_SOLDIERS = frozenset(("military", "armed forces"))
_RUNS_IT = re.compile(r"(interim |acting )*(chief executive|permanent secretary)\b", re.IGNORECASE)
_AS_OF = world.TODAY


@dataclass(frozen=True, slots=True)
class Post:
    """A filled post with what is only truth. profession: lower case, empty where not recorded.

    grade: higher is higher, 0 below the senior civil service. top: reports to nobody.
    """

    person: StaffMember
    profession: str
    grade: float
    top: bool


@dataclass(frozen=True, slots=True)
class Body:
    """A public body at a date."""

    name: str
    company: Company
    posts: Mapping[str, Post]


@dataclass(frozen=True, slots=True)
class Placed:
    """A member of a group. right: None where nothing tells. half: of the body."""

    body: str
    product: str
    role: str
    evidence: Evidence
    right: bool | None
    half: int


def bodies(
    date: str, names: Iterable[int] = (0, 1), *, lines: bool = True, industry: str | None = None
) -> Iterator[Body]:
    """The bodies of these halves, with one person for each row of junior posts.

    lines: with who reports to whom. industry: of all of them, as an import may tell it.
    """
    halves = frozenset(names)
    posts: defaultdict[str, dict[str, Post]] = defaultdict(dict)
    sizes: defaultdict[str, float] = defaultdict(float)
    for kind in ("senior", "junior"):
        for number, row in enumerate(title_labels.rows(f"organogram_{kind}.csv.gz")):
            body = row["org"]
            if row["date"] != date or title_labels.half(body) not in halves:
                continue
            sizes[body] += float(row.get("posts_fte", 1))
            if row.get("vacant") == "1" or round(float(row.get("posts_fte", 1))) < 1:
                continue
            key = row.get("post", f"junior-{number}")
            posts[body][f"{body}:{key}"] = _post(row, f"{body}:{key}", lines=lines)
    for body, found in sorted(posts.items()):
        size = round(sizes[body])
        yield Body(body, Company(body, size, size, "GB", industry), found)


def _post(row: Mapping[str, str], person_id: str, *, lines: bool) -> Post:
    above = f"{row['org']}:{row['reports_to']}"
    top = row["reports_to"] == "XX" or above == person_id
    person = StaffMember(
        person_id, row["title"], row["unit"], None, None if top or not lines else above,
        classify(row["title"], row["unit"]),
    )  # fmt: skip
    profession = row["profession"].strip().casefold()
    return Post(person, profession, _GRADES.get(row["grade"].strip(), 0.0), top)


def placed(body: Body, template: Template) -> Iterator[Placed]:
    """Everybody whom the rules choose for a body and a template."""
    staff = [post.person for post in body.posts.values()]
    seen = weigh(body.company, staff, template, _AS_OF)
    around = Surroundings(seen.people, seen.choices, seen.placed)
    for person_id, (role, fit) in sorted(seen.chosen.items()):
        choice = seen.choices[person_id]
        evidence = around.evidence(choice, fit, body.posts[person_id].person.title)
        right = is_right(body, person_id, role, evidence.function)
        yield Placed(
            body.name, template.name, role, evidence, right, title_labels.half(body.name)
        )  # fmt: skip


def is_right(body: Body, person_id: str, role: str, function: str | None) -> bool | None:
    """Whether the recorded profession is that of the function, or the head of the body decides.

    None for functions without a profession, for soldiers, where the profession is not recorded, and
    in bodies where nobody has it.
    """
    post = body.posts[person_id]
    if post.profession in _SOLDIERS:
        return None
    if role == "decision_maker" and _heads(body, post):
        return True
    if function == "executive":
        return False if role == "decision_maker" else None
    wanted = PROFESSIONS.get(function or "")
    if wanted is None or not post.profession:
        return None
    if post.profession in wanted:
        return True
    if function == "finance" and post.profession == "internal audit" and role != "decision_maker":
        return False if role == "champion" else None
    return False if any(one.profession in wanted for one in body.posts.values()) else None


def _heads(body: Body, post: Post) -> bool:
    """At the top, or just below it (a minister or chair) with the highest grade or the office."""
    if post.top:
        return True
    above = body.posts.get(post.person.manager_id or "")
    if above is not None and not above.top:
        return False
    highest = max(one.grade for one in body.posts.values())
    if 0 < post.grade == highest:
        return True
    return _RUNS_IT.match(post.person.title or "") is not None
