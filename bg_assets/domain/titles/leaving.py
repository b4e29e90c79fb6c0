"""Whether a title says that what it names is over, for the person or for one thing of several."""

from dataclasses import dataclass

from bg_assets.domain.titles.dates import beginning, behind_date, behind_span
from bg_assets.domain.titles.hits import MEANINGFUL, Hit, Parsed, Text

# These tell what was true once only right before a rank: `Past President`, not `Past Due`.
_ONCE = frozenset(("past", "late", "outgoing"))
# The same, before one who leads only, and where a title begins: `Was CFO`, not `War Correspondent`.
_WAS = frozenset(("era", "foi", "fue", "war", "was"))
_BEHIND = frozenset(("behind", "over", "until"))


@dataclass(slots=True)
class Past:
    """on: what follows in the section was true once only; until: what stands before that place.

    never: what stands before that place is not the person's.
    """

    on: bool = False
    until: int = -1
    never: int = -1


def leaver(parsed: Parsed, hit: Hit, past: Past, text: Text, end: int) -> None:
    """Note what a word like former, retired or vacant says. end: the place after it."""
    phrase, following = hit.phrase, text.starts.get(end)
    if phrase.value == "all":
        parsed.gone = True
    elif phrase.value == "now":
        past.on = False
    elif phrase.words == ("ex",):
        past.on = following is not None and following.kind in MEANINGFUL
    elif text.looks_after_people(end):
        return
    elif phrase.value in _BEHIND:
        _behind(parsed, hit, past, text, end)
    elif phrase.value == "retired":
        _retired(parsed, hit, past, text, end)
    elif end >= len(text.words):
        # `Directeur financier (ancien)`, but not `Hand Former`.
        alone = hit.at in text.breaks or (hit.at == 0 and parsed.weak)
        parsed.gone = parsed.gone or alone
    elif phrase.words[0] in _WAS:
        past.on = past.on or (hit.at == 0 and text.leader_at(end))
    elif phrase.words[0] not in _ONCE or text.rank_at(end):
        past.on = True


def _retired(parsed: Parsed, hit: Hit, past: Past, text: Text, end: int) -> None:
    """Retired: from what follows up to a comma, from what stands before, or altogether."""
    if not text.stops(behind_date(text, end)):
        parsed.retired, past.until = True, text.stop(end)
    elif hit.at == 0:
        parsed.gone = True
    else:
        parsed.retired = True
        parsed.past += parsed.hits
        parsed.hits.clear()


def ended(parsed: Parsed, past: Past, text: Text, at: int) -> int:
    """The place behind a span of years that ended, noted as such; the same place without one."""
    end = behind_span(text, at)
    if end > at and text.stops(end):
        _over(parsed, past, text, beginning(text, at), years=True)
    return end


def _behind(parsed: Parsed, hit: Hit, past: Past, text: Text, end: int) -> None:
    """Note what says that what stands before it is over: `CFO uscente`, `CFO until 2023`."""
    dated = behind_date(text, end)
    begins = hit.at == 0 or hit.at in text.breaks
    value = hit.phrase.value
    if not text.stops(dated) or (value == "until" and dated == end):
        return
    if value != "over" or begins or dated > end:
        _over(parsed, past, text, hit.at)


def _over(parsed: Parsed, past: Past, text: Text, at: int, *, years: bool = False) -> None:
    """What stands before a place is over; a whole section that says so, says it of the others.

    years: a span says so, which may be that of a thing: `CFO, Budget 2023-2024`.
    """
    if past.on:
        return
    if at == 0:
        parsed.gone = True
        return
    if at in text.breaks:
        begun = 0
    elif text.told_before(at):
        begun = max((place for place in text.breaks if place < at), default=0)
        # `VP, Finance until 2020`
        if not any(hit.levels for hit in parsed.hits if hit.at >= begun):
            if years:
                return
            begun = 0
    else:
        return
    parsed.retired = True
    parsed.past += [hit for hit in parsed.hits if hit.at >= begun]
    parsed.hits[:] = [hit for hit in parsed.hits if hit.at < begun]
