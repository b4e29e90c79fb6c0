"""From the text of a title to sections of plain tokens; what the tokens mean is not known here."""

import re
import unicodedata
from dataclasses import dataclass

from bg_assets.domain.values.folding import fold

LONGEST = 400  # characters of a title that are read; the rest is never a title

_ADDRESS = re.compile(r"\S+@\S+\.\S+|(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|net|org|io|co\.uk)\b")
_HASHTAG = re.compile(r"#[^\W\d]\w*")
_GENDER = re.compile(
    r"[(\[]\s*(?:[mwfdhxviagn]|gn|div|all genders?)(?:\s*[/|,-]\s*[mwfdhxviagn]){0,3}\s*[)\]]"
    r"|[(\[]\s*all genders?\s*[)\]]"
    r"|\b[mwfdhx](?:/[mwfdhx]){1,3}(?=\s|$)",
    re.IGNORECASE,
)
# Endings that name both genders: Leiter:in, Leiter*innen, Manager/-in, Chargé(e), Directeur(trice).
_BOTH = re.compile(
    r"(?<=[^\W\d]{3})(?:[:*_·]|/-?|\()(?:innen|in|r?e|ne|trice|euse|ère|rice|a|ora|o)\b\)?"
    r"(?=\s|$|[,;|/)-])"
    r"|(?<=[^\W\d]{3})\.(?:e|ne|trice|rice|euse|ère)(?:\.?s)?(?=\s|$|[,;|/)-])",
    re.IGNORECASE,
)
# In capitals these are other things: IR is for investors.
_RETIRED = re.compile(r"\b(?:i\.\s?R|a\.\s?D|b\.\s?d)\.(?!\w)")
_SWEDISH_FORMER = re.compile(r"\b[Ff]\.\s?d\.(?!\w)|\bfd\b")  # FD is a finance director
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?|\b[^\W\d_]\.[^\W\d_]\b")
_AT = re.compile(r"(?:(?<=\s)|^)(?:@|(?:at|bei|chez|bij|presso)(?=\s))[^|•;()\n]*", re.IGNORECASE)
_HARD = re.compile(r"[|•·;\n\r\t‖¦~]+|\s{0,1}(?:>>|»|«|::)\s{0,1}")
_BRACKET = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]?")
# Without any of these a title is one section, unless it names a place.
_MARKED = re.compile(r"[^\w ,&]|_|\bfd\b")
_PIECE = re.compile(r"[^\W_]+|[&+/\\]|[,:–—―-]|[^\w\s]|_")
_PLAIN = re.compile(r"[A-Za-z0-9 ]*")
_ELIDED = frozenset("'’‘`´ʼ")
_SOFT = frozenset(",:–—―-")
_JOIN = frozenset("&+/\\")
_JOINING_WORDS = frozenset(("und", "et", "y"))  # German, French, Spanish


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a title that is read on its own.

    tokens: folded words, `and` for every joining sign. breaks: positions that a comma, colon or
    dash stands before. lower: positions of words written in small letters. odd: positions of words
    with letters outside ASCII. owners: positions of words in the genitive (`Founder's`). weak: it
    stood in brackets.
    """

    tokens: tuple[str, ...]
    breaks: frozenset[int]
    lower: frozenset[int]
    odd: frozenset[int]
    owners: frozenset[int]
    weak: bool


def sections(text: str) -> tuple[Section, ...]:
    """The sections of a title in reading order, bracketed ones after the plain ones.

    Addresses, hashtags, `@ company`, pictures and marks for all genders are gone. Never raises.
    """
    text = _printable(text[: 4 * LONGEST])[:LONGEST]
    if not _MARKED.search(text):
        # Nearly all titles.
        only = _section(_AT.sub(" ", text), weak=False)
        return (only,) if only.tokens else ()
    for pattern, instead in (
        (_GENDER, " "),
        (_BOTH, ""),
        (_ADDRESS, " | "),
        (_HASHTAG, " | "),
        (_RETIRED, " pensioniert "),
        (_SWEDISH_FORMER, " tidigare "),
        (_AT, " | "),
    ):
        text = pattern.sub(instead, text)
    text = _DOTTED.sub(lambda m: m.group().replace(".", ""), text)
    bracketed = [inside for inside in _BRACKET.findall(text) if inside.strip()]
    plain = _BRACKET.sub(", ", text)
    all_sections = [_section(part, weak=False) for part in _HARD.split(plain)]
    all_sections += [_section(part, weak=True) for part in bracketed]
    return tuple(section for section in all_sections if section.tokens)


def tokens(phrase: str) -> tuple[str, ...]:
    """A phrase of the lexicon as the same tokens that a title would give."""
    return _section(_DOTTED.sub(lambda m: m.group().replace(".", ""), phrase), weak=False).tokens


def _printable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    text = unicodedata.normalize("NFKC", text)
    return "".join(_sign(c) for c in text)


def _sign(c: str) -> str:
    if c.isascii() and c.isprintable():
        return c
    if c in "\n\r\t":
        return "\n" if c != "\t" else " "
    if c in "\u200d\ufe0f\u00ad\u200b\u2060\ufeff":
        return ""
    kind = unicodedata.category(c)
    if kind == "So" or kind in ("Cn", "Co", "Cs"):
        return " | "
    return " " if kind[0] in "CZ" or kind == "Sk" else c


def _section(text: str, *, weak: bool) -> Section:
    if _PLAIN.fullmatch(text):
        return _plain(text, weak)
    words: list[str] = []
    breaks: set[int] = set()
    owners: set[int] = set()
    written: list[str] = []
    for match in _PIECE.finditer(text):
        piece = match.group()
        word = ""
        if piece in _JOIN:
            word = "and"
        elif piece in _SOFT:
            if not (piece == "-" and _inside_a_word(text, match)):
                breaks.add(len(words))
        elif _possessive(text, match):
            owners.add(len(words) - 1)
        elif piece[0].isalnum():
            word = fold(piece)
            word = "and" if word in _JOINING_WORDS else word
        if word and not (piece in _JOIN and (not words or words[-1] == "and")):
            words.append(word)
            written.append(piece)
    while words and words[-1] == "and":
        words.pop()
    inner = frozenset(b for b in breaks if 0 < b < len(words))
    lower = frozenset(at for at in range(len(words)) if written[at].islower())
    odd = frozenset(at for at in range(len(words)) if not written[at].isascii())
    return Section(tuple(words), inner, lower, odd, frozenset(owners), weak)


def _plain(text: str, weak: bool) -> Section:
    """The same of letters, digits and spaces alone, as most titles are."""
    written = text.split()
    words = ["and" if word in _JOINING_WORDS else word for word in text.lower().split()]
    while words and words[-1] == "and":
        words.pop()
    lower = frozenset([at for at in range(len(words)) if written[at].islower()])
    return Section(tuple(words), frozenset(), lower, frozenset(), frozenset(), weak)


def _inside_a_word(text: str, found: re.Match[str]) -> bool:
    around = text[max(0, found.start() - 1) : found.end() + 1]
    return len(around) == 3 and not around[0].isspace() and not around[2].isspace()


def _possessive(text: str, found: re.Match[str]) -> bool:
    at = found.start()
    return found.group() in ("s", "S") and at > 0 and text[at - 1] in _ELIDED
