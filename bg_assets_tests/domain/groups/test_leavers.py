"""Whoever is named as in the way is all that is in the way: without them, the role is there."""

import re
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bg_assets.domain.groups.group import Company, Override
from bg_assets.domain.groups.why import Why
from bg_assets.domain.products.template import Condition
from bg_assets_tests.domain.groups.people import person
from bg_assets_tests.domain.groups.worlds import FINANCE, World, altered, pinned, world_of, worlds

CROWD = (
    "Procurement Manager", "General Counsel", "IT Manager", "Head of IT", "COO", "CFO",
    "Finance Director", "Controller", "Finance Manager", "Accountant", "Office Manager",
)  # fmt: skip


@st.composite
def crowds(draw: st.DrawFn) -> World:
    """Companies in which several people want each place."""
    titles = draw(st.lists(st.sampled_from(CROWD), min_size=8, max_size=22))
    people = tuple(
        replace(
            person(at, title, manager=draw(st.sampled_from((None, "p00000", "p00003")))),
            has_email=draw(st.booleans()),
        )
        for at, title in enumerate(titles)
    )
    template = replace(FINANCE, deal_size=draw(st.sampled_from((20_000, 120_000, 400_000))))
    overrides = draw(st.sampled_from(((), (Override("p00001", "pin", "blocker"),))))
    size = draw(st.sampled_from((20, 90, 300, 1_000)))
    return World(Company("c", size, size, "GB"), people, template, overrides)


def names(text: str) -> list[str]:
    return re.findall(r"p\d{5}", text)


def keeps_its_word(world: World, who: str, why: Why) -> int:
    """Do what each answer names as enough, and see that it is; gives how many were tried."""
    lines: list[tuple[str | None, str]] = [
        (None, line) for line in why.would_change if not why.member
    ]
    lines += [
        (one.role, one.obstacle.change)
        for one in why.roles
        if one.obstacle is not None and one.obstacle.change
    ]
    tried = 0
    for role, line in lines:
        after = []
        named = names(line)
        if "leaving" in line:
            left = world
            for one in named:
                left = left.without(one)
            after.append(left)
            if "the company" in line:
                stay = tuple(p for p in world.people if p.person_id not in named)
                after.append(replace(world, people=stay))
        elif line.startswith("taking the pin of"):
            kept = tuple(o for o in world.overrides if o.person_id not in named)
            after.append(replace(world, overrides=kept))
        for other in after:
            tried += 1
            now = other.explain(who)
            assert now.role == role if why.member else now.member, (who, role, line)
    return tried


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds() | crowds(), st.integers(0, 21))
def test_without_all_who_are_named_the_role_is_there(world: World, start: int) -> None:
    people = world.people[start % len(world.people) :]
    for one in people[:3]:
        keeps_its_word(world, one.person_id, world.explain(one.person_id))


def test_all_who_are_ahead_for_a_place_are_named() -> None:
    only = tuple(rule for rule in FINANCE.roles if rule.role == "blocker")
    world = replace(world_of(*["Procurement Manager"] * 4), template=replace(FINANCE, roles=only))
    why = world.explain("p00003")
    assert why.because == (
        "blocker: p00000 has the last place, as good in everything: the order of the ids "
        "decides; 3 people are ahead for that place: p00000, p00001, p00002"
    )
    assert why.would_change[0] == ("p00000, p00001 and p00002 all leaving the company or the group")
    assert keeps_its_word(world, "p00003", why) > 0
    second = world.explain("p00001")
    assert second.would_change[0] == "p00000 leaving the company or the group"
    assert second.because.endswith("the order of the ids decides")
    third = world.explain("p00002")
    assert third.would_change[0] == "p00000 and p00001 both leaving the company or the group"


def test_without_who_is_nearest_to_the_top_the_next_is_nearest() -> None:
    titles = ("CFO", "Procurement Manager", "CFO", "CFO")
    people = tuple(
        person(at, title, manager="p00000" if at == 3 else None) for at, title in enumerate(titles)
    )
    world = World(Company("c", 20, 20, "GB"), people, FINANCE)
    why = world.explain("p00002")
    assert why.would_change[0] == "p00000 and p00003 both leaving the company or the group"
    assert keeps_its_word(world, "p00002", why) > 0


def test_where_too_many_are_ahead_only_the_place_is_told() -> None:
    only = tuple(rule for rule in FINANCE.roles if rule.role == "blocker")
    world = replace(world_of(*["Procurement Manager"] * 9), template=replace(FINANCE, roles=only))
    last, sixth = world.explain("p00008"), world.explain("p00005")
    assert last.because.endswith("; more than 5 people are ahead for that place")
    assert last.would_change == ("a pin by hand: `bg-assets pin`",)
    assert "; 5 people are ahead for that place: p00000, " in sixth.because
    assert keeps_its_word(world, "p00005", sixth) > 0


def test_a_pin_is_named_only_where_without_it_the_place_is_free() -> None:
    weak = pinned(world_of("Procurement Manager", "Warehouse Operative"), "p00001", "blocker")
    strong = pinned(world_of("General Counsel", "Head of Procurement"), "p00001", "blocker")
    for world, said in (
        (weak, "taking the pin of p00001 back"),
        (strong, "p00001 leaving the company or the group"),
    ):
        why = world.explain("p00000")
        (blocker,) = (one.obstacle for one in why.roles if one.role == "blocker")
        assert blocker is not None
        assert blocker.rule == "pinned-places"
        assert blocker.change == said
        assert keeps_its_word(world, "p00000", why) > 0


def test_who_would_come_in_and_change_places_without_a_member_is_told() -> None:
    world = world_of("CFO", "General Counsel", "General Counsel", "IT Manager")
    why = world.explain("p00001")
    assert why.without == "p00002 would join the group as blocker"
    assert why.would_change == ("an exclusion by hand: `bg-assets exclude`",)
    assert world.explain("p00003").without == "nobody would join the group in their place"
    small = altered(
        world_of("CFO", "Finance Director", "Accountant", company=Company("c", 40, 40, "US")),
        "champion",
        conditions=(Condition(functions=("finance",)),),
    )
    why = small.explain("p00000")
    assert why.role == "decision_maker"
    assert why.without is not None
    assert "p00001 would be decision maker instead" in why.without


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds() | crowds(), st.integers(0, 21))
def test_what_is_told_of_the_group_without_somebody_is_so(world: World, start: int) -> None:
    who = world.people[start % len(world.people)].person_id
    why = world.explain(who)
    if not why.member:
        assert why.without is None
        return
    assert why.without is not None
    before = {i: role for i, (role, _) in world.weigh().chosen.items() if i != who}
    after = {i: role for i, (role, _) in world.without(who).weigh().chosen.items()}
    changed = {i for i in before.keys() | after.keys() if before.get(i) != after.get(i)}
    assert set(names(why.without)) == changed
