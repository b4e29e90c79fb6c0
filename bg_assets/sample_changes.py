"""What happens to the people of a sample: a seeded stream of changes, as a demo plays them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from bg_assets.sample import PERSON_COLUMNS, TODAY, PersonRow, country_of, made_up_name
from bg_assets.sample_posts import Dice, department, title, words

_RUNGS = ("intern", "assistant", "staff", "senior", "manager", "head", "director", "vp", "c_level")
_NEW_LEVELS = ("staff", "senior", "manager", "director", "staff", "vp")
_CHANGES = (
    ("promotion", 35.0),
    ("person_left", 20.0),
    ("person_joined", 20.0),
    ("company_change", 15.0),
    ("department_change", 10.0),
)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happens to a person: set ``values`` (by column) on the row ``person_id``.

    ``kind`` is promotion, department_change, company_change, person_left, or person_joined, where
    the row is new and ``values`` is all of it. ``company_id`` is the company before the change.
    """

    kind: str
    person_id: str
    company_id: str
    values: Mapping[str, str | date | None]


def sample_changes(people: Sequence[PersonRow], count: int, seed: int) -> Iterator[Change]:
    """``count`` changes that could happen to these people one after the other.

    Each fits the state that those before it left: nobody who left is promoted. Raises ValueError
    when there is nobody to begin with.
    """
    staff = [person for person in people if person.status == "active"]
    if not staff:
        raise ValueError("no people to change: make a sample with at least one company")
    dice = Dice(f"{seed}/changes")
    for number in range(1, count + 1):
        kind = dice.weighed(_CHANGES) if len(staff) > 1 else "person_joined"
        place = dice.between(0, len(staff) - 1)
        before, other = staff[place], dice.pick(staff)
        kind = _possible(kind, before, other)
        if kind == "person_joined":
            after = _newcomer(before, f"{before.company_id}-new-{seed}-{number}", dice)
            staff.append(after)
            yield Change(kind, after.id, after.company_id, _written(after))
            continue
        after = _changed(before, other, kind, dice)
        if kind == "person_left":
            staff[place] = staff[-1]
            staff.pop()
        else:
            staff[place] = after
        old, new = _written(before), _written(after)
        values = {name: value for name, value in new.items() if value != old[name]}
        yield Change(kind, before.id, before.company_id, values)


def _changed(before: PersonRow, other: PersonRow, kind: str, dice: Dice) -> PersonRow:
    """The person after a change; ``other`` is the one whose company or function it goes to."""
    if kind == "person_left":
        return replace(before, status="left", end_date=TODAY)
    if kind == "promotion":
        return _with_post(before, before.function, _one_up(before.level), dice)
    if kind == "department_change":
        return _with_post(before, other.function, before.level, dice)
    moved = replace(
        before,
        company_id=other.company_id,
        location=other.location,
        manager_id=None,
        email=None,
        start_date=TODAY,
        language=other.language,
        home=other.home,
    )
    return _with_post(moved, before.function, before.level, dice)


def _newcomer(colleague: PersonRow, key: str, dice: Dice) -> PersonRow:
    """Somebody new beside a colleague, in a like post, without an address so far."""
    name, _ = made_up_name(country_of(colleague.home)["names"], dice)
    joined = replace(
        colleague, id=key, name=name, title=None, email=None, start_date=TODAY, end_date=None
    )
    return _with_post(joined, colleague.function, dice.pick(_NEW_LEVELS), dice)


def _possible(kind: str, before: PersonRow, other: PersonRow) -> str:
    """The kind of change, or another where that can't happen between these two."""
    if kind == "company_change" and other.company_id == before.company_id:
        kind = "promotion"
    if kind == "department_change" and other.function in {before.function, "executive"}:
        kind = "promotion"
    if before.level in {"owner", "c_level"} and kind in {"promotion", "department_change"}:
        kind = "person_left"
    return kind


def _with_post(person: PersonRow, function: str, level: str, dice: Dice) -> PersonRow:
    british = country_of(person.home).get("british", False)
    words_for = partial(title, function, level, british=british, dice=dice)
    new = words_for(language=person.language)
    # Some languages call two levels the same; a change that changes nothing is none.
    for _ in range(20):
        if new != person.title:
            break
        new = words_for(language="en")
    return replace(
        person,
        title=new,
        department=person.department and department(function, person.language),
        seniority=person.seniority and words()["seniority"][level],
        function=function,
        level=level,
    )


def _one_up(level: str) -> str:
    return _RUNGS[min(_RUNGS.index(level) + 1, len(_RUNGS) - 1)]


def _written(person: PersonRow) -> dict[str, str | date | None]:
    return {name: getattr(person, name) for name in PERSON_COLUMNS}
