"""What changed between a stored group and a new one, as events with their reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bg_assets.domain.groups.gaps import Gap
from bg_assets.domain.groups.group import BuyerGroup, Member
from bg_assets.domain.vocabulary import ROLE_LABELS, ROLES


@dataclass(frozen=True, slots=True)
class Event:
    """One piece of news. event: joined, left, role_changed, gap_opened or gap_closed."""

    event: str
    person_id: str | None
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    because: str


def difference(
    old_members: Mapping[str, str],
    old_gaps: Sequence[Gap],
    new: BuyerGroup,
    reasons_for_leaving: Mapping[str, str],
) -> tuple[Event, ...]:
    """The events from an old group (person id -> role, gaps) to a new one.

    reasons_for_leaving: person id -> why somebody is no longer on the staff; whoever left the group
    without one fits less well now. The order is that of the list of events, roles, then ids.
    """
    now = {m.person_id: m for m in new.members}
    events: list[Event] = []
    for person_id in sorted(now.keys() - old_members, key=lambda i: _place(now[i].role, i)):
        member = now[person_id]
        events.append(Event("joined", person_id, None, _facts(member), _because(member)))
    for person_id in sorted(old_members.keys() - now, key=lambda i: _place(old_members[i], i)):
        why = reasons_for_leaving.get(person_id, "others fit this group better now")
        events.append(Event("left", person_id, {"role": old_members[person_id]}, None, why))
    for person_id in sorted(old_members.keys() & now, key=lambda i: _place(now[i].role, i)):
        member = now[person_id]
        if member.role != old_members[person_id]:
            old = {"role": old_members[person_id]}
            events.append(Event("role_changed", person_id, old, _facts(member), _because(member)))
    return (*events, *_of_gaps(old_gaps, new.gaps, new.members))


def _of_gaps(old: Sequence[Gap], new: Sequence[Gap], members: Sequence[Member]) -> list[Event]:
    """A gap is the same while role, function and kind stay; its figures may change silently."""
    before = {_identity(gap): gap for gap in old}
    after = {_identity(gap): gap for gap in new}
    events: list[Event] = []
    for key in sorted(after.keys() - before):
        gap = after[key]
        events.append(Event("gap_opened", None, None, _gap_facts(gap), gap.reason))
    for key in sorted(before.keys() - after):
        gap = before[key]
        if gap.role is None:
            why = "no longer missing"
        else:
            filled = any(m.role == gap.role for m in members)
            label = ROLE_LABELS.get(gap.role, gap.role)
            why = f"{label}: {'filled' if filled else 'no longer needed'}"
        events.append(Event("gap_closed", None, _gap_facts(gap), None, why))
    return events


def _identity(gap: Gap) -> tuple[str, str, str]:
    return gap.role or "", gap.function or "", gap.reason.partition(":")[0]


def _gap_facts(gap: Gap) -> dict[str, Any]:
    return {"role": gap.role, "function": gap.function, "reason": gap.reason}


def _facts(member: Member) -> dict[str, Any]:
    return {"role": member.role, "confidence": member.confidence, "pinned": member.pinned}


def _because(member: Member) -> str:
    return member.reasons[0] if member.reasons else f"{ROLE_LABELS[member.role]} by the rules"


def _place(role: str, person_id: str) -> tuple[int, str]:
    return (ROLES.index(role) if role in ROLES else len(ROLES)), person_id
