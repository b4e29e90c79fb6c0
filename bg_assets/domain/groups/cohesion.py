"""How well the members of a group are linked, against comparable groups of their own company."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, fmean

from bg_assets.domain.groups.ties import Ties

LEAST_PEOPLE = 20  # eligible people, below which chance decides
LEAST_IN_LINES = 6  # and where of half the members the manager is known: no guess, then
LEAST_GROUPS = 6  # comparable groups, below which their spread says nothing
SAMPLES = 120  # their mean and deviation are known within a tenth
# Standard deviations of the comparable groups that make one of the scale. Groups of public bodies
# stand 1.3 above chance in the median and 3.5 at the ninth decile: by 2 they use the whole scale.
DEVIATIONS = 2.0
_ALIKE = 1e-9
_SCALE = NormalDist(sigma=DEVIATIONS)


@dataclass(frozen=True, slots=True)
class Stratum:
    """Places of a group that the same people could take: who has them, and who could (each once).

    That is a role, a function and a level; everybody who has a place is among those who could.
    """

    members: tuple[str, ...]
    pool: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cohesion:
    """0 to 10, or None with the reason why it can't be measured."""

    value: float | None
    reason: str | None


def cohesion(
    ties: Ties,
    strata: Sequence[Stratum],
    eligible: int,
    wider: Callable[[], Sequence[Stratum]] = tuple,
) -> Cohesion:
    """How far a group's connectivity lies above that of random groups of its company, 0 to 10.

    5 is the mean of SAMPLES random groups of the same size and the same mix of role, function and
    level, drawn from all people of the company who could have these places; one standard deviation
    of these groups above it is 6.9, two are 8.4, three 9.3, and below it alike. eligible: how many
    people of the company could have any role. wider: gives the places with those of any level,
    used where fewer than LEAST_GROUPS groups are possible otherwise.

    Pure: the sample depends on the strata alone, not on clock, order or repetition, and not on who
    has the places: a member replaced by somebody better linked, for whom the places stay the same,
    never lowers it. Not measurable: fewer than LEAST_PEOPLE eligible people (LEAST_IN_LINES where
    the managers of half the members are known), fewer than LEAST_GROUPS possible groups, comparable
    groups that are all linked alike, a department, location or manager known of fewer than half of
    the members, and a group that none of the wider ones exceeds, which says no more than that its
    members stand higher.
    """
    members = sorted({i for stratum in strata for i in stratum.members})
    few = _too_few(ties, members, eligible)
    if few is not None:
        return Cohesion(None, f"not measurable: {few}")
    widened = possible(strata) < LEAST_GROUPS
    places = wider() if widened else strata
    if possible(places) < LEAST_GROUPS or not places:
        return Cohesion(
            None, "not measurable: hardly any other people of the company could have these roles"
        )
    own = connectivity(ties, [ties.place(i) for i in members])
    others = connectivities(ties, list(random_groups(ties, places)))
    if len(others) < SAMPLES // 2 or max(others) - min(others) <= _ALIKE:
        return Cohesion(
            None, "not measurable: no spread, all comparable groups of the company are linked alike"
        )
    if widened and own >= max(others) - _ALIKE:
        return Cohesion(None, "not measurable: nobody of the same level could have these roles")
    mean = fmean(others)
    deviation = math.sqrt(fmean([(other - mean) ** 2 for other in others]))
    return Cohesion(round(10 * _SCALE.cdf((own - mean) / deviation), 2), None)


def _too_few(ties: Ties, members: Sequence[str], eligible: int) -> str | None:
    """What there is too little of to compare anything, None where there is enough."""
    if len(members) < 2:
        return "fewer than two members"
    in_lines = 2 * sum(ties.in_line(i) for i in members) >= len(members)
    least = LEAST_IN_LINES if in_lines else LEAST_PEOPLE
    if eligible < least:
        return (
            f"{eligible} people could be in the group, {least} are needed to compare it with others"
        )
    known = sum(ties.known(i) for i in members)
    if 2 * known < len(members):
        return (
            "too little is known, a department, location or manager is known of "
            f"{known} of {len(members)} members"
        )
    return None


def connectivity(ties: Ties, places: Sequence[int]) -> float:
    """0 to 1: mean chance of a tie over all pairs, times the expected share of linked members.

    A member is linked with the chance to have at least one tie within the group, all ties taken as
    independent: the second factor is the penalty for isolates. 0 for fewer than two.
    """
    size = len(places)
    if size < 2:
        return 0.0
    between = ties.between
    alone = [1.0] * size
    total = 0.0
    for at in range(1, size):
        a, left = places[at], 1.0
        for other in range(at):
            chance = between(a, places[other])
            total += chance
            left *= 1 - chance
            alone[other] *= 1 - chance
        alone[at] = left
    return total / (size * (size - 1) / 2) * (1 - sum(alone) / size)


def connectivities(ties: Ties, groups: Sequence[Sequence[int]]) -> list[float]:
    """The ``connectivity`` of each of these groups, which are of one size.

    A pair that comes in many groups is looked at once, and sums and products are taken over all
    groups together, in the order of ``connectivity``: the figures are the same to the last bit.
    """
    import numpy as np

    size = len(groups[0]) if groups else 0
    if size < 2:
        return [0.0] * len(groups)
    places = np.array(sorted({place for group in groups for place in group}))
    at = np.searchsorted(places, np.array(groups).T)
    here, there = np.tril_indices(size, -1)
    pairs = at[here] * len(places) + at[there]
    met = np.zeros(len(places) ** 2, dtype=np.bool_)
    met[pairs] = True
    each = np.flatnonzero(met)
    a, b = np.divmod(each, len(places))
    chance = np.empty(len(met))
    chance[each] = [*map(ties.between, places[a].tolist(), places[b].tolist())]
    chances = chance[pairs]
    apart = np.ones((size, size, len(groups)))
    apart[here, there] = apart[there, here] = 1 - chances
    alone = np.add.reduce(np.multiply.reduce(apart, axis=1), axis=0)
    mean = np.add.reduce(chances, axis=0) / (size * (size - 1) / 2)
    found: list[float] = (mean * (1 - alone / size)).tolist()
    return found


def possible(strata: Sequence[Stratum]) -> float:
    """About how many groups there are: a person who could have two places is counted for both."""
    return math.prod(float(math.comb(len(s.pool), len(s.members))) for s in strata)


def random_groups(ties: Ties, strata: Sequence[Stratum]) -> Iterator[list[int]]:
    """Groups dealt like cards: each pool is shuffled and dealt out before it is shuffled again.

    So everybody comes about as often, and fewer samples do. A group is the places of its people
    in ``ties``, in order; one that could not be filled is left out.
    """
    # Those with the least choice first: a person who could have two places is not dealt twice.
    pools = sorted((len(s.pool) - len(s.members), sorted(s.pool), len(s.members)) for s in strata)
    shape = [(wanted, len(pool)) for _, pool, wanted in pools]
    dice = random.Random(repr(shape))
    decks = [_deck([ties.place(i) for i in pool], dice) for _, pool, _ in pools]
    hands = [(n, 2 * there + n, deck) for (n, there), deck in zip(shape, decks, strict=True)]
    full = sum(wanted for wanted, _ in shape)
    for _ in range(SAMPLES):
        taken: set[int] = set()
        for wanted, most, deck in hands:
            # So many who have no other place in this group; fewer where none are left.
            enough = len(taken) + wanted
            while len(taken) < enough and most:
                taken.add(next(deck))
                most -= 1
        if len(taken) == full:
            yield sorted(taken)


def _deck(pool: list[int], dice: random.Random) -> Iterator[int]:
    bits = dice.getrandbits
    if len(pool) == 1:
        # As below, for most places: one of one.
        (card,) = pool
        while True:
            while bits(1):
                pass
            yield card
    while pool:
        yield from shuffled(pool, dice)


def shuffled(pool: Sequence[int], dice: random.Random) -> list[int]:
    """All of a small pool in a new order; of a large one more than are dealt in the end.

    The cards of ``dice.sample``, drawn as it draws them, which spends most of its time on asking
    what it was given.
    """
    number = len(pool)
    if number > 20 * SAMPLES:
        return dice.sample(pool, 20 * SAMPLES)
    rest, cards, bits = list(pool), [], dice.getrandbits
    for left, length in _lengths(number):
        at = bits(length)
        while at >= left:
            at = bits(length)
        cards.append(rest[at])
        rest[at] = rest[left - 1]
    return cards


@lru_cache(maxsize=1 << 8)
def _lengths(number: int) -> tuple[tuple[int, int], ...]:
    """How many cards are left, with the bits of that number."""
    return tuple((left, left.bit_length()) for left in range(number, 0, -1))
