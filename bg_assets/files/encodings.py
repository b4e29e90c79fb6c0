"""In which encoding a file is, as its bytes tell: UTF-8, UTF-16, or Windows-1252."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from bg_assets.files.header import BadHeader

UTF_8 = "utf-8-sig"
_PIECE = 1 << 20
# So many characters beyond ASCII are looked at to tell how sure the encoding is.
_ENOUGH = 20_000
_SURE = 0.9
# Bytes that tell UTF-16 without its mark: the header stands in them.
_LOOKED_AT = 1000
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
# What stands in Western texts beside letters, and may do so within a word.
_SIGNS = frozenset("’‘“”„–—…€£§°©®™•·«»´ªº¿¡\u00a0\u00ad")
_IN_WORDS = frozenset("’´·\u00ad")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How bytes become text, and what is said where it is not UTF-8."""

    name: str = UTF_8
    said: str = ""


def named(name: str) -> Encoding:
    """The encoding that a user names. Raises BadHeader where there is none of that name."""
    try:
        "a".encode(name)
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        raise BadHeader(
            f"--encoding {name} is not known: it takes names like utf-8, cp1252, cp1250 or utf-16"
        ) from None
    return Encoding(UTF_8 if found in ("utf-8", "ascii") else found)


def told(stream: BinaryIO) -> Encoding:
    """The encoding of a stream of bytes, read as far as is needed.

    Where anything beyond ASCII is UTF-8 all of it counts as that. Raises BadHeader where nothing
    tells, with what to do.
    """
    start = stream.read(_PIECE)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding("utf-16", "read as UTF-16, as its first bytes say")
    if unmarked := _utf_16(start[:_LOOKED_AT]):
        return Encoding(unmarked, "read as UTF-16, without its mark, as every other byte says")
    fitting, all_of_them = 0, 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for piece in _pieces(stream, start):
        # A character that began in the piece before may go on here.
        plain = piece.isascii() and not decoder.getstate()[0]
        text = "" if plain and piece else decoder.decode(piece, final=not piece)
        found = _BEYOND_ASCII.findall(text)
        if any(character < "\udc80" or character > "\udcff" for character in found):
            return Encoding()
        fitting += sum(map(_fits, _surroundings(text))) if found else 0
        all_of_them += len(found)
        if all_of_them > _ENOUGH:
            break
    if not all_of_them:
        return Encoding()
    share = fitting / all_of_them
    if share < _SURE:
        raise BadHeader(
            "is not UTF-8, and hardly Windows-1252 (of its special characters "
            f"{share:.0%} stand where such do): say in what it is with --encoding, like cp1250, "
            "cp1251 or mac-roman"
        )
    return Encoding(
        "cp1252",
        f"not UTF-8: read as Windows-1252, {share:.0%} sure by {all_of_them:,} special characters "
        "(--encoding says otherwise)",
    )


def _utf_16(start: bytes) -> str | None:
    """In which order of its bytes a text is UTF-16; None where it is not, as far as that is sure.

    Of headers in Latin letters every other byte is zero, and in no other text one is.
    """
    even, odd = start[0::2], start[1::2]
    for name, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if len(start) > 1 and 2 * zeros.count(0) > len(zeros) and not others.count(0):
            return name
    return None


def _pieces(stream: BinaryIO, first: bytes) -> Iterator[bytes]:
    """All pieces of a stream, the empty one at its end among them."""
    while first:
        yield first
        first = stream.read(_PIECE)
    yield first


def _surroundings(text: str) -> Iterator[str]:
    """Each byte that is not UTF-8 with what stands before and behind it, as Windows-1252."""
    # What is undefined there stays a lone surrogate, which fits nowhere.
    plain = text.encode("utf-8", "surrogateescape").decode("cp1252", "surrogateescape")
    padded = f" {plain} "
    for found in _BEYOND_ASCII.finditer(plain):
        yield padded[found.start() : found.start() + 3]


def _fits(three: str) -> bool:
    """Whether a character stands where one of a Western text may."""
    before, character, behind = three[0], three[1], three[2]
    if character.isalpha() and character not in "ªºµƒ":
        alone = before.isascii() or behind.isascii()
        return alone and not (character.isupper() and before.isascii() and before.islower())
    within = before.isalpha() and behind.isalpha()
    return character in (_IN_WORDS if within else _SIGNS)
