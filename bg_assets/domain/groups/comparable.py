"""Who could have the places of a group: the comparable groups that its cohesion is measured by."""

from collections.abc import Mapping, Set

from bg_assets.domain.groups.cohesion import Stratum
from bg_assets.domain.groups.selection import LEAST_FIT, Choice, Chosen, usable

_Place = tuple[str, str]


def eligible(choices: Mapping[str, Choice]) -> int:
    """How many people could have a role, whichever."""
    return sum(
        any(usable(choice, fit.role, LEAST_FIT) for fit in choice.fits)
        for choice in choices.values()
    )


def strata(choices: Mapping[str, Choice], chosen: Chosen, pins: Set[str]) -> tuple[Stratum, ...]:
    """The group's places by role and function, with everybody who could have them.

    Could have: the same function, and a fit for the role that is enough for a required place. The
    place of a pinned person who does not fit it is that person's alone.
    """
    members: dict[_Place, list[str]] = {}
    pools: dict[_Place, list[str]] = {}
    alone: list[Stratum] = []
    for person_id, (role, _) in sorted(chosen.items()):
        choice = choices[person_id]
        if person_id in pins and usable(choice, role, LEAST_FIT) is None:
            alone.append(Stratum((person_id,), (person_id,)))
        else:
            members.setdefault((role, choice.function or ""), []).append(person_id)
    roles: dict[str, list[str]] = {}
    for role, function in members:
        roles.setdefault(function, []).append(role)
    for person_id, choice in sorted(choices.items()):
        for role in roles.get(choice.function or "", ()):
            if (
                usable(choice, role, LEAST_FIT) is not None
                or person_id in members[role, choice.function or ""]
            ):
                pools.setdefault((role, choice.function or ""), []).append(person_id)
    places = [Stratum(tuple(who), tuple(pools[place])) for place, who in sorted(members.items())]
    return (*alone, *places)
