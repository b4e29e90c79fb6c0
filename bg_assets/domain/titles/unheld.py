"""Offices that a title names and the person does not hold: not yet, or those of the family."""

from bg_assets.domain.titles.hits import Parsed, Text
from bg_assets.domain.titles.phrases import Phrase
from bg_assets.domain.vocabulary import LEVELS

_STRONG = frozenset(LEVELS[: LEVELS.index("senior")])
_OFFICERS = (("owner",), ("c_level",))
# What these are said of is a thing more often than somebody.
_OF_THINGS = (("future",), ("incoming",))
_OF_THE = (("of", "the"),)
_ARTICLES = frozenset(("the", "a", "an", "our"))


def is_unheld(phrase: Phrase, text: Text, at: int) -> bool:
    """Whether such a word says it of an office: of a `Future CEO`, not of `Future Works`."""
    end = at + len(phrase.words)
    if phrase.value == "before":
        return text.stops(end) and text.told_before(at)
    if phrase.value == "kin":
        linked = _behind_links(text, end)
        return linked > end and text.levels_at(linked)[:1] in _OFFICERS
    if phrase.value == "officer":
        return text.levels_at(end)[:1] == ("c_level",)
    ranks = [
        (place, text.starts[place].levels)
        for place in range(end, text.stop(end))
        if place in text.starts and text.starts[place].levels
    ]
    if not ranks or ranks[-1][1][0] not in _STRONG:
        return False
    if phrase.words not in _OF_THINGS:
        return True
    # `Future CFO`, but neither `Future Mobility Manager` nor `Future Leaders Programme Manager`.
    following = text.starts.get(end)
    silent = following is not None and following.kind == "ignore"
    return len(ranks) == 1 and not silent and text.rank_at(end)


def _behind_links(text: Text, at: int) -> int:
    """The place behind links and articles that stand there: `of the`."""
    while at < len(text.words):
        link = text.starts.get(at)
        if link is not None and (link.kind == "link" or link.words in _OF_THE):
            at += len(link.words)
        elif text.words[at] in _ARTICLES:
            at += 1
        else:
            break
    return at


def unheld(parsed: Parsed, phrase: Phrase, text: Text, at: int, never: int) -> int:
    """The place up to which nothing is the person's; what stands before is forgotten at once.

    never: the place so far, which stays where the phrase says nothing of the kind.
    """
    if phrase.kind != "unheld":
        return never
    end = at + len(phrase.words)
    if phrase.value == "before":
        begun = max((place for place in range(at) if text.parts(place)), default=0)
        parsed.hits[:] = [hit for hit in parsed.hits if hit.at < begun]
        return end
    if phrase.value == "kin":
        # `Wife of the CEO & Founder`
        return min((place for place in text.breaks if place > at), default=len(text.words))
    return text.stop(end)
