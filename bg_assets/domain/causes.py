"""Why companies are refreshed, in words that analysts read: who wrote what, and how much of it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# So many causes are told; of the others how many there are.
_TOLD = 3
_LONGEST_NAME, _LONGEST_CAUSE, _LONGEST = 60, 160, 400

# A change of each kind where it is one, and where there are {n}.
_KINDS = {
    "person_joined": ("somebody joined", "{n} people joined"),
    "person_left": ("somebody left", "{n} people left"),
    "role_change": ("new title", "{n} new titles"),
    "promotion": ("a promotion", "{n} promotions"),
    "department_change": ("new department", "{n} new departments"),
    "company_change": ("somebody came from another company", "{n} people came from others"),
    "contact_change": ("new contact details", "{n} new contact details"),
    "company_profile_change": ("the company's profile", "the company's profile"),
    "company_deleted": ("the company is no longer tracked", "the company is no longer tracked"),
    "resync": ("1 person", "{n} people"),
}
_MOVED_AWAY = ("somebody moved to another company", "{n} people moved to others")
_MEMBERS = {
    "person_left": ("a member left", "{n} members left"),
    "company_change": ("a member moved to another company", "{n} members moved to others"),
}
# A change of role that is none of the title: of the start, the manager, the seniority.
_OTHER_ROLE = ("new details of a role", "new details of {n} roles")
# What somebody asked for, by the command.
_BY_HAND = {
    "": "refresh by hand",
    "pin": "somebody was pinned",
    "exclude": "somebody was excluded",
    "unpin": "a pin or exclusion was taken back",
    "backfill": "backfill by hand",
    "requeue": "tried anew by hand",
}
_WITHOUT_NEWS = {
    "daily": "no news for a day",
    "weekly": "no news for a week",
    "monthly": "no news for about 30 days",
}
NEW_PRODUCT, EXPERIMENT = "new product", "experiment"
_OF_TEMPLATES = {NEW_PRODUCT: "a new product", EXPERIMENT: "an experiment"}


@dataclass(frozen=True, slots=True)
class Cause:
    """Changes of one kind by one writer, of one company.

    kind, writer: as bg.changes has them. name: the file of an import, or the source of webhook
    events, where it is known. asked: by which command, rhythm or reason a resync was asked for.
    departure: whether those people left. people: how many they are; members: how many of them
    were in the group. person_id, title: of the one person, where there is no other. products: of
    a changed template.
    """

    kind: str
    writer: str
    name: str | None = None
    asked: str | None = None
    departure: bool = False
    changes: int = 1
    people: int = 0
    members: int = 0
    person_id: str | None = None
    title: str | None = None
    products: str | None = None

    @property
    def code(self) -> str:
        """The kind with its writer: ``role_change (import)``, ``resync (manual: pin)``."""
        asked = f": {cleaned(self.asked)}" if self.asked and self.kind == "resync" else ""
        return f"{self.kind} ({cleaned(self.writer)}{asked})"


def cleaned(text: str | None, longest: int = _LONGEST_NAME) -> str:
    """What somebody calls something, as part of one line: printable, bounded, without addresses."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text or "")
    plain = re.sub(r"\S+@\S+", "…", plain)
    plain = re.sub(r"[\s,]+", " ", plain).strip()
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def number(count: int, one: str, many: str) -> str:
    """A count in words: ``1 company``, ``12,000 companies``."""
    return f"1 {one}" if count == 1 else f"{count:,} {many}"


def because(causes: Iterable[Cause], titles: Mapping[str, str] | None = None) -> str:
    """What led to a company's refresh: by each writer what, the largest first.

    ``titles``: of people whose change doesn't tell it.
    """
    by_writer: dict[str, list[Cause]] = {}
    for cause in causes:
        by_writer.setdefault(_writer(cause) or _what([cause]), []).append(cause)
    told = [
        (max(_size(cause) for cause in some), _by_writer(some, titles or {}))
        for some in by_writer.values()
    ]
    lines = [line for _, line in sorted(told, key=lambda pair: (-pair[0], pair[1]))]
    return _first(lines)


def purpose(who: str | int, causes: Mapping[str, Sequence[Cause]], otherwise: Sequence[str]) -> str:
    """What a run is for: the company and why, or how many companies and by whom most of them.

    ``who``: the name of the only company, or how many there are. ``otherwise``: the kinds of change
    where no cause waits any more.
    """
    if isinstance(who, str):
        told = because(cause for some in causes.values() for cause in _without_persons(some))
        return f"{cleaned(who, 80)}: {told or _first([kind_in_words(one) for one in otherwise])}"
    often = Counter(
        line for some in causes.values() for line in {_writer(one) or _what([one]) for one in some}
    )
    lines = [line for line, _ in sorted(often.items(), key=lambda pair: (-pair[1], pair[0]))]
    lines = lines or [kind_in_words(one) for one in otherwise]
    return f"{number(who, 'company', 'companies')}: {_first(lines)}"


def reasons(causes: Mapping[str, Sequence[Cause]]) -> dict[str, int]:
    """Each cause in words, with the number of companies that have it, most first."""
    often = Counter(line for some in causes.values() for line in {_reason(one) for one in some})
    return dict(sorted(often.items(), key=lambda pair: (-pair[1], pair[0])))


def writer_in_words(writer: str, name: str | None = None) -> str:
    """Who wrote to the tables, as changes have it; ``name``: the file or source, where known."""
    if writer in ("import", "webhook"):
        return f"{writer} {cleaned(name)}" if name else writer
    if writer in ("people_table", "company_table"):
        return "direct write"
    if writer == "schedule":
        return "a date that came"
    if writer.startswith("provider:"):
        return f"provider {cleaned(writer.removeprefix('provider:'))}"
    return cleaned(writer)


def kind_in_words(kind: str) -> str:
    """A kind of change without any number; another word as it is."""
    return _KINDS[kind][1].replace("{n} ", "") if kind in _KINDS else kind


def _reason(cause: Cause) -> str:
    writer = _writer(cause)
    what = kind_in_words(cause.kind)
    if cause.kind == "resync":
        what = "several people" if cause.people else _what([cause])
    elif cause.departure and cause.kind == "company_change":
        what = _MOVED_AWAY[1].replace("{n} ", "")
    return f"{writer}: {what}" if writer else what


def _writer(cause: Cause) -> str:
    """Who wrote it; nobody where a command, a template or the calendar asked."""
    if cause.kind == "resync" and cause.writer in ("manual", "template", "schedule"):
        return ""
    return writer_in_words(cause.writer, cause.name)


def _by_writer(causes: Sequence[Cause], titles: Mapping[str, str]) -> str:
    writer, what = _writer(causes[0]), _what(causes)
    line = f"{writer}: {what}" if writer else what
    (one, *others) = causes
    if not others and one.changes == 1 and one.person_id is not None:
        title = cleaned(one.title or titles.get(one.person_id))
        line += f", {cleaned(one.person_id, 200)}" + (f" ({title})" if title else "")
    return line if len(line) <= _LONGEST_CAUSE else line[: _LONGEST_CAUSE - 1] + "…"


def _what(causes: Sequence[Cause]) -> str:
    """What all of these are, by one writer: two kinds by name, more as the number of people."""
    told = sorted(
        (pair for cause in causes for pair in _phrases(cause)), key=lambda pair: (-pair[0], pair[1])
    )
    lines = list(dict.fromkeys(line for _, line in told))
    if len(lines) <= 2:
        return " and ".join(lines)
    people = sum(cause.people for cause in causes)
    left = sum(cause.members for cause in causes)
    members = f", {_counted(_MEMBERS['person_left'], left)}" if left else ""
    profile = any(not cause.people for cause in causes)
    also = " and the company's profile" if profile else ""
    return number(people, "person", "people") + members + also


def _phrases(cause: Cause) -> list[tuple[int, str]]:
    if cause.kind == "resync":
        return [(_size(cause), _resync(cause))]
    found = []
    if cause.members and cause.kind in _MEMBERS:
        found.append((cause.members, _counted(_MEMBERS[cause.kind], cause.members)))
    rest = max(cause.people, cause.changes) - (cause.members if found else 0)
    words = _KINDS.get(cause.kind, (cause.kind, f"{{n}} x {cause.kind}"))
    if cause.kind == "company_change" and cause.departure:
        words = _MOVED_AWAY
    elif cause.kind == "role_change" and cause.title is None:
        words = _OTHER_ROLE
    return [*found, (rest, _counted(words, rest))] if rest else found


def _resync(cause: Cause) -> str:
    asked = cause.asked or ""
    if cause.writer == "manual":
        return _BY_HAND.get(asked, f"{cleaned(asked)} by hand")
    if cause.writer == "template":
        what = _OF_TEMPLATES.get(asked, "a template changed")
        return f"{what}: {cause.products}" if cause.products else what
    if cause.writer == "schedule":
        return _WITHOUT_NEWS.get(asked, "no news for long")
    if cause.people:
        return _counted(_KINDS["resync"], cause.people)
    return "a refresh was asked for" if cause.writer == "webhook" else "what was not seen before"


def _counted(words: tuple[str, str], count: int) -> str:
    return words[0] if count == 1 else words[1].format(n=f"{count:,}")


def _size(cause: Cause) -> int:
    return max(cause.people, cause.changes)


def _without_persons(causes: Iterable[Cause]) -> Iterable[Cause]:
    """The same for a tag of a run, which tells of a company and not of one person."""
    for one in causes:
        yield Cause(
            one.kind, one.writer, one.name, one.asked, one.departure, one.changes, one.people,
            one.members, None, one.title, one.products,
        )  # fmt: skip


def _first(lines: Sequence[str]) -> str:
    """The first lines; how many more there are; bounded in all."""
    told = "; ".join(lines[:_TOLD])
    if len(told) > _LONGEST:
        told = told[: _LONGEST - 1] + "…"
    return f"{told}, and {len(lines) - _TOLD} more" if len(lines) > _TOLD else told
