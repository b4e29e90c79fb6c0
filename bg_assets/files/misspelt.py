"""Columns of a file whose names are probably ours, or known ones, with a slip of the pen in them.

Nothing is changed by that: who reads the file is asked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bg_assets.files.spellings import plain

# So many letters of the shorter name allow one slip, or two. Of shorter names too many words are
# near: "role" and "rule", "city" and "cite".
_ONE_SLIP, _TWO_SLIPS = 5, 9
# Words of their own, which stand in lists and are a slip away from what is known.
_OTHER_WORDS = frozenset({"county", "contract", "employee", "function", "organiser", "organizer"})


def misspelt(
    strangers: Sequence[str], known: Mapping[str, Sequence[tuple[str, ...]]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each column of ours that strangers may mean, with the names in the file that would fill it.

    ``known``: for each column that the file lacks under which headers it may come, several where
    these are joined; first what is more likely. A stranger is offered for one column at most.
    """
    free = {name: plain(name) for name in strangers if name}
    for column, headers in known.items():
        found = next(filter(None, (_filled(parts, free) for parts in headers)), None)
        if found is not None:
            yield column, found
            for name in found:
                del free[name]


def _filled(parts: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...] | None:
    """The names that may be these parts of a header; None where one is missing."""
    found = [_nearest(plain(part), names) for part in parts]
    there = tuple(name for name in found if name is not None)
    return there if len(there) == len(parts) == len(set(there)) else None


def slips(one: str, other: str) -> int:
    """Letters to add, leave out, replace, or two neighbours to swap, to make one of the other."""
    before: list[int] = []
    line = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        following = [row]
        for at, its in enumerate(other, 1):
            least = min(line[at] + 1, following[at - 1] + 1, line[at - 1] + (letter != its))
            swapped = at > 1 and row > 1 and letter == other[at - 2] and one[row - 2] == its
            following.append(min(least, before[at - 2] + 1) if swapped else least)
        before, line = line, following
    return line[-1]


def _nearest(wanted: str, names: Mapping[str, str]) -> str | None:
    """The name that is this one, or else the one nearest to it that may be a slip of it."""
    near = [(_distance(wanted, key), name) for name, key in names.items()]
    return min(((far, name) for far, name in near if far is not None), default=(0, None))[1]


def _distance(wanted: str, key: str) -> int | None:
    """How many slips are between them; None where they are just different words."""
    if key == wanted:
        return 0
    most = _allowed(wanted, key)
    # Cheap to tell, and enough for most pairs.
    if abs(len(wanted) - len(key)) > most or len(set(wanted) ^ set(key)) > 2 * most:
        return None
    far = slips(wanted, key) if most else 1
    return far if far <= most else None


def _allowed(wanted: str, key: str) -> int:
    shorter = min(len(wanted), len(key))
    if key in _OTHER_WORDS or shorter < _ONE_SLIP:
        return 0
    return 2 if shorter >= _TWO_SLIPS else 1


def headers_of(column: str, known: Iterable[tuple[str, tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """Under which headers a column may come: our name, then those of ``known`` for it."""
    return [(column,), *(parts for name, parts in known if name == column)]
