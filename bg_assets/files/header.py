"""Which columns a file may have, and whether its header fits them."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from bg_assets.domain.values.columns import COMPANIES, PEOPLE, Column, in_files

Kind = Literal["companies", "people"]

COLUMNS: Mapping[Kind, tuple[Column, ...]] = {"companies": COMPANIES, "people": PEOPLE}
REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    kind: tuple(name for name, column in in_files(columns) if column.in_files == "must")
    for kind, columns in COLUMNS.items()
}
OPTIONAL: Mapping[Kind, tuple[str, ...]] = {
    kind: tuple(name for name, column in in_files(columns) if column.in_files == "may")
    for kind, columns in COLUMNS.items()
}

# What a header cell never looks like: an address, a date, a number, a URL.
_DATA = re.compile(r".*\S@\S.*|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[-+0-9.,]+|https?://.*", re.DOTALL)
_SHOWN = 8


class BadHeader(Exception):
    """A file whose header does not fit, before anything was read from it; says what to do."""


def fit(
    header: Sequence[str], kind: Kind, mapping: Mapping[str, str], ignore_unknown: bool
) -> dict[str, int]:
    """The position of each canonical column that the file has, in canonical order.

    ``mapping`` goes from canonical to the file's name. Names are compared as they are, trimmed.
    Raises BadHeader with all that is wrong, near matches, and what to type.
    """
    names = [name.strip() for name in header]
    _refuse_other_shapes(names, kind, mapping)
    canonical = (*REQUIRED[kind], *OPTIONAL[kind])
    wanted = {name: mapping.get(name, name) for name in canonical}
    taken = set(mapping.values())
    positions = {
        name: names.index(column)
        for name, column in wanted.items()
        if column in names and (name in mapping or column not in taken)
    }
    used = set(positions.values())
    unknown = [names[i] for i in range(len(names)) if i not in used]
    known_names = {names[i] for i in used}
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    problems = [
        *_mapping_problems(names, canonical, mapping),
        *_missing(kind, positions, mapping, unknown),
        *(
            f"the column {_show(name)} comes twice"
            for name in twice
            if name in known_names or not ignore_unknown
        ),
    ]
    # The second of two columns with one name is named as such, not also as unknown.
    strangers = [name for name in dict.fromkeys(unknown) if name not in known_names]
    if strangers and not ignore_unknown:
        problems.append(_unknown(strangers, canonical, positions, mapping))
    if problems:
        raise BadHeader("; ".join(problems))
    return positions


def _refuse_other_shapes(names: Sequence[str], kind: Kind, mapping: Mapping[str, str]) -> None:
    expected = ", ".join(REQUIRED[kind])
    if not any(names):
        raise BadHeader(f"the first line is empty: it must name the columns, at least {expected}")
    if len(names) == 1:
        for mark, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if mark in names[0]:
                raise BadHeader(f"the columns are separated by {word}: save the file with commas")
    # Such a line may hold personal data, so that the message must not repeat it.
    known = {*REQUIRED[kind], *OPTIONAL[kind], *mapping.values()}
    if any(_DATA.fullmatch(name) and name not in known for name in names):
        raise BadHeader(
            f"the first line looks like data, not like a header: it must name the columns, "
            f"at least {expected}"
        )


def _mapping_problems(
    names: Sequence[str], canonical: Sequence[str], mapping: Mapping[str, str]
) -> Iterable[str]:
    for name, column in mapping.items():
        if name not in canonical:
            yield (
                f"--map {name}= names no column of ours{_near(name, canonical)}; "
                f"ours are {', '.join(canonical)}"
            )
        elif column not in names:
            yield (
                f"--map {name}={_show(column)} names a column that the file does not have"
                f"{_near(column, names)}"
            )
    for column, count in Counter(mapping.values()).items():
        if count > 1:
            both = " and ".join(name for name, other in mapping.items() if other == column)
            yield f"{both} are mapped to the same column {_show(column)}: choose one of them"


def _missing(
    kind: Kind, found: Mapping[str, int], mapping: Mapping[str, str], unknown: Sequence[str]
) -> Iterable[str]:
    for name in REQUIRED[kind]:
        if name not in found and name not in mapping:
            near = _closest(name, unknown)
            column = _show(near[0]) if near else '"Your Column"'
            yield f"the required column {name} is missing: name it with --map {name}={column}"


def _unknown(
    strangers: Sequence[str],
    canonical: Sequence[str],
    found: Mapping[str, int],
    mapping: Mapping[str, str],
) -> str:
    shown = ", ".join(_show(name) for name in strangers[:_SHOWN])
    if len(strangers) > _SHOWN:
        shown += f" and {len(strangers) - _SHOWN} more"
    # A missing required column has its own sentence, with its own proposal.
    free = [name for name in canonical if name not in found and name not in mapping]
    hint = f"--map {(free or canonical)[0]}={_show(strangers[0])}"
    for name in strangers:
        if near := _closest(name, free):
            hint = f"--map {near[0]}={_show(name)}"
            break
    if len(strangers) == 1:
        return f"the column {shown} is unknown: map it like {hint}, or pass --ignore-unknown"
    return f"the columns {shown} are unknown: map them like {hint}, or pass --ignore-unknown"


def _near(name: str, others: Iterable[str]) -> str:
    near = _closest(name, others)
    return f" (near: {', '.join(_show(other) for other in near)})" if near else ""


def _closest(name: str, others: Iterable[str]) -> list[str]:
    """Up to three names that look alike, whatever their case and separators, best first."""
    plain: dict[str, str] = {}
    for other in others:
        if other:
            plain.setdefault(_plain(other), other)
    close = difflib.get_close_matches(_plain(name), plain, n=3, cutoff=0.6)
    parts = [key for key in plain if _plain(name) in key.split() or key in _plain(name).split()]
    return [plain[key] for key in dict.fromkeys((*close, *parts))][:3]


def _plain(name: str) -> str:
    return " ".join(re.findall(r"\w+", name.casefold().replace("_", " ")))[:80]


def _show(name: str) -> str:
    """A column's name in quotes, on one line and not too long."""
    if not name:
        return "without a name"
    short = name if len(name) <= 60 else name[:59] + "…"
    return '"' + "".join(c if c.isprintable() else "�" for c in short) + '"'
