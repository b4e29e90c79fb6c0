"""Who could have the places of a group: the comparable groups that its cohesion is measured by."""

from collections.abc import Mapping, Set

from bg_assets.domain.groups.candidates import Candidate
from bg_assets.domain.groups.cohesion import Stratum
from bg_assets.domain.groups.selection import LEAST_FIT, Choice, Chosen, usable

# Levels whose people are compared with each other.
_ALIKE = {
    "owner": "top",
    "c_level": "top",
    "vp": "director",
    "head": "director",
    "director": "director",
    "manager": "manager",
}
_Kind = tuple[str, str]  # function and level
_Place = tuple[str, str, str]  # role, function and level


def eligible(choices: Mapping[str, Choice]) -> int:
    """How many people could have a role, whichever."""
    return sum(
        any(usable(choice, fit.role, LEAST_FIT) for fit in choice.fits)
        for choice in choices.values()
    )


def strata(
    choices: Mapping[str, Choice],
    chosen: Chosen,
    pins: Set[str],
    candidates: Mapping[str, Candidate] | None = None,
) -> tuple[Stratum, ...]:
    """The group's places by role, function and level, with everybody who could have them.

    Could have: the same function, a fit for the role that is enough for a required place, and a
    level like the member's (any level where no candidates are given). The place of a pinned person
    who does not fit it is that person's alone.
    """
    members: dict[_Place, list[str]] = {}
    pools: dict[_Place, list[str]] = {}
    alone: list[Stratum] = []
    for person_id, (role, _) in sorted(chosen.items()):
        choice = choices[person_id]
        if person_id in pins and usable(choice, role, LEAST_FIT) is None:
            alone.append(Stratum((person_id,), (person_id,)))
        else:
            members.setdefault((role, *_kind(choice, candidates)), []).append(person_id)
    roles: dict[_Kind, list[str]] = {}
    for role, *kind in members:
        roles.setdefault((kind[0], kind[1]), []).append(role)
    for person_id, choice in sorted(choices.items()):
        kind_of = _kind(choice, candidates)
        for role in roles.get(kind_of, ()):
            if usable(choice, role, LEAST_FIT) is not None or person_id in members[role, *kind_of]:
                pools.setdefault((role, *kind_of), []).append(person_id)
    places = [Stratum(tuple(who), tuple(pools[place])) for place, who in sorted(members.items())]
    return (*alone, *places)


def _kind(choice: Choice, candidates: Mapping[str, Candidate] | None) -> _Kind:
    if candidates is None:
        return choice.function or "", ""
    return choice.function or "", _ALIKE.get(candidates[choice.person_id].level or "", "below")
