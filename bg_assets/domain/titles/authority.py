"""Who may sign for how much: from level, function, title, size of the company and country."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from bg_assets.domain.titles.cleaning import sections
from bg_assets.domain.titles.lexicon import shipped, unaliased
from bg_assets.domain.titles.phrases import Phrase
from bg_assets.domain.values import countries
from bg_assets.domain.values.currencies import about, in_currency, in_dollars, money

UNLIMITED = math.inf
# Employees -> what a manager, a director and a vice president usually sign, in US dollars: the
# bands of delegated purchasing limits that docs/numbers.md tells of, at their middles.
_LIMITS = (
    (75, (15_000, 75_000, 100_000)),
    (625, (75_000, 200_000, 250_000)),
    (8_750, (500_000, 750_000, 1_000_000)),
)
_OFFICER = 8.0  # from this rank on any sum
UNREAD = 1.5  # the rank where the level is unknown
_DEPUTY_OFFICER = 6.8  # a Deputy CFO signs like a director, a Deputy CEO like an officer
_BY_TABLE = "by the table of usual limits"
_OWNER_ONLY = 50  # below so many employees the owner or the C-level signs
_LARGEST_BRITISH = 25_000
_BRITISH = frozenset(("GB", "IE", "AU"))
_OTHERS = frozenset(("agency", "affiliate", "distributor", "reseller", "student"))
_OTHERS_OR_OWN = frozenset(("external", "volunteer"))
_LED = frozenset(("owner", "c_level", "vp", "head", "director", "manager"))
# What leaves a director one: not those of a part, and not assistants and deputies.
_BESIDE_DIRECTOR = frozenset(("group", "executive", "corporate", "interim", "acting"))
_JOINED = frozenset(("of", "and", "for", "general", "to", "at", "in"))
# Deputies whom the lexicon does not know as such, since it reads their level from the office.
_STANDING_IN = frozenset(
    word
    for line in (
        "stellvertretender stellvertretende stellv stv adjoint adjointe adjunto adjunta vicaire",
        "plaatsvervangend plaatsvervangende vicedirettore zastepca zastupce stedfortreder",
        "stedfortradende stallforetradande stallforetradare",
    )
    for word in line.split()
)
_BANKS = ("bank", "financial services", "capital markets", "investment management")

RANK = {
    "owner": 10.0,
    "c_level": 9.0,
    "vp": 7.0,
    "head": 6.2,
    "director": 6.0,
    "manager": 4.0,
    "senior": 3.0,
    "staff": 2.0,
    "assistant": 1.0,
    "intern": 0.0,
}


@lru_cache(maxsize=1 << 17)
def standing(title: str | None) -> frozenset[str]:
    """What a title says about authority beside its level (the standings of the lexicon)."""
    lexicon = shipped()
    sections = [_in_full(words) for words in spoken(title or "")]
    found = [lexicon.standings.find(words) for words in sections]
    standings: set[str] = set()
    if not any(found):
        return frozenset(standings)
    titled = False
    for words, some in zip(sections, found, strict=True):
        meanings = lexicon.meanings.find(words)
        first = next((at for at, p in meanings if p.levels), len(words))
        for at, phrase in some:
            # `Director, Deputy Head of Unit` is a director.
            deputy = phrase.value == "deputy" and (titled or at > first)
            if not deputy and not _is_dealt_with(words, at, meanings):
                standings.add(phrase.value)
        titled = titled or first < len(words)
    return frozenset(standings - {"plain"})


def _is_dealt_with(words: tuple[str, ...], at: int, meanings: Sequence[tuple[int, Phrase]]) -> bool:
    """Whether a word for outsiders names whom somebody of the company deals with, or where.

    `Agency Chief Executive`; `External Reporting Manager` and `Volunteer Manager`, but not
    `External CFO` and `Volunteer Treasurer`.
    """
    if words[at] in _OTHERS:
        return any(not _LED.isdisjoint(phrase.levels) for _, phrase in meanings)
    if words[at] not in _OTHERS_OR_OWN or at + 1 == len(words):
        return False
    after = next((phrase for where, phrase in meanings if where == at + 1), None)
    if after is None or not after.levels or not after.functions:
        return True
    return len(after.words) > 1 and after.words[0] != "chief"


def _in_full(words: tuple[str, ...]) -> tuple[str, ...]:
    """`Director Finance` and `Director, Finance` as `director of finance`."""
    at = next((at for at, word in enumerate(words[:-1]) if word == "director"), None)
    if at is None or words[at + 1] in _JOINED or not _BESIDE_DIRECTOR.issuperset(words[:at]):
        return words
    return (*words[: at + 1], "of", *words[at + 1 :])


@lru_cache(maxsize=1 << 17)
def spoken(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of each section of a title or department, every abbreviation as what it means."""
    aliases = shipped().aliases
    return tuple(unaliased(section.tokens, aliases) for section in sections(text))


@lru_cache(maxsize=1 << 17)
def stands_in(title: str | None) -> bool:
    """Whether somebody deputises for another and holds no office of their own beside that.

    A British Deputy Director is none: that is a grade.
    """
    lexicon = shipped()
    found = False
    for words in spoken(title or ""):
        for unit in " ".join(words).split(" and "):
            told = tuple(unit.split())
            values = {phrase.value for _, phrase in lexicon.standings.find(told)}
            if "deputy" in values or not _STANDING_IN.isdisjoint(told):
                found = True
            elif any(phrase.levels for _, phrase in lexicon.meanings.find(told)):
                return False
    return found


def on_board_only(title: str | None, level: str | None) -> bool:
    """A seat on the board, a trustee or an investor without a post in the company."""
    said = standing(title)
    return "board" in said and "top" not in said and level in ("owner", None)


def rank(
    title: str | None,
    level: str | None,
    *,
    employees: int | None = None,
    country: str | None = None,
    industry: str | None = None,
) -> float:
    """Rank in the company, 0 to 10; 1.5 when the level is unknown.

    A deputy stands a step below, a senior vice president above. Where titles are British, a
    Finance Director is the top of finance in all but the largest firms, and a Head of something
    stands below a director (measured on the grades of British public bodies). A vice president of
    a bank is a manager. country: any spelling that countries.csv knows.
    """
    return rank_at(title, level, surroundings(employees, country, industry))


class Surroundings(NamedTuple):
    """What of a company bears on ranks: British titles, a bank, not one of the largest firms."""

    british: bool
    bank: bool
    small: bool


def surroundings(employees: int | None, country: str | None, industry: str | None) -> Surroundings:
    """What bears on the ranks of a company's people; see ``rank``."""
    branch = (industry or "").casefold()
    return Surroundings(
        countries.code(country) in _BRITISH,
        any(word in branch for word in _BANKS),
        employees is None or employees < _LARGEST_BRITISH,
    )


def rank_at(title: str | None, level: str | None, where: Surroundings) -> float:
    """``rank``, for whoever asks for many people of a company."""
    if level is None:
        return UNREAD
    standings = standing(title)
    fixed = _fixed(title, level, standings, where)
    if fixed is not None:
        return fixed
    at = RANK[level]
    deputy = "deputy" in standings and at >= RANK["manager"]
    if level == "vp" and "raised" not in standings and where.bank:
        at = 5.0
    if level == "c_level" and "top" in standings:
        at += 0.5
    elif "raised" in standings and level in ("vp", "head", "director", "manager"):
        at += 0.6
    if deputy and level == "c_level" and "top" not in standings:
        return _DEPUTY_OFFICER
    return at - 1.0 if deputy else at


def _fixed(
    title: str | None, level: str, said: frozenset[str], where: Surroundings
) -> float | None:
    """The ranks that the level alone does not tell."""
    if on_board_only(title, level):
        return 3.0
    deputy = "deputy" in said and ("top_where_british" in said or level == "director")
    if level in ("manager", "director") and ("deputy_director" in said or deputy):
        return 5.2
    if level in ("manager", "senior") and "in_name" in said:
        return 3.2 if level == "manager" else 3.3
    if where.british and "deputy_director" in said and level in ("c_level", "head"):
        # There it is a grade, whatever office goes with it: `Deputy Director, Chief Economist`.
        return 5.4
    if where.british and level == "head" and "unit_head" in said:
        return 5.4
    top = level == "director" and "top_where_british" in said and "deputy" not in said
    return 8.5 if where.british and where.small and top else None


@lru_cache(maxsize=1 << 14)
def may_sign(at: float, employees: int | None) -> float:
    """US dollars that somebody of this rank usually signs alone, by the table above.

    A rule of thumb by size of company, no knowledge of anybody's own limit: for words see
    ``signing``. Where the size is unknown a company of 625 is taken.

    The C-level and owners sign any sum; below 50 employees nobody else does. Between the measured
    sizes the sums are interpolated on the logarithm of the employees, beyond them they stay.
    """
    if at >= _OFFICER:
        return UNLIMITED
    if at < RANK["manager"] - 0.5 or (employees is not None and employees < _OWNER_ONLY):
        return 0.0
    column = 0 if at < 5.5 else 1 if at < 6.9 else 2
    size = employees if employees is not None else _LIMITS[1][0]
    sizes = [n for n, _ in _LIMITS]
    if size <= sizes[0]:
        return float(_LIMITS[0][1][column])
    for (low, sums), (high, above) in pairwise(_LIMITS):
        if size <= high:
            share = math.log(size / low) / math.log(high / low)
            return round(sums[column] + share * (above[column] - sums[column]), 2)
    return float(_LIMITS[-1][1][column])


def signs(at: float, employees: int | None, currency: str = "USD") -> str:
    """Up to what somebody of this rank usually signs alone, in words, or that it is unknown."""
    if at <= UNREAD:
        return "what they sign is unknown, as is the level"
    if at >= _OFFICER:
        return f"signs any sum {_BY_TABLE}"
    if employees is None:
        return "what they sign is unknown, as is the company's size"
    size = f"{_BY_TABLE} for about {about(employees):,.0f} people"
    limit = about(in_currency(may_sign(at, employees), currency))
    if not limit:
        return f"signs nothing alone {size}"
    return f"signs up to about {money(limit, currency)} alone {size}"


@lru_cache(maxsize=1 << 14)
def signing(at: float, employees: int | None, deal: float, currency: str = "USD") -> str:
    """Whether somebody of this rank may sign a deal, in words: by what, or that it is unknown.

    at: as ``rank`` has it. deal: in its currency, one of currencies.DOLLARS.
    """
    reach = may_sign(at, employees) >= in_dollars(deal, currency)
    known = at > UNREAD and (employees is not None or at >= _OFFICER)
    may = "may sign" if known and reach else "the deal is"
    return f"{signs(at, employees, currency)}; {may} about {money(deal, currency)}"
