"""Whether a title says that what it names is over, for the person or for one thing of several."""

from dataclasses import dataclass

from bg_assets.domain.titles.hits import MEANINGFUL, Hit, Parsed, Text

# These tell what was true once only right before a rank: `Past President`, not `Past Due`.
_ONCE = frozenset(("past", "late", "outgoing"))


@dataclass(slots=True)
class Past:
    """on: what follows in the section was true once only; until: what stands before that place."""

    on: bool = False
    until: int = -1


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
    elif phrase.value == "retired":
        _retired(parsed, hit, past, text, end)
    elif end >= len(text.words):
        # `Directeur financier (ancien)`, but not `Hand Former`.
        alone = hit.at in text.breaks or (hit.at == 0 and parsed.weak)
        parsed.gone = parsed.gone or alone
    elif phrase.words[0] not in _ONCE or text.rank_at(end):
        past.on = True


def _retired(parsed: Parsed, hit: Hit, past: Past, text: Text, end: int) -> None:
    """Retired: from what follows up to a comma, from what stands before, or altogether."""
    if not text.stops(end):
        parsed.retired, past.until = True, text.stop(end)
    elif hit.at == 0:
        parsed.gone = True
    else:
        parsed.retired = True
        parsed.past += parsed.hits
        parsed.hits.clear()
