"""How what was learned (tail.py) is heard beside what the lexicon reads: by which is likelier."""

from collections.abc import Sequence
from dataclasses import dataclass

from bg_assets.domain.titles import beside, calibration, languages, tail
from bg_assets.domain.titles.function import Basis, Finding
from bg_assets.domain.titles.tail import Likely
from bg_assets.domain.titles.weighing import Reading
from bg_assets.domain.vocabulary import LEVELS, in_words

# What an English title of these ranks names is a topic or a body, which no occupation is like:
# `Deputy Director, Business Rates`, `Director of Resources`.
_OF_TOPICS = frozenset(LEVELS[: LEVELS.index("manager")])
_ACRONYM = 3
# The rule by which nothing was found.
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Opinion:
    """A function with what it rests on, after what was learned is heard.

    reasons: those that come of it; ``instead``: in the place of the lexicon's. perhaps: what it
    could be where no function is told.
    """

    finding: Finding | None
    basis: Basis | None
    reasons: list[str]
    instead: bool = False
    perhaps: tuple[str, ...] = ()


def of(reading: Reading, found: Finding | None, rule: str) -> Likely | None:
    """What titles like this one are; None where that would not count, or none was learned."""
    if reading.why_not == "garbage-only" or not tail.in_use():
        return None
    level = reading.level
    of_level = level is None or (reading.abroad and level.values[0] == "staff")
    return tail.likely(reading.words) if of_level or weighed(reading, found, rule) else None


def digest() -> str:
    """Tells one state of what was learned from another; "none" where it is not in use."""
    return f"{tail.digest()} {beside.digest()}" if tail.in_use() else "none"


def weighed(reading: Reading, found: Finding | None, rule: str) -> bool:
    """Whether what titles like it are counts at all beside such a finding of the lexicon."""
    if found is None:
        # Where every word is known, what titles like it are was known to the lexicon as well.
        return reading.unknown and (reading.abroad or not _names_a_topic(reading))
    # What letters stand for shows in no other word.
    told = len(found.phrase) > _ACRONYM or (reading.abroad and not _names_a_topic(reading))
    return told and rule in beside.WEIGHED and found.values[0] != "executive"


def heard(reading: Reading, likely: Likely, found: Finding | None, basis: Basis | None) -> Opinion:
    """The lexicon's finding with what was learned: in its place, agreeing, or against it."""
    rule = basis.rule if basis else NOTHING
    if not weighed(reading, found, rule):
        return Opinion(found, basis, [])
    case = beside.case_of(reading, likely, found, rule)
    shares = beside.shares(case)
    if shares is None or (
        likely.function is None
        and _is_told(case)
        and (
            # A function that occupations are not sorted by is none of theirs, of course.
            _names_a_topic(reading) or case[0] == "finer"
        )
    ):
        return Opinion(found, basis, [])
    english = case[1].startswith("English")
    if found is None or basis is None:
        if likely.function is None or shares.like < _least_learned(reading, english):
            return Opinion(found, basis, [])
        return _learned(reading.words, likely, shares.like, ())
    if likely.function == found.values[0]:
        # What a fork means only the department tells, and of topics occupations know nothing.
        doubtful = rule == "fork" or _names_a_topic(reading)
        most = min(calibration.MOST_IN_ENGLISH, basis.share if doubtful else 1.0)
        most = most if english else 1.0
        share = min(most, shares.lexicon)
        # Who agrees with a whole title of the lexicon makes it no less sure.
        return Opinion(
            found, Basis(rule, max(share, basis.share) if rule == "title" else share), []
        )
    if _gives_way(reading, likely, found, case, shares):
        return _learned(reading.words, likely, shares.like, found.values)
    against = (
        f"titles like it are of {in_words(likely.function)}"
        if likely.function
        else "titles like it have none of the functions"
    )
    kept = _is_kept(reading, likely, found, case, shares)
    if shares.lexicon < _least_told(reading, likely, case) and not kept:
        could_be = f"{in_words(found.values[0])} by {found.phrase!r} alone"
        return Opinion(None, None, [f"{could_be}: {against}"], True, found.values)
    share = max(shares.lexicon, _floor(reading, found, basis, kept, english))
    lower = share < basis.share - calibration.WORTH_TELLING
    return Opinion(found, Basis(rule, share), [against] if lower else [])


def level(reading: Reading, likely: Likely | None) -> tuple[Finding, Basis] | None:
    """Manager where titles like it nearly always lead others; else nothing more is known.

    Only of titles that are not English, of which the lexicon knows the words of rank: where none
    was found, or a single one of staff that such titles have too (`coordinatrice`).
    """
    if likely is None or not (reading.abroad or likely.foreign >= beside.FOREIGN):
        return None
    of_rank = reading.level
    if of_rank is not None and (of_rank.values[0] != "staff" or of_rank.rule != "word"):
        return None
    if of_rank is not None:
        bands = calibration.LEADS[:1]
    else:
        bands = calibration.LEADS if reading.abroad else calibration.LEADS[:2]
    share = next((share for least, share in bands if likely.leads >= least), None)
    if share is None:
        return None
    values = ("manager", *(of_rank.values if of_rank else ()))
    return Finding(values, "like", ""), Basis("like", share)


def _gives_way(
    reading: Reading,
    likely: Likely,
    found: Finding,
    case: tuple[str, str, str],
    shares: beside.Shares,
) -> bool:
    """Whether what was learned stands in the place of what the lexicon found."""
    if likely.function in (None, "executive", *reading.served):
        return False
    english, topic = case[1].startswith("English"), _names_a_topic(reading)
    if case[0] == "finer":
        return _is_of_a_part(reading, found) and case[2] in beside.FIRMLY_OTHER
    known_phrase = " " in found.phrase and not (english or reading.unknown)
    if known_phrase or len(found.phrase) <= _ACRONYM or _is_whole(reading, found):
        # `Solutions Architect`: the lexicon has the whole title, and knows of whom it is said.
        return False
    if topic and (english or not reading.unknown or case[0] in ("title", "post")):
        return False
    # `Data - Data Analyst`: a word was found first, and a phrase that is firm stands beside.
    if english and found.values[0] in reading.firmly:
        return False
    margin = calibration.MARGIN_IN_ENGLISH if english else calibration.MARGIN
    likelier = shares.like >= shares.lexicon + margin
    strange = _is_strange(reading, likely)
    least = calibration.LEAST_ABROAD if strange else calibration.LEAST_LIKELY
    return likelier and shares.like >= least


def _is_of_a_part(reading: Reading, found: Finding) -> bool:
    """Whether a finer function is that of a part only: `Customs Compliance Manager in Textiles`."""
    small = len(found.phrase) <= _ACRONYM or _is_whole(reading, found)
    return reading.unknown and not small and not _names_a_topic(reading)


def _least_learned(reading: Reading, english: bool) -> float:
    """The share from which on a function is told that nothing but titles like it tells."""
    if english:
        return calibration.LEAST_IN_ENGLISH
    rarely = _language(reading) in calibration.RARELY_ANSWERED
    return calibration.LEAST_LIKELY if rarely else calibration.LEAST_ABROAD


def _floor(reading: Reading, found: Finding, basis: Basis, kept: bool, english: bool) -> float:
    """How often what is kept all the same is right at least."""
    if _is_whole(reading, found):
        return min(basis.share, calibration.LEAST_WHOLE)
    return calibration.LEAST_KEPT if kept and (english or not reading.unknown) else 0.0


def _least_told(reading: Reading, likely: Likely, case: tuple[str, str, str]) -> float:
    """The share from which on the lexicon's function is told beside what titles like it are."""
    english = case[1].startswith("English")
    if english and reading.unknown:
        return calibration.LEAST_STRANGE
    if _is_strange(reading, likely):
        return calibration.LEAST_ABROAD
    # Weak words that are all known (`Manager, Director's Office`) say what they can.
    against = likely.function is not None and not (english and case[0] == "weak")
    return calibration.LEAST_AGAINST if against else calibration.LEAST_LEXICON


def _is_kept(
    reading: Reading,
    likely: Likely,
    found: Finding,
    case: tuple[str, str, str],
    shares: beside.Shares,
) -> bool:
    """Whether what the lexicon found is told whatever titles like it are."""
    strange = _is_strange(reading, likely)
    # Of a compound the last part is what somebody is: `Schiffsmakler`.
    one_word = found.rule == "title" and len(reading.words) == 1 and likely.function is None
    if len(found.phrase) <= _ACRONYM or one_word or _is_whole(reading, found):
        return True
    firm = likely.function is None and case[0] in ("post", "phrase")
    if firm or _names_a_topic(reading):
        return not strange or shares.lexicon >= calibration.LEAST_LEXICON
    # `Legal and Commercial Advisor`: titles like it are of another one of what it names.
    named = likely.function in found.values or bool(reading.served)
    finer = case[0] == "finer" and not (reading.unknown and likely.function is not None)
    return named or finer


def _is_strange(reading: Reading, likely: Likely) -> bool:
    """Whether a title that is surely not English has words that the lexicon has not.

    Not of the language of which fewest titles are answered as it is.
    """
    strange = reading.unknown and likely.foreign >= beside.FOREIGN
    return strange and _language(reading) not in calibration.LEAST_ANSWERED


def _language(reading: Reading) -> str | None:
    told = languages.of(reading.text, reading.spoken)
    return told.language if told else None


def _is_whole(reading: Reading, found: Finding) -> bool:
    """Whether one phrase of the lexicon is all that the title says; no part of a compound is."""
    phrase = found.phrase.split()
    return len(phrase) >= len(reading.words) and (
        not reading.abroad or {*reading.words} <= {*phrase}
    )


def _is_told(case: tuple[str, str, str]) -> bool:
    """Whether every word is English and known: of a `Head of Sales` occupations know nothing."""
    return case[1] == "English known"


def _names_a_topic(reading: Reading) -> bool:
    return reading.level is not None and not _OF_TOPICS.isdisjoint(reading.level.values)


def _learned(
    words: Sequence[str], likely: Likely, share: float, others: tuple[str, ...]
) -> Opinion:
    best = likely.best
    told = sorted(zip(likely.chances, likely.functions, strict=True), reverse=True)
    as_well = [name for chance, name in told if chance >= calibration.AS_WELL]
    values = tuple(dict.fromkeys((best, *as_well, *others)))
    found = Finding(values, "like", repr(tail.like(words, best)))
    reasons = [f"function {best}: like: {found.phrase}"]
    if values[1:]:
        could_be = " or ".join(in_words(one) for one in values[1:])
        reasons.append(f"function could be {could_be}")
    return Opinion(found, Basis("like", share), reasons, instead=True)
