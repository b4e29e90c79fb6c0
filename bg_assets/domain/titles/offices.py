"""Which of the ranks that a title names is the person's: the highest that is no one else's.

A part of a title that names a rank is an office: `IT Manager & HR Director` has two. Not counted
are the ranks of whom somebody assists, works for or looks after, and topics that are called like a
rank (`Manager, CFO Advisory`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bg_assets.domain.titles.function import Finding, found
from bg_assets.domain.titles.hits import Ahead, Hit, runs
from bg_assets.domain.titles.lexicon import Lexicon
from bg_assets.domain.vocabulary import LEVELS

STRONG = frozenset(LEVELS[: LEVELS.index("senior")])
# Heads and directors are one tier: which of them stands higher differs by country.
_TIER = {level: 2.0 * (len(LEVELS) - at) for at, level in enumerate(LEVELS)}
_TIER["head"] = _TIER["director"]
_DEPUTY = _TIER["manager"] + 1
_IN_NAME = _TIER["manager"] - 1
# An assistant right before an office is below it: `Associate Provost`, `Assistant Dean`.
_HELPERS = (("assistant",), ("associate",))
_BELOW: Mapping[str, tuple[str, ...]] = {
    "owner": ("director", "manager"),
    "c_level": ("director", "manager"),
    "vp": ("director", "vp"),
    "head": ("manager", "director"),
    "director": ("manager", "director"),
}
_OFFICERS = frozenset(("owner", "c_level"))
_MEMBER = frozenset(
    ("member", "mitglied", "membre", "miembro", "membro", "lid", "medlem", "czlonek")
)
# Whom an assistant of another language serves: `Asistente de dirección y gerencia`.
_BODIES = frozenset(
    (
        *("bestuur", "directie", "direccion", "direcao", "direction", "direzione", "diretoria"),
        *("geschaftsfuhrung", "geschaftsleitung", "gerencia", "ledning", "presidencia"),
        *("presidenza", "vorstand", "vorstands", "zarzadu"),
    )
)
# Who serves an officer that is named after a comma: `Chief of Staff, CEO`.
_SERVING = frozenset(("chief of staff", "business manager", "executive officer"))
# Words that name a thing more often than somebody: `Manager, Partner Marketing`, `Head & Neck`.
_THINGS = frozenset(("partner", "head", "chair", "principal", "leader", "steward", "managing"))
# Whose office may stand right before another one: `Vice President Branch Manager`.
_BESIDE = frozenset(("president", "vp", "svp", "evp", "avp", "director"))
_STUDENTS = frozenset(("student", "undergraduate"))
_LEARNERS = frozenset(("intern", "apprentice", "extern"))
_LEARNING = frozenset(("internship", "placement", "ausbildung", "praktikum"))
# What is done for those who learn, by people who don't.
_FOR_LEARNERS = frozenset(
    (
        *("academic", "accommodation", "admissions", "affairs", "apprenticeship", "career"),
        *("careers", "coordinator", "counselling", "counseling", "development", "employability"),
        *("engagement", "enrolment", "enrollment", "experience", "finance", "housing"),
        *("information", "learning", "life", "loans", "outreach", "placement"),
        *("program", "programme", "programmes", "programs", "progress", "progression"),
        *("record", "records", "recruitment", "relations", "residence", "retention"),
        *("scheme", "schemes", "services", "success", "support", "systems"),
        *("transport", "travel", "union", "voice", "welfare", "wellbeing"),
    )
)


@dataclass(slots=True)
class Office:
    """A rank with the part of the title that names it. section: which of the plain ones."""

    finding: Finding
    tier: float
    section: int
    board: bool  # a seat on a board rather than work
    unit: int
    hits: list[Hit] = field(default_factory=list)

    def yields(self, other: "Office") -> bool:
        """Whether a later office stands before this one."""
        deputy = self.tier == _DEPUTY and self.finding.phrase.endswith("director")
        if deputy and other.tier <= _TIER["director"]:
            # A `Deputy Director, Head of Unit` is one post, and no higher one than either.
            return False
        same = self.finding.values[0] == other.finding.values[0]
        # `Managing Director & CEO`: the same level without a doubt.
        firmer = same and len(other.finding.values) < len(self.finding.values)
        return other.tier > self.tier or firmer


@dataclass(frozen=True, slots=True)
class Held:
    """The office that counts. part: what is said of it, or of all those that stand as high."""

    finding: Finding
    section: int
    part: tuple[Hit, ...]


def held(sections: Sequence[Sequence[Hit]], lexicon: Lexicon) -> Held | None:
    """The office of a title: of several the highest, of equals the first.

    A seat on a board counts only where nothing else is done; beside it advice alone is nothing.
    """
    offices = [
        office for at, hits in enumerate(sections) if hits for office in _offices(hits, at, lexicon)
    ]
    if not offices:
        return None
    if len(offices) == 1:
        return Held(offices[0].finding, offices[0].section, tuple(offices[0].hits))
    working = [o for o in offices if not o.board]
    if len(working) < len(offices) and all(o.tier < _IN_NAME and _advises(o) for o in working):
        working = [o for o in offices if o.board]
    first = working[0]
    for office in working[1:]:
        first = office if first.yields(office) else first
    equals = [o for o in working if o.section == first.section and o.tier >= first.tier]
    return Held(first.finding, first.section, tuple(hit for o in equals for hit in o.hits))


def telling(hits: Sequence[Hit], level: Finding, lexicon: Lexicon) -> Sequence[Hit]:
    """The hits that may tell the function beside a level: no seats on boards, no `Owner Brands`."""
    if level.values[0] == "owner" or all(h.levels[:1] != ("owner",) for h in hits):
        return hits
    return [h for h in hits if h.levels[:1] != ("owner",) or _of_work(h, lexicon)]


def _of_work(hit: Hit, lexicon: Lexicon) -> bool:
    seat = " ".join(hit.phrase.words) in lexicon.boards
    return not seat and hit.ahead in (Ahead.END, Ahead.LINK)


def _advises(office: Office) -> bool:
    return office.finding.phrase in ("advisor", "adviser", "member", "speaker", "volunteer")


def _offices(hits: Sequence[Hit], section: int, lexicon: Lexicon) -> list[Office]:
    """The offices of one section in reading order, each with what follows up to the next."""
    offices: list[Office] = []
    leading: list[Hit] = []
    reader = _Reader(hits, lexicon)
    for run in runs(hits):
        finding = reader.office(run)
        last = offices[-1] if offices else None
        if finding is not None and last is not None and _learns(finding, last, run[0].unit):
            last.finding, last.tier = finding, _TIER["intern"]
        elif finding is not None:
            board = finding.values[0] == "owner" and finding.phrase in lexicon.boards
            tier = _tier(finding, run, lexicon)
            offices.append(Office(finding, tier, section, board, run[0].unit))
        if offices:
            offices[-1].hits += run
        else:
            leading += run
    if offices:
        offices[0].hits[:0] = leading
        return offices
    graded = _graded(hits)
    if graded is None:
        return []
    return [Office(graded, _TIER[graded.values[0]] - 1, section, False, 0, leading)]


def _learns(finding: Finding, office: Office, unit: int) -> bool:
    """Whether the office before is learned only: `Software Engineer, Trainee`."""
    learns = finding.values[0] == "intern" and office.finding.values[0] not in STRONG
    return learns and office.unit == unit


def _tier(finding: Finding, run: Sequence[Hit], lexicon: Lexicon) -> float:
    if finding.values[0] == "c_level" and any(h.deputy for h in run):
        return _TIER["director"]
    if finding.values == ("manager", "director"):
        return _DEPUTY
    if finding.values[0] == "c_level" and finding.phrase.split()[0] in _MEMBER:
        # `Mitglied des Vorstands, CFO` is the CFO.
        return _TIER["c_level"] - 1
    if finding.values[0] == "manager" and lexicon.in_name(tuple(finding.phrase.split())):
        return _IN_NAME
    return _TIER[finding.values[0]]


class _Reader:
    """Goes through the runs of a section; knows whom the person was found to be so far."""

    def __init__(self, hits: Sequence[Hit], lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.grades = [h for h in hits if h.kind == "grade"]
        # `CIO & CTO Practice`: both are what it is about.
        self.about: frozenset[int] = frozenset()
        if any(hit.owned for hit in hits):
            self.about = frozenset(
                hit.at
                for hit, after in pairwise(hits)
                if after.owned
                and hit.levels
                and hit.unit != after.unit
                and after.at == hit.at + len(hit.phrase.words) + 1
            )
        self.first: Hit | None = None  # the first rank of the section
        self.last: Hit | None = None  # the last rank that was read
        self.served = False  # that one is somebody else's
        self.unit = -1
        self.within = False  # what the first one is of, for or in was named

    def office(self, run: Sequence[Hit]) -> Finding | None:
        """The office that a run names, or None."""
        ranked = [h for h in run if h.levels and h.at not in self.about]
        self.within = self.first is not None and (run[0].linked or self.within)
        if not ranked:
            return None
        after_comma = self.first is not None and run[0].unit == self.unit
        learns = ranked[-1].levels[0] == "intern"
        if not learns and self._is_of_others(ranked, after_comma):
            self.last, self.served = ranked[-1], True
            return None
        if (after_comma or self.within) and not learns and not _strong(ranked):
            # `Assistant, Executive Team`, `PA in Policy and Economist Group`: the first one tells.
            return None
        if self.first is not None:
            ranked = [h for h in ranked if not _a_thing(h, after_comma)]
        if not ranked:
            return None
        # `Assistant Legal Adviser` is an adviser: but for learners the last word tells.
        self.first = self.first or ranked[0 if ranked[0].levels[0] == "intern" else -1]
        before = self.last.at if self.last else -1
        self.last, self.served, self.unit = ranked[-1], False, run[0].unit
        grades = [g for g in self.grades if g.unit == self.unit and g.at > before]
        return _rank_of(ranked, grades, self.lexicon)

    def _is_of_others(self, ranked: Sequence[Hit], after_comma: bool) -> bool:
        """Whether the ranks of a run are those of somebody for whom the person works."""
        if self.first is None or self.last is None:
            return False
        first, hit = self.first, ranked[0]
        if hit.linked or ranked[-1].linked:
            return first.phrase.words[0] not in _MEMBER
        if self.served and hit.at == self.last.at + len(self.last.phrase.words) + 1:
            # `Analyst for the CEO & CFO`.
            return True
        assisted = first.levels[0] == "assistant" and hit.phrase.words[-1] in _BODIES
        if assisted and first.phrase.language != "en":
            return True
        if not after_comma:
            return False
        level = hit.levels[0]
        if first.levels[0] == "assistant":
            return level in STRONG and level != "manager"
        if first.levels[0] == "intern":
            return level not in _OFFICERS
        return level in _OFFICERS and first.phrase.text in _SERVING


def _strong(ranked: Sequence[Hit]) -> list[Hit]:
    return [h for h in ranked if h.levels[0] in STRONG]


def _a_thing(hit: Hit, after_comma: bool) -> bool:
    """Whether a rank that stands after another one is what is worked on: `Manager, CEO Brands`."""
    if hit.ahead in (Ahead.END, Ahead.LINK, Ahead.RANK):
        return False
    if len(hit.phrase.words) == 1 and hit.phrase.words[0] in _THINGS:
        return hit.phrase.words[0] != "head" or hit.ahead is not Ahead.FUNCTION
    if len(hit.levels) > 1 or hit.levels[0] not in _OFFICERS:
        return False
    return after_comma or (hit.ahead is Ahead.FUNCTION and len(hit.phrase.words) == 1)


def _rank_of(ranked: list[Hit], graded: Sequence[Hit], lexicon: Lexicon) -> Finding:
    """The rank of a run: the last word of rank tells it, but for helpers and learners."""
    ranked = [h for h in ranked if not _for_learners(h, ranked)] or ranked
    interns = [h for h in ranked if h.levels[0] == "intern"]
    if interns and (ranked[-1] in interns or ranked[0] in interns):
        return found(interns[0])
    strong = _strong(ranked)
    if strong:
        last = strong[-1]
        helper = _helper(last, ranked)
        if helper is not None:
            return found(helper)
        return _stepped(_highest(strong), ranked, graded, lexicon)
    soft = ranked[-1]
    grades = {g.phrase.value for g in graded}
    if "chief" in grades:
        officer = soft.phrase.words[-1] == "officer"
        return Finding(("c_level",) if officer else ("head", "director"), "word", "chief")
    if soft.levels[0] == "staff" and grades & {"senior", "lead"}:
        return Finding(("senior",), "word", sorted(grades & {"senior", "lead"})[-1])
    return found(soft)


def _for_learners(hit: Hit, ranked: Sequence[Hit]) -> bool:
    """Whether a word for somebody who learns says whom another looks after."""
    word = hit.phrase.words[-1]
    if hit.levels[0] != "intern" or len(ranked) < 2:
        return False
    if word in _LEARNING:
        return any(_leads(h) for h in ranked)
    if word not in _STUDENTS | _LEARNERS:
        return False
    after = next((h for h in ranked if h.at > hit.at), None)
    if after is None:
        # `Director Student Affairs`, but `Manager Trainee`.
        return hit.ahead is not Ahead.END
    adjacent = after.at == hit.at + len(hit.phrase.words)
    named = hit.next_word in _FOR_LEARNERS
    return named or not adjacent if word in _STUDENTS else named and _leads(after)


def _leads(hit: Hit) -> bool:
    return hit.levels[0] in STRONG or hit.phrase.words[-1] == "coordinator"


def _highest(strong: Sequence[Hit]) -> Hit:
    """The last one, but for `Vice President Branch Manager`."""
    last = strong[-1]
    for hit in strong[:-1]:
        above = hit.phrase.words[-1] in _BESIDE and hit.phrase.words[0] != "managing"
        if above and _TIER[hit.levels[0]] > _TIER[last.levels[0]]:
            return hit
    return last


def _helper(holder: Hit, run: Sequence[Hit]) -> Hit | None:
    """Who works for the holder of the title before: `VP Assistant`, `CFO Advisor`."""
    after = next((h for h in run if h.at == holder.at + len(holder.phrase.words)), None)
    if after is None:
        return None
    officer = holder.levels[0] == "c_level" and holder.kind == "title"
    return after if after.levels[0] == "assistant" or officer else None


def _stepped(hit: Hit, ranked: Sequence[Hit], graded: Sequence[Hit], lexicon: Lexicon) -> Finding:
    """The rank of a strong word, below it where an assistant's or a manager's of things is meant.

    Many call a senior manager of things a manager all the same: that stays what it could be.
    """
    words = hit.phrase.words
    helpers = [h for h in ranked if h.at < hit.at and h.phrase.words in _HELPERS]
    if hit.levels[0] != "manager" or not lexicon.in_name(words):
        direct = bool(helpers) and helpers[-1].at + 1 == hit.at
        below = _BELOW.get(hit.levels[0]) if direct else None
        text = " ".join((*helpers[-1].phrase.words, *words)) if below else ""
        return Finding(below, "title", text) if below else found(hit)
    said = {g.phrase.value for g in graded if g.at < hit.at or g.ahead is Ahead.END}
    if helpers or "junior" in said:
        return Finding(("staff", "manager"), "title", " ".join(words))
    if said & {"senior", "lead"}:
        return Finding(("senior", "manager"), "title", " ".join(words))
    return found(hit)


def _graded(hits: Sequence[Hit]) -> Finding | None:
    """A level from senior, lead or junior alone, where no word of rank stands."""
    for hit in hits:
        if hit.kind == "grade":
            levels = {
                "senior": ("senior",),
                "lead": ("senior", "manager"),
                "junior": ("staff",),
                "chief": ("head", "director"),
            }[hit.phrase.value]
            return Finding(levels, "grade", " ".join(hit.phrase.words))
    return None
