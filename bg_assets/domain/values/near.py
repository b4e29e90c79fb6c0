"""Near matches for a name that nobody knows, as the end of an error sentence."""

import difflib
from collections.abc import Iterable


def near(word: str, known: Iterable[str]) -> str:
    """`did you mean x or y?`, or the allowed words when none is close; empty when none is known."""
    names = sorted(set(known))
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"allowed: {', '.join(names)}" if names else ""
