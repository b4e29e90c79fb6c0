"""Phrases of the lexicon, and finding them in the words of a title."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bg_assets.domain.titles.languages import UNTOLD, Told

# A phrase of this language holds in each that has none of its own of the same words.
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One meaning. functions and levels: the first is the answer, the others are alternatives.

    A first function of `-` is no answer: the alternatives are only possible.
    """

    text: str
    words: tuple[str, ...]
    kind: str
    functions: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    value: str = ""
    language: str = "en"


class Matcher:
    """Finds the phrases of a list of words, the longest first, none within another."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        first: dict[str, list[Phrase]] = {}
        meanings: dict[tuple[str, ...], list[Phrase]] = {}
        for phrase in phrases:
            meanings.setdefault(phrase.words, []).append(phrase)
        for some in meanings.values():
            # What says nothing in one language must not silence the others where none is told.
            some.sort(key=lambda p: p.kind in ("ignore", "link") or p.language == OTHER)
        for words, several in meanings.items():
            first.setdefault(words[0], []).append(several[0])
        self._several = {words: tuple(some) for words, some in meanings.items() if len(some) > 1}
        self._open = frozenset(words[0] for words in self._several)
        # What of these hangs on the language, not on the accents alone.
        others = [p for some in self._several.values() for p in some[1:]]
        self.ambiguous = frozenset(p.words[0] for p in others if p.text.isascii())
        self._first = {
            word: tuple(sorted(found, key=lambda p: -len(p.words))) for word, found in first.items()
        }
        self._alone: dict[str, Phrase] = {}
        # Many phrases begin with one word, few with two.
        self._longer: dict[tuple[str, str], list[Phrase]] = {}
        for word, found in self._first.items():
            for phrase in found:
                if len(phrase.words) == 1:
                    self._alone[word] = phrase
                else:
                    self._longer.setdefault((word, phrase.words[1]), []).append(phrase)

    def knows(self, word: str) -> bool:
        """Whether some phrase begins with this word."""
        return word in self._first

    def phrases(self) -> list[Phrase]:
        """All phrases, of several meanings the first."""
        return [phrase for some in self._first.values() for phrase in some]

    def knows_alone(self, word: str) -> bool:
        """Whether this word is a phrase."""
        return word in self._alone

    def stands(self, words: Sequence[str], at: int) -> bool:
        """Whether some phrase begins at this position."""
        if words[at] in self._alone:
            return True
        return words[at] in self._first and bool(self._longer_at(words, at))

    def _longer_at(self, words: Sequence[str], at: int) -> list[Phrase]:
        """The phrases of several words that begin at this position, the longest first."""
        if at + 1 == len(words):
            return []
        some = self._longer.get((words[at], words[at + 1]))
        if some is None:
            return []
        sized = ((p, len(p.words)) for p in some)
        return [p for p, n in sized if n == 2 or tuple(words[at : at + n]) == p.words]

    def find(
        self,
        words: Sequence[str],
        refused: frozenset[int] = frozenset(),
        languages: Mapping[str, Told] = UNTOLD,
        odd: frozenset[int] = frozenset(),
    ) -> list[tuple[int, Phrase]]:
        """(position, phrase) in reading order; among equally long ones the earlier wins.

        refused: positions where an acronym may not stand. languages: that of the title, by the
        ambiguous word; odd: positions of words with letters outside ASCII. Both choose between
        several meanings.
        """
        matches: list[tuple[int, int, Phrase]] = []
        for at, word in enumerate(words):
            if word not in self._first:
                continue
            begun = self._longer_at(words, at)
            if word in self._alone:
                begun.append(self._alone[word])
            for phrase in begun:
                if word in self._open and phrase.words in self._several:
                    phrase = _meant(self._several[phrase.words], at, languages, odd)
                if phrase.kind != "acronym" or at not in refused:
                    matches.append((-len(phrase.words), at, phrase))
        if len(matches) > 1:
            matches.sort(key=lambda f: f[:2])
        taken: set[int] = set()
        chosen: list[tuple[int, Phrase]] = []
        for size, at, phrase in matches:
            span = range(at, at - size)
            if taken.isdisjoint(span):
                taken.update(span)
                chosen.append((at, phrase))
        chosen.sort(key=lambda c: c[0])
        return chosen


def _meant(
    several: Sequence[Phrase], at: int, languages: Mapping[str, Told], odd: frozenset[int]
) -> Phrase:
    """Which of the meanings of the words at a place is meant: the one with its accents, if any.

    Else that of the language, or where it has none that of the other languages. English words are
    used in all, so that a guess moves none of them.
    """
    first, *others = several
    if not odd.isdisjoint(range(at, at + len(first.words))):
        accented = [p for p in several if not p.text.isascii()]
    else:
        accented, others = [], [p for p in others if p.text.isascii()]
    told = languages.get(first.words[0])
    if told is None or (first.language == "en" and not told.firmly):
        return (accented or several)[0]
    fitting = [p for p in accented or (first, *others) if p.language == told.language]
    rest = [p for p in others if p.language == OTHER]
    return (fitting or accented or rest or several)[0]
