"""What came of each planted fault: told as it comes, kept as JSON, summed up by room at the end."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.mutant_sites import Mutant
from bench.mutant_trials import Outcome

UNREACHED = "unreached"
_LIVING = ("alive", UNREACHED)
_VERDICTS = ("caught", "equivalent", *_LIVING)


class Report:
    """The outcomes so far, in this file; ``failed`` are the tests that judge none."""

    def __init__(
        self,
        file: Path,
        options: Mapping[str, Any],
        failed: Iterable[str],
        earlier: Sequence[dict[str, Any]] = (),
    ) -> None:
        self._file = file
        self._options = dict(options)
        self._failed = sorted(failed)
        self._found = list(earlier)
        self._earlier = len(earlier)

    def add(self, room: str, mutant: Mutant, outcome: Outcome | None) -> None:
        """One more; None is equivalent."""
        verdict = _verdict(outcome)
        self._found.append(
            {
                "room": room,
                "module": mutant.module,
                "line": mutant.line,
                "place": mutant.place,
                "operator": mutant.operator,
                "verdict": verdict,
                "was": mutant.was,
                "becomes": mutant.becomes,
                "diff": mutant.diff,
                "by": outcome.by if outcome else "",
                "seconds": round(outcome.seconds, 1) if outcome else 0,
            }
        )
        if verdict in _LIVING:
            say(f"{verdict}  {mutant.module}:{mutant.line} in {mutant.place}\n{mutant.diff}")
        self._write()

    def tell(self, rooms: Iterable[str], planned: int) -> None:
        """The table by room, and how many of those planned did not come to be planted."""
        heads = "".join(f"{head:>11}" for head in ("planted", *_VERDICTS))
        say(f"{'room':<10}{heads}{'share':>8}")
        for room in rooms:
            say(_line(room, self._counts(room)))
        say(_line("all", self._counts()))
        left = planned - (len(self._found) - self._earlier)
        if left:
            say(f"{left} of the sample were not planted")
        say(f"share: caught of those not equivalent; each is in {self._file}")

    def _counts(self, room: str | None = None) -> Counter[str]:
        return Counter(one["verdict"] for one in self._found if room in (None, one["room"]))

    def _write(self) -> None:
        rooms = dict.fromkeys(one["room"] for one in self._found)
        everything = {
            "options": self._options,
            "rooms": {room: _summary(self._counts(room)) for room in rooms},
            "all": _summary(self._counts()),
            "tests that could not judge": self._failed,
            "mutants": self._found,
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(
            json.dumps(everything, indent=1, ensure_ascii=False), encoding="utf-8"
        )


def kept(file: Path | None) -> list[dict[str, Any]]:
    """The outcomes that an earlier report kept, none without a file."""
    if file is None:
        return []
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["mutants"]
    return found


def name(outcome: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """What the fault of a kept outcome is known by (see Mutant.name)."""
    return outcome["module"], outcome["place"], outcome["was"], outcome["becomes"]


def alive(file: Path) -> dict[str, set[tuple[str, str, str, str]]]:
    """The names of those that lived, by module, as an earlier report kept them."""
    found: dict[str, set[tuple[str, str, str, str]]] = {}
    for one in kept(file):
        if one["verdict"] in _LIVING:
            found.setdefault(one["module"], set()).add(name(one))
    return found


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _verdict(outcome: Outcome | None) -> str:
    if outcome is None:
        return "equivalent"
    if outcome.by == UNREACHED:
        return UNREACHED
    return "caught" if outcome.caught else "alive"


def _summary(counts: Mapping[str, int]) -> dict[str, float | int | None]:
    judged = sum(number for verdict, number in counts.items() if verdict != "equivalent")
    return {
        "planted": sum(counts.values()),
        **{verdict: counts.get(verdict, 0) for verdict in _VERDICTS},
        "share": round(counts.get("caught", 0) / judged, 3) if judged else None,
    }


def _line(room: str, counts: Mapping[str, int]) -> str:
    figures = _summary(counts)
    share = figures.pop("share")
    told = f"{share:.0%}" if share is not None else "-"
    return "".join([f"{room:<10}", *(f"{number:>11}" for number in figures.values()), f"{told:>8}"])
