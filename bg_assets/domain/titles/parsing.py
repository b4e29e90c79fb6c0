"""From a title to what was found in it: units and runs of phrases, and what was left over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bg_assets.domain.titles.cleaning import Section, tokens
from bg_assets.domain.titles.compounds import derived
from bg_assets.domain.titles.languages import UNTOLD, Told
from bg_assets.domain.titles.lexicon import Lexicon, Phrase

MEANINGFUL = frozenset(("title", "function", "acronym", "weak", "level", "grade"))


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase at a place. unit: counts joining signs before it; run: counts links and breaks."""

    phrase: Phrase
    at: int
    unit: int
    run: int
    linked: bool  # the run began with of, for, in rather than with a comma
    owned: bool = False  # it tells whose office or helper this is, not what the person is

    @property
    def kind(self) -> str:
        return self.phrase.kind

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels, best first; none where the title is somebody else's."""
        return () if self.owned else self.phrase.levels


@dataclass(slots=True)
class Parsed:
    """What a section holds: hits that are true now, hits that were true once, leftovers."""

    hits: list[Hit] = field(default_factory=list)
    past: list[Hit] = field(default_factory=list)
    gone: bool = False  # it says that the person left or the post is empty
    unknown: int = 0
    joined: bool = False  # it names several things, joined by a sign
    foreign: bool = False  # it has words of a language that the lexicon does not know
    abroad: bool = False  # it has words of a language other than English that it knows
    weak: bool = False


def parse(section: Section, lexicon: Lexicon, languages: Mapping[str, Told] = UNTOLD) -> Parsed:
    """One section read with the lexicon; languages: that of the title, by the ambiguous word."""
    words, breaks, lower, odd, owners, made = _rewritten(section, lexicon)
    starts = _found(words, lower, lexicon, languages, odd)
    parsed = Parsed(weak=section.weak, abroad=made)
    at = unit = run = 0
    linked = past = office = False
    while at < len(words):
        if at in breaks:
            run, linked, office = run + 1, False, False
        phrase = starts.get(at)
        if phrase is None:
            if words[at] == "and":
                unit, run, linked = unit + 1, run + 1, False
                office = office and not parsed.hits
                parsed.joined = True
            elif not words[at].isdigit():
                parsed.unknown += 1
                parsed.foreign = parsed.foreign or at in odd
            at += 1
            continue
        if phrase.kind == "cut" and parsed.hits:
            break
        if phrase.kind == "link":
            run, linked = run + 1, True
            office = phrase.words[:2] == ("office", "of")
        size = len(phrase.words)
        following = starts.get(at + size)
        owned = office or (at + size - 1 in owners and at + size < len(words))
        past = _heard(parsed, Hit(phrase, at, unit, run, linked, owned), past, following)
        if phrase.words == ("ex",) and not past and following is None:
            at += 1
        if phrase.words[-1] == "to" or phrase.words[-2:] == ("to", "the"):
            break
        at += len(phrase.words)
        parsed.abroad = parsed.abroad or phrase.language != "en"
    return parsed


def _found(
    words: Sequence[str],
    lower: frozenset[int],
    lexicon: Lexicon,
    languages: Mapping[str, Told],
    odd: frozenset[int],
) -> dict[int, Phrase]:
    """Phrases by position; `it` is no acronym in a sentence or beside a title with capitals."""
    found = lexicon.meanings.find(words, languages=languages, odd=odd)
    if any(p.kind == "acronym" and at in lower for at, p in found):
        written = [at for at, p in found if p.kind in MEANINGFUL and p.kind != "acronym"]
        sentence = not written and len(words) > sum(len(p.words) for _, p in found)
        if sentence or any(at not in lower for at in written):
            found = lexicon.meanings.find(words, lower, languages, odd)
    return dict(found)


def _heard(parsed: Parsed, hit: Hit, past: bool, following: Phrase | None) -> bool:
    """Note a hit; whether what follows was true once only."""
    kind = hit.kind
    if kind in MEANINGFUL:
        (parsed.past if past else parsed.hits).append(hit)
    elif kind == "foreign":
        parsed.foreign = True
    elif kind == "leaver":
        return _leaver(parsed, hit.phrase, past=past, following=following)
    return past


def _leaver(parsed: Parsed, phrase: Phrase, *, past: bool, following: Phrase | None) -> bool:
    if phrase.value == "all":
        parsed.gone = True
        return past
    if phrase.value == "now":
        return False
    role = following is not None and following.kind in MEANINGFUL
    return role if phrase.words == ("ex",) else True


@dataclass(frozen=True, slots=True)
class _Instead:
    """Words to put in the place of some: how many these are, and the new ones."""

    size: int
    words: tuple[str, ...]


def _rewritten(
    section: Section, lexicon: Lexicon
) -> tuple[tuple[str, ...], frozenset[int], frozenset[int], frozenset[int], frozenset[int], bool]:
    """The words with aliases and compounds replaced; breaks and marks moved along with them.

    The last tells whether a word was made of others, as English ones are not.
    """
    words = section.tokens
    instead = {
        at: _Instead(len(alias.words), tokens(alias.value))
        for at, alias in lexicon.aliases.find(words)
    }
    made = False
    for at, word in enumerate(words):
        if at not in instead and len(word) > 5 and not lexicon.meanings.stands(words, at):
            leads = at == 0 or at in section.breaks or words[at - 1] == "and"
            parts = derived(word, lexicon, leads=leads)
            if parts:
                instead[at] = _Instead(1, parts)
                made = True
    both = _two_officers(words, lexicon)
    if both is not None and both not in instead:
        instead[both] = _Instead(1, ("officer", "and", "chief"))
    if not instead:
        return words, section.breaks, section.lower, section.odd, section.owners, made
    out: list[str] = []
    moved: list[int] = []
    at = 0
    while at < len(words):
        new = instead.get(at) or _Instead(1, (words[at],))
        moved += [len(out)] * new.size
        out += new.words
        at += new.size
    return (
        tuple(out),
        frozenset(moved[b] for b in section.breaks),
        frozenset(moved[b] for b in section.lower),
        frozenset(moved[b] for b in section.odd if b not in instead),
        frozenset(moved[b] for b in section.owners),
        made,
    )


def _two_officers(words: Sequence[str], lexicon: Lexicon) -> int | None:
    """Where `and` joins two offices: `Chief Financial and Operating Officer`."""
    if "chief" not in words or "officer" not in words or "and" not in words:
        return None
    first, last = words.index("chief"), words.index("officer")
    joined = [at for at in range(first + 2, last - 1) if words[at] == "and"]
    if len(joined) != 1 or last - first > 7:
        return None
    span = tuple(words[first : last + 1])
    known = any(len(p.words) == len(span) for _, p in lexicon.meanings.find(span))
    return None if known else joined[0]


def runs(hits: Sequence[Hit]) -> list[list[Hit]]:
    """The hits by run, in reading order."""
    found: list[list[Hit]] = []
    last = -1
    for hit in hits:
        if hit.run != last:
            found.append([])
            last = hit.run
        found[-1].append(hit)
    return found
