"""Which texts a spreadsheet would take for a formula, as it reads them itself."""

import unicodedata

# The minus sign too, which NFKC leaves alone and spreadsheets read as one.
_STARTS = frozenset("=+-@\u2212")
_FIRST = ("\t", "\r", "\n")
# White space, controls, and what takes no room, such as zero-width marks and lone accents.
_SKIPPED = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"))
# Letters by category, but blank: fillers of Hangul, and the empty Braille cell.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def is_formula(text: str) -> bool:
    """Whether the first sign that counts, in its plain form, begins a formula.

    What stands before it and is not seen is skipped, since spreadsheets trim it; so `` =1``,
    ``＝1`` and a line break before ``@SUM`` are formulas.
    """
    if text.startswith(_FIRST):
        return True
    for sign in text:
        for plain in unicodedata.normalize("NFKC", sign):
            if plain in _STARTS:
                return True
            if plain not in _BLANK and unicodedata.category(plain) not in _SKIPPED:
                return False
    return False
