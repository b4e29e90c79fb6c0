"""Whether a rank is what others serve or look after: of a `Chair Support Officer` the chair.

Told by what stands right behind it in its run, and by the rank in which the run ends.
"""

from bg_assets.domain.titles.hits import Ahead, Hit, Text
from bg_assets.domain.titles.phrases import Phrase
from bg_assets.domain.vocabulary import LEVELS

_SOFT = frozenset(LEVELS[LEVELS.index("senior") :])
# What looks after somebody of rank or after his doings: `VP Office`; of an officer, `CFO Advisory`.
_ABOUT = frozenset(("office", "offices", "club"))
_ABOUT_OFFICERS = _ABOUT | frozenset(
    (
        *("advisory", "agenda", "communications", "council", "coverage", "forum", "network"),
        *("practice", "relations", "roundtable", "staff", "suite", "team"),
    )
)
# What is done for somebody of rank; for one who is below an officer, by somebody of no rank only:
# a `Director Support` leads it.
_DONE_FOR = frozenset(("correspondence", "diary", "liaison", "support"))
_BEFORE_RANKS = _DONE_FOR | _ABOUT
# The same, where somebody of no rank does it: a `President Services` leads them.
_DONE_BY_STAFF = _DONE_FOR | frozenset(
    ("affairs", "engagement", "events", "experience", "programs", "services", "success", "visits")
)
_OFFICERS = frozenset(("owner", "c_level"))
# Whom somebody serves who is named right before: officers, and of secretaries all who lead others.
_SERVED = _OFFICERS | {"vp", "head", "director"}
_IN_SHORT = frozenset(("ea", "pa"))
_HELPING = frozenset(("assistant", "associate"))
_ASSISTING = ("assist", "asist", "asyst")
_SECRETARIES = ("secret", "sekret", "segret")
_SECRETARIATS = frozenset(("secretariat", "secretariaat", "sekretariat", "sekretariatet"))
_OWN_OFFICE = frozenset((("general",), ("company",), ("corporate",)))
_EXECUTIVE = ("executive", "personal", "management")
_LED = frozenset(("director", "manager"))
# Whom a partner works with rather than what he is: a `Partner Patent Attorney` is one.
_FOR_PARTNERS = frozenset(
    (
        *("administrator", "analyst", "assistant", "associate", "coordinator", "developer"),
        *("engineer", "executive", "officer", "representative", "specialist", "strategist"),
        *("technologist", "trainer"),
    )
)
_TOPICS_OF_PARTNERS = frozenset(
    (
        *("alliances", "ecosystem", "enablement", "engagement", "experience", "management"),
        *("marketing", "network", "onboarding", "operations", "program", "programs", "relations"),
        *("sales", "success", "support"),
    )
)
_SOLUTIONS = frozenset(("solution", "solutions"))
_PARTNER, _HEAD, _SUPPORT, _CHAIR = ("partner",), ("head",), ("support",), ("chair",)
# Who supports an officer runs an office, and no help desk.
_OFFICE_WORK = Phrase("support", _SUPPORT, "function", ("administration",))


def of_others(phrase: Phrase, text: Text, at: int, ahead: Ahead, word: str) -> bool:
    """Whether a rank at a place is not the person's own; ahead, word: what follows it."""
    if not word or ahead in (Ahead.END, Ahead.LINK, Ahead.AND):
        return False
    end = at + len(phrase.words)
    if phrase.words == _HEAD:
        return word == "office" and not text.ends(end + 1)
    if phrase.words == _PARTNER:
        return _is_served(text, end, ahead, word)
    if phrase.words == _CHAIR and ahead is not Ahead.RANK and _ends_in_staff(text, end):
        # `Chair Massage Therapist`: where people sit.
        return True
    if ahead is Ahead.RANK and word not in _BEFORE_RANKS:
        return False
    first = phrase.levels[:1]
    if first == ("c_level",) and word in _ABOUT_OFFICERS:
        return True
    if word in _ABOUT and text.stops(end + 1):
        return True
    if first and first[0] in _OFFICERS:
        # `CEO Support Services` is one, of what is called so.
        alone = word in _DONE_FOR and text.stops(end + 1)
        return alone or (word in _DONE_BY_STAFF and _ends_in_staff(text, end))
    return bool(first) and first[0] in _LED and word in _DONE_FOR and _ends_in_staff(text, end)


def serves(before: Phrase, phrase: Phrase) -> bool:
    """Whether who is named right before an office serves whoever holds it: `PA CEO`.

    An `Assistant CFO` may be a deputy, and an `Executive Assistant Director` is one.
    """
    first, last = phrase.levels[:1], before.words[-1]
    if not first or first[0] not in _SERVED or before.words[:1] in _OWN_OFFICE:
        return False
    if before.levels[:1] != ("assistant",) and last not in _SECRETARIATS:
        return False
    if len(before.words) == 1 and last in _HELPING:
        return False
    if first[0] in _OFFICERS:
        return last in _IN_SHORT or any(part in last for part in (*_ASSISTING, *_SECRETARIES))
    secretary = last in _IN_SHORT or any(part in last for part in _SECRETARIES)
    named = bool(phrase.functions) and before.text.startswith(_EXECUTIVE)
    return (secretary and before.words != ("secretary",)) or named


def served(phrase: Phrase, before: Hit | None, at: int) -> Phrase:
    """What a phrase right behind whom somebody serves means; of most the same as elsewhere."""
    if phrase.words != _SUPPORT or before is None or not before.owned:
        return phrase
    adjacent = before.at + len(before.phrase.words) == at
    return _OFFICE_WORK if adjacent and before.phrase.words != _PARTNER else phrase


def _is_served(text: Text, end: int, ahead: Ahead, word: str) -> bool:
    """Whether a partner is another firm: `Partner Intelligence Officer`, not `Partner Tax`."""
    stop = text.stop(end)
    ranks = [one for at, one in text.starts.items() if end <= at < stop and one.levels]
    if not ranks:
        return ahead is not Ahead.RANK and word in _TOPICS_OF_PARTNERS
    last = ranks[-1]
    works = last.words[-1] in _FOR_PARTNERS or last.words[0] in _SOLUTIONS
    return last.levels[0] in _SOFT and works


def _ends_in_staff(text: Text, end: int) -> bool:
    """Whether who is named behind, up to a comma or link, is of no rank."""
    stop = text.stop(end)
    ranks = [one.levels[0] for at, one in text.starts.items() if end <= at < stop and one.levels]
    return bool(ranks) and _SOFT.issuperset(ranks)
