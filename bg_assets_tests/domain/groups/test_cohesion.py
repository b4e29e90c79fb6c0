"""Cohesion: what it rises with, what leaves it alone, and when there is none."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from statistics import fmean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bg_assets.domain.groups.cohesion import (
    LEAST_GROUPS,
    LEAST_IN_LINES,
    LEAST_PEOPLE,
    SAMPLES,
    Stratum,
    cohesion,
    connectivities,
    connectivity,
    possible,
    random_groups,
    shuffled,
)
from bg_assets.domain.groups.ties import DIRECT, NEAR, Ties
from bg_assets_tests import organograms
from bg_assets_tests.reporting_lines import Row, agreement

DEPARTMENTS = ("Finance", "Group Finance", "IT", "Operations", "Legal", None)
SITES = ("Leeds", "Wien", "大阪", None)
TITLES = ("Finance Manager", "Payroll Manager", "Head of Networks", "Counsel", "Buyer", None)


def invented(number: int, seed: int) -> list[Row]:
    dice = random.Random(seed)
    return [
        Row(
            f"p{at:04}",
            dice.choice(TITLES),
            dice.choice(DEPARTMENTS),
            dice.choice(SITES),
            f"p{dice.randrange(at):04}" if at and dice.random() < 0.7 else None,
        )
        for at in range(number)
    ]


def strata_of(rows: Sequence[Row], places: Sequence[int], dice: random.Random) -> list[Stratum]:
    """Two disjoint halves, with so many places in each, taken at random."""
    ids = [row.person_id for row in rows]
    halves = ids[::2], ids[1::2]
    return [
        Stratum(tuple(dice.sample(pool, number)), tuple(pool))
        for pool, number in zip(halves, places, strict=True)
    ]


def test_random_groups_have_five_on_average() -> None:
    found: list[float] = []
    for company in range(12):
        rows = invented(40 + 15 * company, company)
        ties, dice = Ties(rows), random.Random(company)
        for _ in range(25):
            value = cohesion(ties, strata_of(rows, (4, 4), dice), len(rows)).value
            assert value is not None
            found.append(value)
    assert fmean(found) == pytest.approx(5.0, abs=0.3)
    # One of two lies within a standard deviation or less.
    assert 0.4 < fmean(3.5 < value < 6.5 for value in found) < 0.85
    assert min(found) < 3
    assert max(found) > 8


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(1, 5))
def test_the_order_of_people_places_and_pools_changes_nothing(seed: int, a: int, b: int) -> None:
    rows = invented(50, seed)
    dice = random.Random(seed)
    strata = strata_of(rows, (a, b), dice)
    turned = [
        Stratum(s.members[::-1], tuple(dice.sample(s.pool, len(s.pool)))) for s in strata[::-1]
    ]
    expected = cohesion(Ties(rows), strata, len(rows))
    assert cohesion(Ties(rows), turned, len(rows)) == expected
    assert cohesion(Ties(dice.sample(rows, len(rows))), strata, len(rows)) == expected


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_a_member_replaced_by_a_better_linked_one_raises_it(seed: int) -> None:
    """The other one is as the member, and has somebody of the group as a report besides."""
    dice = random.Random(seed)
    rows = invented(60, seed)
    first, second = strata_of(rows, (4, 3), dice)
    out = first.members[0]
    others = [*first.members[1:], *second.members]
    one = next(i for i in first.pool if i not in first.members)
    boss = dice.choice(others)
    own = next(row for row in rows if row.person_id == out)
    managers = {row.person_id: row.manager_id for row in rows if row.manager_id not in (out, one)}
    managers |= {boss: one, one: None, out: None}
    rows = [
        replace(own if row.person_id == one else row, person_id=row.person_id,
                manager_id=managers.get(row.person_id))
        for row in rows
    ]  # fmt: skip
    ties = Ties(rows)
    swapped = [replace(first, members=(one, *first.members[1:])), second]
    places = [sorted(ties.place(i) for i in (who, *others)) for who in (out, one)]
    assert connectivity(ties, places[1]) > connectivity(ties, places[0])
    before, after = (cohesion(ties, s, len(rows)).value for s in ([first, second], swapped))
    assert before is not None
    assert after is not None
    assert after >= before
    assert after > before or before > 9


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 150), st.integers(1, 6), st.integers(1, 6))
def test_many_groups_measured_at_once_have_the_figures_of_each_by_itself(
    seed: int, number: int, a: int, b: int
) -> None:
    rows, dice = invented(number, seed), random.Random(seed)
    ties = Ties(rows)
    halves = min(a, (number + 1) // 2), min(b, number // 2)
    groups = list(random_groups(ties, strata_of(rows, halves, dice)))
    assert len(groups) == SAMPLES
    # Not about: the same to the last bit.
    assert connectivities(ties, groups) == [connectivity(ties, group) for group in groups]


def test_groups_of_one_and_no_groups_have_no_connectivity() -> None:
    ties = Ties(invented(3, 1))
    assert connectivities(ties, [[0], [2]]) == [0.0, 0.0]
    assert connectivities(ties, []) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_cards_are_shuffled_as_the_standard_library_samples_them(seed: int, number: int) -> None:
    ours, theirs = random.Random(seed), random.Random(seed)
    for _ in range(3):
        assert shuffled(range(number), ours) == theirs.sample(range(number), number)
    assert ours.random() == theirs.random()


def test_of_a_pool_of_thousands_no_more_is_shuffled_than_is_dealt() -> None:
    cards = shuffled(range(5000), random.Random(1))
    assert len(set(cards)) == len(cards) == 20 * SAMPLES


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_who_could_have_two_places_is_never_dealt_both(seed: int, shared: int) -> None:
    rows, dice = invented(20, seed), random.Random(seed)
    ids = [row.person_id for row in rows]
    pools = tuple(ids[: 8 + shared]), tuple(ids[8:])
    strata = [Stratum(pool[:3], pool) for pool in (pools[0], pools[1][::-1])]
    for group in random_groups(Ties(rows), strata):
        assert len(set(group)) == 6
        assert group == sorted(group)
    alone = Stratum((ids[0],), (ids[0],))
    dealt = list(random_groups(Ties(dice.sample(rows, 20)), [alone, *strata[1:]]))
    assert len(dealt) == SAMPLES


def test_a_team_stands_above_a_group_of_strangers() -> None:
    team = [Row(f"t{at}", "Buyer", "Buying", "Leeds", "t0" if at else None) for at in range(5)]
    rest = [Row(f"x{at:02}", f"Title{at}", f"Unit {at}", f"Town {at}") for at in range(25)]
    ties = Ties([*team, *rest])
    pool = tuple(row.person_id for row in (*team, *rest))

    def value(*ids: str) -> float | None:
        return cohesion(ties, [Stratum(ids, pool)], len(pool)).value

    strangers = value("x00", "x01", "x02", "x03", "x04")
    linked = value("t0", "t1", "t2", "t3", "t4")
    assert linked is not None
    assert linked > 9.9
    assert strangers is not None
    assert strangers < 6
    mixed = value("t0", "t1", "x02", "x03", "x04")
    assert mixed is not None
    assert strangers < mixed < linked


def test_an_isolate_costs_more_than_its_missing_ties() -> None:
    # Each has six of the pairs of four tied by department; only one leaves somebody alone.
    square = [Row(f"p{at}", None, unit) for at, unit in enumerate(("A", "A", "B", "B"))]
    lonely = [Row(f"p{at}", None, unit) for at, unit in enumerate(("A", "A", "C", "D"))]
    values = [connectivity(Ties(rows), range(4)) for rows in (square, lonely)]
    densities = [
        fmean(Ties(rows).between(a, b) for a, b in combinations(range(4), 2))
        for rows in (square, lonely)
    ]
    assert values[0] / values[1] > densities[0] / densities[1]


def test_reporting_lines_tie_and_the_same_both_ways() -> None:
    ties = Ties(
        [Row("a"), Row("b", manager_id="a"), Row("c", manager_id="b"), Row("d", manager_id="b")]
    )
    a, b, c, d = (ties.place(i) for i in "abcd")
    assert ties.between(a, b) == ties.between(b, a) == DIRECT
    assert ties.between(a, c) == ties.between(c, a) == ties.between(c, d) == NEAR


def test_what_is_unknown_neither_ties_nor_parts() -> None:
    rows = [Row(f"p{at}", None, unit) for at, unit in enumerate(("A", "A", "B", "B", None))]
    ties = Ties(rows)
    same, across, unknown = ties.between(0, 1), ties.between(0, 2), ties.between(0, 4)
    assert across < unknown < same


def test_where_it_can_not_be_measured_the_reason_is_named() -> None:
    rows = [replace(row, manager_id=None) for row in invented(60, 1)]
    ties = Ties(rows)
    ids = tuple(row.person_id for row in rows)
    group = Stratum(ids[:4], ids)
    assert "19 people" in str(cohesion(ties, [group], LEAST_PEOPLE - 1).reason)
    assert "fewer than two" in str(cohesion(ties, [Stratum(ids[:1], ids)], 60).reason)
    assert "hardly any other" in str(cohesion(ties, [Stratum(ids[:4], ids[:4])], 60).reason)
    alike = Ties([Row(i, None, "One", "Leeds") for i in ids])
    assert "no spread" in str(cohesion(alike, [group], 60).reason)
    bare = Ties([Row(i, "Buyer") for i in ids])
    assert "too little is known" in str(cohesion(bare, [group], 60).reason)
    for found in (cohesion(ties, [group], LEAST_PEOPLE - 1), cohesion(bare, [group], 60)):
        assert found.value is None


def test_connectivity_is_the_mean_chance_times_the_share_of_the_linked() -> None:
    ties = Ties([Row("a"), Row("b", manager_id="a"), Row("c")])
    loose = ties.between(0, 2)
    assert connectivity(ties, [0, 1]) == DIRECT
    assert connectivity(ties, [0, 2]) == pytest.approx(loose**2)
    assert connectivity(ties, [0]) == connectivity(ties, []) == 0.0
    linked = (1 + 1 + (1 - (1 - loose) ** 2)) / 3
    assert connectivity(ties, [0, 1, 2]) == pytest.approx((1 + 2 * loose) / 3 * linked)


def test_what_is_just_enough_is_measured() -> None:
    rows = invented(60, 1)
    ids = tuple(row.person_id for row in rows)
    group = Stratum(ids[:4], ids)
    assert cohesion(Ties(rows), [group], LEAST_PEOPLE).value is not None
    assert cohesion(Ties(rows), [Stratum(ids[:2], ids)], 60).value is not None

    def known(number: int) -> float | None:
        """Of four members so many have a place that is known."""
        some = [
            replace(r, department=r.department or "IT") if at < number or at >= 4
            else replace(r, department=None, location=None, manager_id=None)
            for at, r in enumerate(rows)
        ]  # fmt: skip
        return cohesion(Ties(some), [group], 60).value

    assert [known(number) is None for number in (1, 2, 3)] == [True, False, False]
    three = [Row(f"q{at}", None, "IT" if at == 0 else None) for at in range(3)]
    pool = tuple(row.person_id for row in (*rows, *three))
    few = cohesion(Ties([*rows, *three]), [Stratum(("q0", "q1", "q2"), pool)], 60)
    assert "known of 1 of 3 members" in str(few.reason)
    # Two of four: just six groups are possible.
    four = [Stratum(ids[:2], ids[:4])]
    assert possible(four) == LEAST_GROUPS
    assert cohesion(Ties(rows), four, 60).value is not None
    five = [Stratum(ids[:1], ids[:5]), Stratum(ids[20:21], ids[20:21])]
    assert cohesion(Ties(rows), five, 60).value is None


def test_reporting_lines_make_it_measurable_among_fewer_people() -> None:
    team = [Row(f"p{at}", "Buyer", "One", None, "p0" if at else None) for at in range(4)]
    rows = [*team, *(Row(f"q{at}", "Buyer", f"Unit {at}") for at in range(8))]
    pool = tuple(row.person_id for row in rows)
    led, unled = Stratum(("p1", "p2"), pool), Stratum(("q1", "q2"), pool)
    ties = Ties(rows)
    assert cohesion(ties, [led], LEAST_IN_LINES).value is not None
    assert "5 people" in str(cohesion(ties, [led], LEAST_IN_LINES - 1).reason)
    assert f"{LEAST_PEOPLE} are needed" in str(cohesion(ties, [unled], LEAST_IN_LINES).reason)


def test_a_group_without_equals_is_compared_with_others_unless_above_them_all() -> None:
    team = [Row(f"p{at}", "Buyer", "One", None, "p0" if at else None) for at in range(4)]
    rows = [*team, *(Row(f"q{at}", "Buyer", f"Unit {at % 6}", None, "p0") for at in range(20))]
    ties, alone = Ties(rows), [Stratum(("p1", "p2"), ("p1", "p2"))]
    pool = tuple(row.person_id for row in rows)
    assert "hardly any other" in str(cohesion(ties, alone, 24).reason)
    wider = [Stratum(("p1", "p2"), pool)]
    assert cohesion(ties, alone, 24, lambda: wider).value is not None
    apart = Ties([replace(row, manager_id=row.manager_id if row in team else None) for row in rows])
    strangers = tuple(one for one in pool if one not in ("p0", "p3"))
    above = cohesion(apart, alone, 24, lambda: [Stratum(("p1", "p2"), strangers)])
    assert above.value is None
    assert above.reason == "not measurable: nobody of the same level could have these roles"


def test_on_public_bodies_ties_agree_with_the_reporting_lines_they_do_not_see(
    shared_data: Path,
) -> None:
    bodies = organograms.read_senior(shared_data, organograms.BEFORE).bodies.values()
    samples = [sorted(posts, key=lambda post: post.id)[:120] for posts in bodies]
    found = [agreement(posts) for posts in samples if len(posts) >= LEAST_PEOPLE]
    assert len(found) >= 30
    assert median(one or 0.0 for one in found) >= 0.33
