"""The lexicon: what phrases of job titles mean, read from a table and checked line by line.

The table has the columns phrase, kind, value, language, note. A phrase is matched as whole words.
Where one stands in it for several languages, the first row holds where no other does.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from bg_assets.domain.titles.cleaning import tokens
from bg_assets.domain.titles.phrases import OTHER, Matcher, Phrase
from bg_assets.domain.values.near import near
from bg_assets.domain.vocabulary import FUNCTIONS, LEVELS

COLUMNS = ("phrase", "kind", "value", "language", "note")
LANGUAGES = ("en", "de", "fr", "nl", "es", "it", "pt", "sv", "da", "no", "pl", "cs")
GRADES = ("senior", "lead", "junior", "chief")
LEAVING = ("after", "all", "now", "retired", "behind", "over", "until")
UNHELD = ("after", "officer", "before", "kin")
STANDINGS = (
    "top",
    "board",
    "outsider",
    "in_name",
    "unit_head",
    "deputy",
    "deputy_director",
    "raised",
    "lowered",
    "partner",
    "assistant_to_executive",
    "top_where_british",
    "plain",
)
# kind -> what its value is
KINDS: Mapping[str, str] = {
    "title": "function/level, each may be alternatives a|b, or -; -|a: unknown, perhaps a",
    "function": "function, or alternatives a|b",
    "acronym": "function, or alternatives a|b; never in small letters within a longer title",
    "weak": "function or function/level; any other function beats it",
    "level": "level, or alternatives a|b",
    "grade": "senior, lead, junior or chief",
    "alias": "the phrase that is meant",
    "standing": "what the phrase says about authority: " + ", ".join(STANDINGS),
    "leaver": "after, all or now: what follows, or all, was true once; now ends that. "
    "retired: what follows up to a comma, all where nothing does. behind: what stands before; "
    "over: that, where it stands alone or with a year; until: where a year follows",
    "unheld": "after, officer or before: the rank that follows, an officer's only, or that stands "
    "before is not held yet; kin: the officer after a link is of the family",
    "cut": "empty: what follows is somebody else's title or place",
    "link": "empty: of, for, in",
    "ignore": "empty: says nothing about function or level",
    "region": "empty",
    "credential": "empty",
    "junk": "empty: no title at all",
    "foreign": "empty: marks the language",
    "compound_start": "the phrase that the first part of a compound word means",
    "compound_end": "the phrase that the last part of a compound word means",
    "compound_open": "the same, whatever the first part is; -: the compound is no such thing",
}
_SHIPPED = Path(__file__).with_name("lexicon.csv")
# What is matched in other ways than as a phrase.
_APART = frozenset(("alias", "standing", "compound_start", "compound_end", "compound_open"))
_EMPTY = frozenset(k for k, v in KINDS.items() if v.startswith("empty"))

_SINGLE: Mapping[str, Sequence[str]] = {
    "grade": GRADES,
    "standing": STANDINGS,
    "leaver": LEAVING,
    "unheld": UNHELD,
}
# What these say of somebody is not what he or she does.
SILENT = frozenset(("region", "credential", "junk", "leaver", "grade"))


class BadLexicon(Exception):
    """A table that can't be used; the sentence names file and line."""


_PEOPLE = Phrase("employees", ("employees",), "weak", ("hr",), (), "hr")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The phrases by use: meanings to read, aliases to replace before, standings, compounds.

    starts, ends: what the first and the last part of a compound word mean; open_ends: what the last
    one does whatever the first is, nothing where the whole is another thing. people: single words
    for them, with their languages; heads: those that may be the last part of a compound too.
    last_letters: of all that may be. silent: with what phrases begin that say nothing of a work.
    named: managers in name. employees: what the word means where it is not somebody.
    """

    meanings: Matcher
    aliases: Matcher
    standings: Matcher
    boards: frozenset[str]
    starts: Mapping[str, tuple[str, ...]]
    ends: Mapping[str, tuple[str, ...]]
    open_ends: Mapping[str, tuple[str, ...]]
    people: Mapping[str, str]
    heads: frozenset[str]
    last_letters: frozenset[str]
    silent: frozenset[str]
    named: frozenset[tuple[str, ...]]
    employees: Phrase
    size: int

    def in_name(self, words: tuple[str, ...]) -> bool:
        """Whether a phrase ends in a manager of things rather than of people."""
        return any(words[-size:] in self.named for size in (1, 2, 3, 4) if size <= len(words))


@lru_cache(maxsize=1)
def shipped() -> Lexicon:
    """The lexicon that comes with the package, read once."""
    return _loaded(_SHIPPED, _content())


def digest() -> str:
    """Which lexicon ``shipped`` is: 64 hexadecimal digits. A table that can't be used has one too.

    It is of what this process has read, whatever stands on the disk by now.
    """
    return hashlib.sha256(_content()).hexdigest()


@lru_cache(maxsize=1)
def _content() -> bytes:
    return _read(_SHIPPED)


def load(path: Path) -> Lexicon:
    """A lexicon from a CSV file in UTF-8.

    Raises BadLexicon with file and line for an unknown kind, value or language, an empty phrase,
    a wrong number of columns, or a phrase that comes twice.
    """
    return _loaded(path, _read(path))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read()


def _loaded(path: Path, content: bytes) -> Lexicon:
    phrases = list(_phrases(path, content.decode("utf-8-sig").split("\n")))
    aliases = Matcher(p for p in phrases if p.kind == "alias")
    phrases = _aliased(path, phrases, aliases)
    standings = [p for p in phrases if p.kind == "standing"]
    people = [p for p in phrases if p.levels and len(p.words) == 1 and len(p.words[0]) > 4]
    ends, open_ends = _parts(phrases, "compound_end"), _parts(phrases, "compound_open")
    heads = frozenset(p.words[0] for p in people if p.language != "en")
    return Lexicon(
        meanings=Matcher(p for p in phrases if p.kind not in _APART),
        aliases=aliases,
        standings=Matcher(standings),
        boards=frozenset(" ".join(p.words) for p in standings if p.value == "board"),
        starts=_parts(phrases, "compound_start"),
        ends=ends,
        open_ends=open_ends,
        people={p.words[0]: p.language for p in people},
        heads=heads,
        last_letters=frozenset(word[-3:] for word in (*ends, *open_ends, *heads)),
        silent=frozenset(p.words[0] for p in phrases if p.kind in SILENT),
        named=frozenset(p.words for p in standings if p.value == "in_name"),
        employees=next((p for p in phrases if p.words == ("employees",)), _PEOPLE),
        size=len(phrases),
    )


def _parts(phrases: Iterable[Phrase], kind: str) -> dict[str, tuple[str, ...]]:
    return {p.words[0]: tokens(p.value) for p in phrases if p.kind == kind}


def _phrases(path: Path, lines: Iterable[str]) -> Iterator[Phrase]:
    rows = csv.reader(lines)
    header = next(rows, [])
    if tuple(header) != COLUMNS:
        raise BadLexicon(f"{path}, line 1: the header must be {','.join(COLUMNS)}")
    seen: dict[tuple[str, tuple[str, ...], str], int] = {}
    for row in rows:
        if not row or row[0].startswith("#"):
            continue
        where = f"{path}, line {rows.line_num}"
        if len(row) != len(COLUMNS):
            raise BadLexicon(f"{where}: {len(row)} columns instead of {len(COLUMNS)}")
        phrase = _phrase(where, *(cell.strip() for cell in row[:4]))
        for spelling in _spellings(phrase):
            table = _table(phrase.kind)
            key = (table, spelling.words, phrase.language if table == "meaning" else "")
            if key not in seen:
                seen[key] = rows.line_num
                yield spelling
            elif spelling is phrase:
                raise BadLexicon(f"{where}: {phrase.text!r} stands in line {seen[key]} already")


def _phrase(where: str, text: str, kind: str, value: str, language: str) -> Phrase:
    words = tokens(text)
    if not words:
        raise BadLexicon(f"{where}: the phrase is empty")
    if kind not in KINDS:
        raise BadLexicon(f"{where}: unknown kind {kind!r}; {near(kind, KINDS)}")
    if language not in (*LANGUAGES, OTHER):
        raise BadLexicon(f"{where}: unknown language {language!r}; {near(language, LANGUAGES)}")
    if kind in _EMPTY and value:
        raise BadLexicon(f"{where}: a phrase of kind {kind} has no value")
    nothing = kind == "compound_open" and value == "-"
    if kind in _APART and kind != "standing" and not nothing and not tokens(value):
        raise BadLexicon(f"{where}: kind {kind} needs {KINDS[kind]}")
    if kind.startswith("compound") and len(words) != 1:
        raise BadLexicon(f"{where}: a part of a compound is one word")
    if kind in _SINGLE:
        (value,) = _values(where, value, _SINGLE[kind], kind, single=True)
    functions, levels = _meaning(where, kind, value)
    return Phrase(text, words, kind, functions, levels, value, language)


def _meaning(where: str, kind: str, value: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Functions and levels of a value."""
    if kind == "level":
        return (), _values(where, value, LEVELS, "level")
    if kind in ("function", "acronym") or (kind == "weak" and "/" not in value):
        return _values(where, value, FUNCTIONS, "function"), ()
    if kind not in ("title", "weak"):
        return (), ()
    function, slash, level = value.partition("/")
    if not slash:
        raise BadLexicon(f"{where}: kind {kind} needs {KINDS[kind]}")
    known = ("-", *FUNCTIONS)
    functions = () if function == "-" else _values(where, function, known, "function")
    return functions, () if level == "-" else _values(where, level, LEVELS, "level")


def _values(
    where: str, value: str, allowed: Sequence[str], what: str, *, single: bool = False
) -> tuple[str, ...]:
    values = (value,) if single else tuple(value.split("|"))
    for each in values:
        if each not in allowed:
            raise BadLexicon(f"{where}: unknown {what} {each!r}; {near(each, allowed)}")
    if len(set(values)) != len(values):
        raise BadLexicon(f"{where}: {what} {value!r} names one twice")
    return values


def unaliased(words: Sequence[str], aliases: Matcher) -> tuple[str, ...]:
    """The words with every alias replaced by what it means."""
    matches = aliases.find(words)
    if not matches:
        return tuple(words)
    out: list[str] = []
    done = 0
    for at, alias in matches:
        out += words[done:at]
        out += tokens(alias.value)
        done = at + len(alias.words)
    return (*out, *words[done:])


def _aliased(path: Path, phrases: Sequence[Phrase], aliases: Matcher) -> list[Phrase]:
    """The phrases as titles show them once their aliases are replaced; each spelling once."""
    spellings: dict[tuple[str, tuple[str, ...], str], Phrase] = {}
    for phrase in phrases:
        if phrase.kind == "alias":
            continue
        words = unaliased(phrase.words, aliases)
        table = _table(phrase.kind)
        key = (table, words, phrase.language if table == "meaning" else "")
        other = spellings.setdefault(key, replace(phrase, words=words))
        if (other.kind, other.value) != (phrase.kind, phrase.value):
            raise BadLexicon(
                f"{path}: {phrase.text!r} and {other.text!r} are one phrase once aliases are "
                "replaced, and mean different things"
            )
    return list(spellings.values())


def _table(kind: str) -> str:
    return kind if kind in _APART else "meaning"


def _spellings(phrase: Phrase) -> Iterator[Phrase]:
    """The phrase, and for German its spelling with ae, oe and ue."""
    yield phrase
    lowered = phrase.text.casefold()
    if phrase.language == "de" and any(c in lowered for c in "äöü"):
        spelled = lowered.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
        yield Phrase(
            phrase.text,
            tokens(spelled),
            phrase.kind,
            phrase.functions,
            phrase.levels,
            phrase.value,
            phrase.language,
        )
