"""How what was learned (tail.py) is heard beside what the lexicon reads: that comes first."""

from collections.abc import Sequence
from dataclasses import dataclass

from bg_assets.domain.titles import calibration, tail
from bg_assets.domain.titles.function import Basis, Finding
from bg_assets.domain.titles.tail import Likely
from bg_assets.domain.titles.weighing import Reading
from bg_assets.domain.vocabulary import LEVELS, in_words

# Which readings yield where titles like it firmly have another function. The others yield only
# abroad, where the lexicon has fewer words, and where that is sure.
_YIELDING = frozenset(("weak", "word"))
# What an English title of these ranks names is a topic or a body, which no occupation is like:
# `Deputy Director, Business Rates`, `Director of Resources`.
_OF_TOPICS = frozenset(LEVELS[: LEVELS.index("manager")])
# ESCO's occupations are sorted more coarsely: analysts of data are with it, after-sales with sales.
_FINER = frozenset(("data", "support", "customer_success", "revenue_operations"))
_ACRONYM = 3


@dataclass(frozen=True, slots=True)
class Opinion:
    """A function with what it rests on, after what was learned is heard.

    reasons: those that come of it; ``instead``: in the place of the lexicon's.
    """

    finding: Finding | None
    basis: Basis | None
    reasons: list[str]
    instead: bool = False


def of(reading: Reading) -> Likely | None:
    """What titles like this one are; None where it is no title or none was learned."""
    if reading.why_not == "garbage-only" or not tail.in_use():
        return None
    return tail.likely(reading.words)


def digest() -> str:
    """Tells one state of what was learned from another; "none" where it is not in use."""
    return tail.digest() if tail.in_use() else "none"


def heard(reading: Reading, likely: Likely, found: Finding | None, basis: Basis | None) -> Opinion:
    """The lexicon's finding with what was learned: in its place, agreeing, or against it."""
    if found is None or basis is None:
        least = calibration.SURE if _is_english(reading) else calibration.LEAST_LIKELY
        topic = _names_a_topic(reading) and not reading.abroad
        # Where every word is known, what titles like it are was known to the lexicon as well.
        if not likely.functions or likely.share < least or topic or not reading.unknown:
            return Opinion(found, basis, [])
        return _learned(reading.words, likely, ())
    if found.values[0] == "executive" or basis.rule not in calibration.LIKE_NONE:
        return Opinion(found, basis, [])
    if len(found.phrase) <= _ACRONYM:
        # What letters stand for shows in no other word.
        return Opinion(found, basis, [])
    sure = likely.share >= calibration.SURE
    if found.values[0] in likely.functions:
        least = calibration.LIKE_IS_SURE if sure else calibration.LIKE_AGREES
        return Opinion(found, Basis(basis.rule, max(basis.share, least)), [])
    if likely.functions and _yields(reading, likely, found, basis):
        return _learned(reading.words, likely, found.values)
    if likely.functions and basis.rule in _YIELDING and likely.share >= calibration.FIRM:
        most = calibration.LIKE_DIFFERS
        reason = f"titles like it are of {in_words(likely.functions[0])}"
        return Opinion(found, Basis(basis.rule, min(basis.share, most)), [reason])
    if sure and not likely.functions:
        most = calibration.LIKE_NONE[basis.rule]
        reason = "titles like it have none of the functions"
        return Opinion(found, Basis(basis.rule, min(basis.share, most)), [reason])
    return Opinion(found, basis, [])


def level(reading: Reading, likely: Likely | None) -> Finding | None:
    """Manager where titles like it nearly always lead others; else nothing is known.

    Only where something of it was read as another language: of English the lexicon knows the words
    of rank, and of a word of no language nothing is known.
    """
    if likely is None or not reading.abroad or likely.leads < calibration.LEADS_FROM:
        return None
    return Finding(("manager",), "like", "")


def _yields(reading: Reading, likely: Likely, found: Finding, basis: Basis) -> bool:
    """Whether what was learned stands in the place of what the lexicon found."""
    function = found.values[0]
    if function in _FINER or likely.functions[0] in reading.served:
        return False
    if reading.abroad:
        easily = basis.rule in _YIELDING and not _names_a_topic(reading)
        return likely.share >= (calibration.FIRM if easily else calibration.SURE)
    # `Data - Data Analyst`: a word was found first, and a phrase that is firm stands beside.
    firm = basis.rule not in _YIELDING or function in reading.firmly
    return not firm and not _names_a_topic(reading) and likely.share >= calibration.SURE


def _is_english(reading: Reading) -> bool:
    """Whether something in it was read, and all that was read is English."""
    return not reading.abroad and (reading.level is not None or reading.function is not None)


def _names_a_topic(reading: Reading) -> bool:
    return reading.level is not None and not _OF_TOPICS.isdisjoint(reading.level.values)


def _learned(words: Sequence[str], likely: Likely, others: tuple[str, ...]) -> Opinion:
    function, *rest = likely.functions
    found = _with_others(Finding((function, *rest), "like", _like(words, likely)), others)
    reasons = [f"function {function}: like: {found.phrase}"]
    if found.values[1:]:
        could_be = " or ".join(in_words(one) for one in found.values[1:])
        reasons.append(f"function could be {could_be}")
    share = min(likely.share, calibration.LIKE_DIFFERS if others else calibration.MOST_LIKELY)
    return Opinion(found, Basis("like", share), reasons, instead=True)


def _with_others(found: Finding, others: Sequence[str]) -> Finding:
    return Finding(tuple(dict.fromkeys((*found.values, *others))), found.rule, found.phrase)


def _like(words: Sequence[str], likely: Likely) -> str:
    return repr(tail.like(words, likely.functions))
