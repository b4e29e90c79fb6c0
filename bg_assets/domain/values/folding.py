"""Words without what spellings differ in: capitals and accents."""

import unicodedata


def fold(word: str) -> str:
    """Small letters without accents (é becomes e, ß becomes ss); other scripts stay as they are."""
    word = word.casefold()
    if word.isascii():
        return word
    word = word.replace("ø", "o").replace("ł", "l").replace("æ", "ae").replace("œ", "oe")
    split = unicodedata.normalize("NFKD", word)
    return "".join(c for c in split if not unicodedata.combining(c))
