"""Which columns a file may have, and whether its header fits them."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bg_assets.domain.values.columns import COMPANIES, PEOPLE, Column, in_files
from bg_assets.files import misspelt, spellings
from bg_assets.files.spellings import ANY, Spelling, plain

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
# What a file may have besides: by it a row finds its person or company where there are no ids of
# ours. None of it is stored as it is.
_OWN_KEY = Column("source_id", "person id", in_files="may")
CLUES: Mapping[Kind, tuple[Column, ...]] = {
    "companies": (_OWN_KEY,),
    "people": (
        _OWN_KEY,
        Column("company_name", "company name", in_files="may"),
        Column("company_domain", "domain", in_files="may"),
    ),
}
_KEYS = {"companies": {"id"}, "people": {"id", "company_id"}}
# One of these is enough to tell who is meant, and where they work.
_WHO = {"companies": {"id", "source_id", "name"}, "people": {"id", "source_id", "name", "email"}}
_WHERE = ("company_id", "company_name", "company_domain", "email")
# Texts, of which several may be joined to one.
_JOINED = frozenset({"name", "title", "text", "company name"})

# What a header cell never looks like: an address, a date, a number, a URL.
_DATA = re.compile(r".*\S@\S.*|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[-+0-9.,]+|https?://.*", re.DOTALL)
_SHOWN = 8
# What a required column holds.
_WHAT = {
    "id": "an id of each row, which never changes",
    "company_id": "ids of companies as they were imported, not their names",
    "name": "the names",
}
# What tells the same of a person.
_INSTEAD = {"company_id": "company_name, company_domain or email", "id": "name or email"}

# Of a list without ids, which needs none.
_NO_ONE = {
    "id": "no column tells who somebody is: add --map name=YOURS, or --map email=YOURS",
    "company_id": "no column tells where they work: add --map company_name=YOURS (or "
    "company_domain, company_id)",
}


class BadHeader(Exception):
    """A file whose header does not fit, before anything was read from it; says what to do."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What of a file fills which column of ours.

    positions: of each canonical column that the file has, in canonical order, where in the file it
    stands; several are joined. ignored: the names of the other columns. system: whose export it is.
    hint: what else the user may have meant, in words; empty where nothing seems to be missing.
    required: the columns in which nothing may be missing. sought: whether rows find their person or
    company, since the file does not have ids of ours for both.
    """

    positions: dict[str, tuple[int, ...]]
    ignored: tuple[str, ...] = ()
    system: str | None = None
    required: tuple[str, ...] = ()
    sought: bool = False
    hint: str = ""


def columns(kind: Kind) -> tuple[str, ...]:
    """The names of all columns that such a file may have, the required ones first."""
    return (*REQUIRED[kind], *OPTIONAL[kind], *(column.name for column in CLUES[kind]))


def fit(
    header: Sequence[str],
    kind: Kind,
    mapping: Mapping[str, str],
    ignore_unknown: bool,
    known: Sequence[Spelling] = (),
    *,
    of_source: bool = False,
    strict: bool = False,
) -> Fitted:
    """Which columns of the file are ours, by the mapping, by our names, or as ``known`` has them.

    ``mapping`` goes from canonical to the file's name, or to several as ``A+B``. Case, accents,
    spaces and signs in names make no difference. The other columns are passed over. One that is
    probably ours and misspelt is refused, unless with ``ignore_unknown`` or in the export of a
    known system; with ``strict`` each is. ``of_source``: ids in the file are its source's own.
    Raises BadHeader with all that is wrong, near matches, and what to type.
    """
    names = [name.strip() for name in header]
    canonical = columns(kind)
    _refuse_other_shapes(names, kind, {*canonical, *mapping.values(), *_parts(known)})
    system = spellings.system(names, known)
    known = [one for one in known if one.system in (system, ANY)]
    positions, problems = _mapped(names, kind, mapping)
    taken = {position for found in positions.values() for position in found}
    absent = []
    for name in canonical:
        if name in mapping or _is_needless(name, kind, positions, of_source):
            continue
        if found := _found(name, names, taken, known):
            positions[name] = found
            taken.update(found)
        else:
            absent.append(name)
    unknown = [names[i] for i in range(len(names)) if i not in taken]
    used = {plain(names[i]) for i in taken}
    sought = of_source or bool(_KEYS[kind] - positions.keys()) or "source_id" in positions
    # The second of two columns with one name is named as such, not also as unknown.
    strangers = [name for name in dict.fromkeys(unknown) if plain(name) not in used]
    lenient = ignore_unknown or system is not None
    near = {} if lenient or strict else _misspelt(strangers, absent, known)
    problems += _missing(kind, {**positions, **near}, mapping, unknown, system)
    problems += _twice(names, taken, lenient or not strict)
    problems += near.values()
    if strangers and strict and not lenient:
        problems.append(_unknown(strangers, canonical, positions, mapping))
    if problems:
        raise BadHeader("; ".join(problems))
    required = [name for name in REQUIRED[kind] if name in positions]
    return Fitted(
        {name: positions[name] for name in canonical if name in positions},
        tuple(unknown),
        system,
        # By a source's own id nobody need be known, if there is something else.
        tuple(name for name in required if not of_source or name not in _KEYS[kind]),
        sought,
        _hint(strangers, absent) if kind == "people" else "",
    )


def _is_needless(name: str, kind: Kind, found: Mapping[str, object], of_source: bool) -> bool:
    """Whether a column would only say anew what an id of ours says already."""
    if name == "source_id":
        return "id" in found
    return (
        name.startswith("company_")
        and name != "company_id"
        and ("company_id" in found and not of_source)
    )


def _parts(known: Iterable[Spelling]) -> set[str]:
    return {part for one in known for part in one.parts}


def _mapped(
    names: Sequence[str], kind: Kind, mapping: Mapping[str, str]
) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    """Where the columns of the user's mapping stand, and what is wrong with it."""
    forms = {name: column.form for name, column in in_files((*COLUMNS[kind], *CLUES[kind]))}
    positions: dict[str, tuple[int, ...]] = {}
    problems = []
    for name, value in mapping.items():
        if name not in forms:
            problems.append(
                f"--map {name}= names no column of ours{_near(name, forms)}; "
                f"ours are {', '.join(columns(kind))}"
            )
            continue
        whole = _place(value, names)
        parts = (value,) if whole is not None or "+" not in value else spellings.split(value)
        found = [_place(part, names) for part in parts]
        for part, place in zip(parts, found, strict=True):
            if place is None:
                problems.append(
                    f"--map {name}={show(part)} names a column that the file does not have"
                    f"{_near(part, names)}"
                )
        if len(parts) > 1 and forms[name] not in _JOINED:
            problems.append(f"--map {name}= takes one column: only texts can be joined")
        positions[name] = tuple(place for place in found if place is not None)
    taken = Counter(place for found in positions.values() for place in set(found))
    for place, count in taken.items():
        if count > 1:
            both = " and ".join(name for name, found in positions.items() if place in found)
            problems.append(
                f"{both} are mapped to the same column {show(names[place])}: choose one of them"
            )
    return {name: found for name, found in positions.items() if found}, problems


def _place(name: str, names: Sequence[str]) -> int | None:
    """Where a column stands: by its name as it is, else by its letters and digits."""
    name = name.strip()
    if name in names:
        return names.index(name)
    wanted = plain(name)
    return next((i for i, other in enumerate(names) if plain(other) == wanted), None)


def _found(
    column: str, names: Sequence[str], taken: set[int], known: Sequence[Spelling]
) -> tuple[int, ...] | None:
    """Where a column of ours stands under our name or another that is known, if it is still free.

    Names of the file's system come before those of anybody, as they do in the table.
    """
    ours = sorted((one for one in known if one.column == column), key=lambda one: one.system == ANY)
    for parts in ((column,), *(one.parts for one in ours)):
        places = [_place(part, names) for part in parts]
        found = tuple(place for place in places if place is not None and place not in taken)
        if len(found) == len(parts):
            return found
    return None


def _refuse_other_shapes(names: Sequence[str], kind: Kind, known: Iterable[str]) -> None:
    expected = ", ".join(REQUIRED[kind])
    if not any(names):
        raise BadHeader(f"the first line is empty: it must name the columns, at least {expected}")
    plainly = set(map(plain, known))
    there = {plain(name) for name in names} & plainly
    # Such a line may hold personal data, so that the message must not repeat it. Where several
    # names are known it is a header, with columns of years, or that nobody named.
    strange = (name for name in names if plain(name) not in plainly)
    if len(there) < 2 and any(map(_DATA.fullmatch, strange)):
        raise BadHeader(
            f"the first line looks like data, not like a header: it must name the columns, "
            f"at least {expected}"
        )


def _twice(names: Sequence[str], taken: set[int], lenient: bool) -> Iterable[str]:
    """Columns that can't be told apart, where one of them is used or none is to be passed over."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(plain(name), []).append(place)
    for same in places.values():
        if len(same) > 1 and names[same[0]] and (not lenient or not taken.isdisjoint(same)):
            shown = " and ".join(dict.fromkeys(show(names[place]) for place in same))
            yield f"the column {shown} comes twice: rename or remove one of them in the file"


def _missing(
    kind: Kind,
    found: Mapping[str, object],
    mapping: Mapping[str, str],
    unknown: Sequence[str],
    system: str | None,
) -> Iterable[str]:
    whose = f" of {system}'s export" if system else ""
    there = [name for name in unknown if name]
    for name in REQUIRED[kind]:
        if name in found or name in mapping or _is_told_otherwise(name, kind, found):
            continue
        missing = f"the required column {name} is missing"
        instead = ""
        if kind == "people" and name in _INSTEAD:
            instead = f"; instead of it {_INSTEAD[name]} would do"
        if near := _closest(name, there):
            shown = show(near[0])
            what = _WHAT[name]
            yield f"{missing}: if {shown}{whose} holds {what}, add --map {name}={shown}{instead}"
        elif there and kind == "people" and found.keys().isdisjoint(_KEYS[kind]):
            some = ", ".join(map(show, there[:_SHOWN]))
            yield f"{_NO_ONE[name]}, which one of the columns{whose} may do ({some})"
        elif there:
            some = ", ".join(map(show, there[:_SHOWN]))
            yield (
                f"{missing}: if one of the columns{whose} holds {_WHAT[name]} ({some}), name that "
                f"with --map{instead}"
            )
        else:
            yield f"{missing}, and no column{whose} is left that could be it{instead}"


def _is_told_otherwise(name: str, kind: Kind, found: Mapping[str, object]) -> bool:
    """Whether there is something else by which a row finds whom an id would tell."""
    if name == "company_id":
        return not found.keys().isdisjoint(_WHERE)
    return name == "id" and not found.keys().isdisjoint(_WHO[kind])


def _misspelt(
    strangers: Sequence[str], absent: Sequence[str], known: Iterable[Spelling]
) -> dict[str, str]:
    """Of our columns those that a stranger probably is, misspelt, with what to type."""
    others = [(one.column, one.parts) for one in known]
    headers = {name: misspelt.headers_of(name, others) for name in absent}
    near = {}
    for column, names in misspelt.misspelt(strangers, headers):
        shown = "+".join(map(show, names))
        which = "columns" if len(names) > 1 else "column"
        near[column] = (
            f"the {which} {shown} may be {column}, misspelt: add --map {column}={shown}, or pass "
            "--ignore-unknown if not"
        )
    return near


def _hint(strangers: Sequence[str], absent: Sequence[str]) -> str:
    """That nobody's title is known, which would leave most groups empty."""
    there = [name for name in strangers if name]
    if "title" not in absent or not there:
        return ""
    near = _closest("title", there)
    some = show(near[0]) if near else "YOURS"
    return (
        "no column is read as title, which tells people's roles: if one of those that are ignored "
        f"is, add --map title={some}"
    )


def _unknown(
    strangers: Sequence[str],
    canonical: Sequence[str],
    found: Mapping[str, object],
    mapping: Mapping[str, str],
) -> str:
    shown = ", ".join(show(name) for name in strangers[:_SHOWN])
    if len(strangers) > _SHOWN:
        shown += f" and {len(strangers) - _SHOWN} more"
    # A missing required column has its own sentence, with its own proposal.
    free = [name for name in canonical if name not in found and name not in mapping]
    one = len(strangers) == 1
    said = f"the column {shown} is unknown" if one else f"the columns {shown} are unknown"
    for name in filter(None, strangers):
        if near := _closest(name, free):
            hint = f"--map {near[0]}={show(name)}"
            return f"{said}: map {'it' if one else 'them'} like {hint}, or pass --ignore-unknown"
    ours = f": map what is one of {', '.join(free)} with --map, or" if free else ":"
    return f"{said}{ours} pass --ignore-unknown to leave {'it' if one else 'them'} out"


def _near(name: str, others: Iterable[str]) -> str:
    near = _closest(name, others)
    return f" (near: {', '.join(show(other) for other in near)})" if near else ""


def _closest(name: str, others: Iterable[str]) -> list[str]:
    """Up to three names that look alike, whatever their case and separators, best first."""
    by_words: dict[str, str] = {}
    for other in others:
        if other:
            by_words.setdefault(_words(other), other)
    close = difflib.get_close_matches(_words(name), by_words, n=3, cutoff=0.6)
    parts = [key for key in by_words if _words(name) in key.split() or key in _words(name).split()]
    return [by_words[key] for key in dict.fromkeys((*close, *parts))][:3]


def _words(name: str) -> str:
    return " ".join(re.findall(r"\w+", name.casefold().replace("_", " ")))[:80]


def show(name: str) -> str:
    """A column's name in quotes, on one line and not too long."""
    if not name:
        return "without a name"
    short = name if len(name) <= 60 else name[:59] + "…"
    return '"' + "".join(c if c.isprintable() else "�" for c in short) + '"'
