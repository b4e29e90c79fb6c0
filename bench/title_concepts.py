"""What is one and the same in twelve languages: its titles are to have one function, or none told.

concepts.csv names occupations of ESCO in the words of each language.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from bg_assets.domain.titles.verdict import classify

_FILE = Path(__file__).with_name("concepts.csv")


def concepts() -> Iterator[dict[str, str]]:
    """Each occupation: its title by language."""
    with _FILE.open(encoding="utf-8", newline="") as rows:
        yield from csv.DictReader(rows)


def contradictions() -> tuple[list[tuple[str, str, str, str]], int, int]:
    """(language, title, its function, that of most languages); how many answers, how many titles.

    Of an occupation all answers but the most frequent contradict.
    """
    against: list[tuple[str, str, str, str]] = []
    answered = asked = 0
    for titles in concepts():
        said = {language: classify(title).function for language, title in titles.items()}
        told = {language: function for language, function in said.items() if function}
        asked += len(said)
        answered += len(told)
        most = Counter(told.values()).most_common(1)[0][0]
        against += [
            (language, titles[language], function, most)
            for language, function in told.items()
            if function != most
        ]
    return against, answered, asked


def languages(say: Callable[[str], object]) -> None:
    """The contradictions, and how many there are."""
    against, answered, asked = contradictions()
    for language, title, function, most in against:
        say(f"  {language}: {title!r} read as {function}, as others: {most}")
    share = len(against) / answered
    say(
        f"occupations in twelve languages: {asked} titles, answered {answered / asked:.3f}, "
        f"contradictions {len(against)} = {share:.3f} of these"
    )
