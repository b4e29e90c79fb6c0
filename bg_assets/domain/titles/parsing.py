"""From a title to what was found in it: its phrases, each with what stands around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bg_assets.domain.titles.cleaning import Section, tokens
from bg_assets.domain.titles.compounds import derived
from bg_assets.domain.titles.dates import is_year
from bg_assets.domain.titles.hits import MEANINGFUL, Ahead, Hit, Parsed, Text
from bg_assets.domain.titles.languages import UNTOLD, Told
from bg_assets.domain.titles.leaving import Past, ended, leaver
from bg_assets.domain.titles.lexicon import Lexicon
from bg_assets.domain.titles.phrases import Phrase
from bg_assets.domain.titles.serving import of_others, served, serves
from bg_assets.domain.titles.unheld import is_unheld, unheld

_BETWEEN = frozenset(("ignore", "region"))
_HELP = frozenset(("assistant", "associate"))
_EMPLOYEE = ("employee",)  # somebody, unless a thing follows that is about such people
# Who runs a company in Dutch, or drives what ends in one of these.
_STEERS = ("bestuurder",)
_DRIVER = Phrase("bestuurder", _STEERS, "title", ("operations",), ("staff",), "", "nl")
_VEHICLES = (
    *("ambulance", "ambulances", "auto", "autos", "bulldozer", "bus", "bussen", "dozer", "fiets"),
    *("graafmachine", "kraan", "lader", "locomotief", "machine", "machines", "metro", "motor"),
    *("schip", "shovel", "taxi", "tractor", "tram", "trams", "transport", "trein", "treinen"),
    *("trekker", "truck", "trucks", "vaartuig", "voertuig", "voertuigen", "vrachtwagens"),
    *("wagen", "wagens", "walsen"),
)
# What begins so is a board and nobody who sits there: `Former Chair, Advisory Board`.
_BOARDS = frozenset(("advisory", "conseil", "consejo", "raad", "rady", "supervisory"))
_RANKING = frozenset(("title", "weak", "level", "grade"))
# What joins two ranks in other languages, and is something else in others again.
_SI = ("si",)  # of Romanian; in French titles it is what the table says
_AND = frozenset((("a",), ("e",), ("ed",), ("en",), ("i",), ("och",), ("og",), ("oraz",), _SI))
_ANDS = frozenset(("and", *(word for (word,) in _AND)))


def parse(section: Section, lexicon: Lexicon, languages: Mapping[str, Told] = UNTOLD) -> Parsed:
    """One section read with the lexicon; languages: that of the title, by the ambiguous word."""
    words, breaks, lower, odd, owners, made = _rewritten(section, lexicon)
    starts = _parted(words, lower, breaks, odd, languages, lexicon)
    parsed = Parsed(weak=section.weak, abroad=made)
    at = unit = run = begun = 0
    linked = office = False
    text, past = Text(words, breaks, starts), Past()
    while at < len(words):
        if at in breaks:
            run, begun, linked, office = run + 1, at, False, False
            past.on = past.on and not (parsed.past and _takes_a_seat(text, at, lexicon))
        phrase = _phrase_at(parsed, text, at, lexicon)
        if phrase is None:
            if words[at] in _ANDS:
                unit, run, begun, linked = unit + 1, run + 1, at, False
                office = office and (not parsed.hits or _officer(starts.get(at + 1)))
                parsed.joined = True
                at += 1
            else:
                at = _unread(parsed, past, text, at, odd)
            continue
        if phrase.kind == "cut" and parsed.hits:
            break
        if phrase.kind == "link":
            run, linked = run + 1, True
            office = phrase.words[:2] == ("office", "of")
        parsed.abroad = parsed.abroad or phrase.language != "en"
        if phrase.levels and _is_served(parsed, phrase, text, at):
            at = _own_office(parsed.hits[-1].phrase, text, at)
            continue
        end = at + len(phrase.words)
        past.never = unheld(parsed, phrase, text, at, past.never)
        owned = office or (end - 1 in owners and end < len(words))
        phrase = served(phrase, parsed.hits[-1] if parsed.hits else None, at)
        hit = _hit(phrase, text, at, (unit, run, begun), linked, owned)
        _heard(parsed, hit, past, text, end)
        if phrase.words == ("ex",) and not past.on and starts.get(end) is None:
            end += 1
        if phrase.words[-1] == "to" or phrase.words[-2:] == ("to", "the"):
            end = _own_office(phrase, text, end)
        at = end
    return parsed


def _parted(
    words: tuple[str, ...],
    lower: frozenset[int],
    breaks: frozenset[int],
    odd: frozenset[int],
    languages: Mapping[str, Told],
    lexicon: Lexicon,
) -> dict[int, Phrase]:
    """Phrases by position; an assistant before a comma is no part of the title after it."""
    starts = _found(words, lower, odd, languages, lexicon)
    for at, phrase in starts.items() if breaks else ():
        cut = at + 1
        # `Executive Assistant, Vice President`; but `Associate, Product Manager` is one title.
        begins = at == 0 or at in breaks
        if cut in breaks and not begins and len(phrase.words) > 1 and phrase.words[0] in _HELP:
            small, accented = (frozenset(at - cut for at in some) for some in (lower, odd))
            after = _found(words[cut:], small, accented, languages, lexicon)
            before = _found(words[:cut], lower, odd, languages, lexicon)
            return before | {place + cut: found for place, found in after.items()}
    return starts


def _found(
    words: Sequence[str],
    lower: frozenset[int],
    odd: frozenset[int],
    languages: Mapping[str, Told],
    lexicon: Lexicon,
) -> dict[int, Phrase]:
    """Phrases by position; `it` is no acronym in a sentence or beside a title with capitals."""
    found = lexicon.meanings.find(words, languages=languages, odd=odd)
    if any(p.kind == "acronym" and at in lower for at, p in found):
        written = [at for at, p in found if p.kind in MEANINGFUL and p.kind != "acronym"]
        sentence = not written and len(words) > sum(len(p.words) for _, p in found)
        if sentence or any(at not in lower for at in written):
            found = lexicon.meanings.find(words, lower, languages, odd)
    return dict(found)


def _phrase_at(parsed: Parsed, text: Text, at: int, lexicon: Lexicon) -> Phrase | None:
    """The phrase at a place by what stands around it; None for a word that joins or is unknown."""
    phrase = text.starts.get(at)
    if phrase is not None and phrase.kind == "unheld" and not is_unheld(phrase, text, at):
        return None
    if phrase is None or len(phrase.words) > 1:
        return phrase
    if phrase.words in _AND and _joins(parsed, phrase, text.starts.get(at + 1)):
        return None
    if phrase.words == _EMPLOYEE and not text.ends(at + 1):
        return lexicon.employees
    if phrase.words == _STEERS and _is_driven(text, at + 1):
        return _DRIVER
    return phrase


def _is_driven(text: Text, at: int) -> bool:
    """Whether a vehicle is named there up to a comma: `Bestuurder vrachtwagen`."""
    return any(text.words[place].endswith(_VEHICLES) for place in range(at, text.stop(at)))


def _takes_a_seat(text: Text, at: int, lexicon: Lexicon) -> bool:
    """Whether a seat on a board stands alone there: who was a CFO may sit on the board still."""
    phrase = text.starts.get(at)
    if phrase is None or not text.stops(at + len(phrase.words)):
        return False
    words = phrase.words
    body = words[0] in _BOARDS or words == ("board",) or words[:2] == ("board", "of")
    return not body and " ".join(words) in lexicon.boards


def _own_office(served: Phrase, text: Text, at: int) -> int:
    """Where an assistant's own office begins after whom he or she serves; else the end.

    `EA to CEO, Office Manager`; but `PA to CEO, CFO` serves both.
    """
    comma = min((place for place in text.breaks if place > at), default=len(text.words))
    after = [
        phrase.levels[0]
        for place, phrase in text.starts.items()
        if place >= comma and phrase.levels
    ]
    own = served.levels[:1] == ("assistant",) and after and {*after} == {"manager"}
    return comma if own else len(text.words)


def _unread(parsed: Parsed, past: Past, text: Text, at: int, odd: frozenset[int]) -> int:
    """The place behind a word that is no phrase, noted as unknown, or behind a span of years."""
    if text.words[at].isdigit():
        end = ended(parsed, past, text, at) if is_year(text.words[at]) else at
        return max(end, at + 1)
    parsed.unknown += 1
    parsed.foreign = parsed.foreign or at in odd
    return at + 1


def _is_served(parsed: Parsed, phrase: Phrase, text: Text, at: int) -> bool:
    """Whether an office is that of whom somebody serves who is named right before: `PA CEO`.

    A secretariat before an office is who works there.
    """
    if not parsed.hits or at in text.breaks:
        return False
    last = parsed.hits[-1]
    place = last.at + len(last.phrase.words)
    while place < at and (between := text.starts.get(place)) is not None:
        if between.kind not in _BETWEEN or place in text.breaks:
            return False
        place += len(between.words)
    if place != at or not serves(last.phrase, phrase):
        return False
    if not last.phrase.levels:
        parsed.hits[-1] = replace(last, phrase=replace(last.phrase, levels=("assistant",)))
    return True


def _joins(parsed: Parsed, phrase: Phrase, following: Phrase | None) -> bool:
    """Whether a little word of another language stands between two ranks of it: `VD och ...`."""
    if following is None or not following.levels or not parsed.hits:
        return False
    if phrase.words == _SI and phrase.kind != "ignore":
        return False
    languages = {following.language, *(hit.phrase.language for hit in parsed.hits)}
    if phrase.words == ("en",):
        # In French and Spanish it is in: `Ingénieur en chef`.
        return "nl" in languages or not languages & {"fr", "es"}
    return languages != {"en"} or len(phrase.words[0]) > 1


def _hit(
    phrase: Phrase, text: Text, at: int, place: tuple[int, int, int], linked: bool, owned: bool
) -> Hit:
    """A hit with what stands around it, where it may be a rank. place: unit, run, its beginning."""
    unit, run, begun = place
    if phrase.kind not in _RANKING:
        return Hit(phrase, at, unit, run, linked, owned)
    end = at + len(phrase.words)
    ahead, word = _ahead(text, end)
    owned = owned or of_others(phrase, text, at, ahead, word)
    deputy = at > begun and "deputy" in text.words[begun:at]
    return Hit(phrase, at, unit, run, linked, owned, ahead, word, deputy)


def _ahead(text: Text, end: int) -> tuple[Ahead, str]:
    """What follows a rank in its run, and by which word."""
    if text.stops(end):
        after = text.starts.get(end + 1)
        joined = end + 1 < len(text.words) and end not in text.breaks
        thing = joined and (after is None or bool(after.functions and not after.levels))
        return (Ahead.AND if thing else Ahead.END), ""
    word, following = text.words[end], text.starts.get(end)
    if following is None:
        return (Ahead.END if word.isdigit() else Ahead.WORD), word
    if following.kind in ("link", "cut"):
        return Ahead.LINK, word
    if following.levels:
        return Ahead.RANK, word
    return (Ahead.FUNCTION if following.functions else Ahead.END), word


def _officer(phrase: Phrase | None) -> bool:
    return phrase is not None and phrase.levels == ("c_level",)


def _heard(parsed: Parsed, hit: Hit, past: Past, text: Text, end: int) -> None:
    """Note a hit, and what is true once only from here on."""
    if hit.at < past.never:
        return
    if hit.kind in MEANINGFUL:
        over = past.on or hit.at < past.until
        (parsed.past if over else parsed.hits).append(hit)
    elif hit.kind == "foreign":
        parsed.foreign = True
    elif hit.kind == "leaver":
        leaver(parsed, hit, past, text, end)


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
