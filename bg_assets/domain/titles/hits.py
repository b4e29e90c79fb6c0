"""What was found in a title: units and runs of phrases, and what was left over."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from bg_assets.domain.titles.phrases import Phrase
from bg_assets.domain.vocabulary import LEVELS

MEANINGFUL = frozenset(("title", "function", "acronym", "weak", "level", "grade"))
_LEADING = frozenset(LEVELS[: LEVELS.index("senior")])
_BETWEEN = frozenset(("region", "ignore", "grade"))
# Of these in the past others take care.
_PEOPLE = frozenset(
    (
        *("clergy", "employees", "greyhounds", "members", "officers", "offenders", "patients"),
        *("people", "personnel", "players", "prisoners", "racehorses", "residents", "staff"),
        *("students", "teachers", "workers"),
    )
)


class Ahead(Enum):
    """What follows a phrase in its run: nothing, a link, a rank, a function, another word, or
    `and` with a thing after it.
    """

    END = "end"
    LINK = "link"
    RANK = "rank"
    FUNCTION = "function"
    WORD = "word"
    AND = "and"


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase at a place. unit: counts joining signs before it; run: counts links and breaks."""

    phrase: Phrase
    at: int
    unit: int
    run: int
    linked: bool  # the run began with of, for, in rather than with a comma
    owned: bool = False  # it tells whose office or helper this is, not what the person is
    ahead: Ahead = Ahead.END
    next_word: str = ""  # of the same run
    deputy: bool = False  # deputy stands before it in its run

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
    retired: bool = False  # it says of what the person is retired
    unknown: int = 0
    joined: bool = False  # it names several things, joined by a sign
    foreign: bool = False  # it has words of a language that the lexicon does not know
    abroad: bool = False  # it has words of a language other than English that it knows
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """The words of a section with the phrases found in them by position."""

    words: Sequence[str]
    breaks: frozenset[int]
    starts: dict[int, Phrase]

    def stops(self, at: int) -> bool:
        """Whether nothing of the same run can stand there."""
        return at >= len(self.words) or at in self.breaks or self.words[at] == "and"

    def ends(self, at: int) -> bool:
        """Whether at most a link like of follows in the same run."""
        following = self.starts.get(at)
        return self.stops(at) or (following is not None and following.kind in ("link", "cut"))

    def stop(self, at: int) -> int:
        """The next place from there where a run stops."""
        while not self.stops(at):
            at += 1
        return at

    def rank_at(self, at: int) -> bool:
        """Whether a rank stands there, or after one word like national or senior."""
        return bool(self.levels_at(at))

    def leader_at(self, at: int) -> bool:
        """Whether the rank of somebody who leads stands there."""
        return not _LEADING.isdisjoint(self.levels_at(at)[:1])

    def levels_at(self, at: int) -> tuple[str, ...]:
        """The levels of the rank there, or after one word like national or senior."""
        phrase = self.starts.get(at)
        if phrase is not None and phrase.kind in _BETWEEN:
            phrase = self.starts.get(at + len(phrase.words))
        return phrase.levels if phrase is not None else ()

    def told_before(self, at: int) -> bool:
        """Whether a phrase that says something of the work, or where it is, ends there."""
        return any(
            place + len(phrase.words) == at
            and (phrase.kind in MEANINGFUL or phrase.kind in _BETWEEN)
            for place, phrase in self.starts.items()
        )

    def parts(self, at: int) -> bool:
        """Whether what stands there is parted from what stands before."""
        return at in self.breaks or self.words[at] == "and"

    def looks_after_people(self, at: int) -> bool:
        """Whether people are named there of whom somebody takes care: `Retired Members Officer`."""
        if at >= len(self.words) or self.words[at] not in _PEOPLE:
            return False
        return any(
            place in self.starts and self.starts[place].levels
            for place in range(at + 1, self.stop(at))
        )


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
