"""Groups: who is chosen, what is left open, and that order never matters."""

import time
from dataclasses import replace
from datetime import date
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bg_assets.domain.groups.certainty import Surroundings, certainty
from bg_assets.domain.groups.group import BuyerGroup, Company, Override, StaffMember, decide, weigh
from bg_assets.domain.products.sizes import target
from bg_assets_tests.domain.groups.people import (
    FINANCE,
    MIDDLE,
    TITLES,
    TODAY,
    companies,
    person,
    read_as,
    staff,
)


def roles(group: BuyerGroup, people: list[StaffMember]) -> dict[str, list[str | None]]:
    titles = {p.person_id: p.title for p in people}
    found: dict[str, list[str | None]] = {}
    for member in group.members:
        found.setdefault(member.role, []).append(titles[member.person_id])
    return found


def test_a_middle_sized_company_has_the_expected_group() -> None:
    people = staff(*TITLES)
    found = roles(decide(MIDDLE, people, FINANCE, TODAY), people)
    assert set(found["decision_maker"]) == {"CEO", "CFO"}
    assert "Financial Controller" in found["champion"]
    assert found["blocker"] in (["Procurement Manager"], ["General Counsel"])
    assert "CIO" in found["stakeholder"]
    chosen = [title for titles in found.values() for title in titles]
    assert "Chairman" not in chosen
    assert "Former CFO" not in chosen
    assert "Intern" not in chosen


def test_the_owner_decides_where_the_company_is_small() -> None:
    people = staff("Owner", "Bookkeeper", "Office Manager", "IT Support")
    group = decide(Company("c", 4, 4), people, FINANCE, TODAY)
    found = roles(group, people)
    assert found["decision_maker"] == ["Owner"]
    assert len(group.members) <= 2


def test_nobody_known_means_an_empty_group_with_named_gaps() -> None:
    group = decide(MIDDLE, [], FINANCE, TODAY)
    assert (
        group.members,
        group.completeness,
        group.confidence,
        group.cohesion,
        group.coverage,
    ) == (
        (),
        0.0,
        None,
        None,
        0.0,
    )
    assert group.cohesion_reason
    assert {gap.role for gap in group.gaps} >= {"decision_maker", "champion"}
    assert all(gap.reason for gap in group.gaps)


def test_an_unknown_size_is_flagged_and_gives_at_most_eight() -> None:
    group = decide(Company("c"), staff(*TITLES * 3), FINANCE, TODAY)
    assert len(group.members) <= 8
    assert all(any("size is unknown" in r for r in m.reasons) for m in group.members)


def test_overrides_beat_the_rules_while_the_person_is_there() -> None:
    people = staff("CFO", "Controller", "Warehouse Operative", "Former CFO")
    overrides = [
        Override("p00002", "pin", "champion"),
        Override("p00000", "exclude"),
        Override("p00003", "pin", "decision_maker"),
        Override("gone", "pin"),
    ]
    group = decide(MIDDLE, people, FINANCE, TODAY, overrides)
    chosen = {m.person_id: m for m in group.members}
    assert chosen["p00002"].pinned
    assert chosen["p00002"].role == "champion"
    assert "p00000" not in chosen
    assert "p00003" not in chosen
    suspended = [gap.reason for gap in group.gaps if "suspended" in gap.reason]
    assert len(suspended) == 2


def test_whoever_starts_later_is_not_there_yet() -> None:
    later = replace(person(0, "CFO"), start_date=date(2026, 2, 1))
    assert not decide(MIDDLE, [later], FINANCE, TODAY).members
    assert decide(MIDDLE, [later], FINANCE, date(2026, 2, 1)).members


def test_a_finance_director_signs_in_the_united_kingdom() -> None:
    people = staff("Finance Director")
    reasons = {
        country: decide(Company("c", 60, 60, country), people, FINANCE, TODAY).members[0].reasons[0]
        for country in ("GB", "US")
    }
    assert "may sign" in reasons["GB"]
    assert "signs up to" in reasons["US"]


def test_who_was_seen_long_ago_is_less_certain_and_is_a_member_all_the_same() -> None:
    (cfo,) = staff("CFO")
    seen = (None, TODAY, date(2024, 1, 15), date(2020, 1, 15))
    groups = [decide(MIDDLE, [replace(cfo, seen=when)], FINANCE, TODAY) for when in seen]
    unknown, fresh, old, older = (group.members[0].confidence for group in groups)
    assert unknown == fresh > old > older > 0
    assert older == pytest.approx(unknown * 0.5 ** (6 / 3.9), abs=0.01)
    assert any("last seen there on 2024-01-15" in r for r in groups[2].members[0].reasons)
    assert not any("last seen" in r for r in groups[1].members[0].reasons)


def test_a_doubtful_reading_leaves_a_gap() -> None:
    doubtful = read_as(person(0, "CFO"), confidence=0.3)
    group = decide(MIDDLE, [doubtful], FINANCE, TODAY)
    assert not group.members
    assert any(gap.role == "decision_maker" for gap in group.gaps)


def test_of_two_who_fit_as_well_the_better_linked_is_chosen() -> None:
    people = staff("CFO", "Procurement Manager", "Procurement Manager")
    for friend in (1, 2):
        linked = [
            replace(one, manager_id="p00000" if at == friend else None)
            for at, one in enumerate(people)
        ]
        group = decide(MIDDLE, linked, FINANCE, TODAY)
        assert [m.person_id for m in group.members if m.role == "blocker"] == [f"p0000{friend}"]


@settings(max_examples=150, deadline=None)
@given(companies(), st.integers(0, 1000))
def test_order_and_repetition_never_matter(
    case: tuple[Company, list[StaffMember], list[Override]], seed: int
) -> None:
    company, people, overrides = case
    expected = decide(company, people, FINANCE, TODAY, overrides)
    mixed = people + people[: len(people) // 2]
    Random(seed).shuffle(mixed)
    turned = decide(company, mixed, FINANCE, TODAY, overrides[::-1])
    assert turned == expected


@settings(max_examples=150, deadline=None)
@given(companies())
def test_a_group_keeps_its_size_its_scales_and_one_role_each(
    case: tuple[Company, list[StaffMember], list[Override]],
) -> None:
    company, people, overrides = case
    group = decide(company, people, FINANCE, TODAY, overrides)
    ids = [m.person_id for m in group.members]
    assert len(ids) == len(set(ids))
    pinned = sum(m.pinned for m in group.members)
    assert len(ids) <= target(company.employee_max, FINANCE.deal_size).total + pinned
    scores = [
        group.completeness,
        group.coverage,
        *(m.influence for m in group.members),
        *(m.confidence for m in group.members),
    ]
    assert all(0 <= score <= 1 for score in scores)
    assert all(m.reasons for m in group.members)
    assert set(ids) <= {p.person_id for p in people}


@settings(max_examples=150, deadline=None)
@given(companies())
def test_a_human_always_wins_while_the_person_is_there(
    case: tuple[Company, list[StaffMember], list[Override]],
) -> None:
    company, people, overrides = case
    group = decide(company, people, FINANCE, TODAY, overrides)
    chosen = {m.person_id: m for m in group.members}
    there = {p.person_id for p in people if p.title != "Former CFO"}
    suspended = {gap.reason.split()[3] for gap in group.gaps if "suspended" in gap.reason}
    for override in overrides:
        if override.action == "exclude":
            assert override.person_id not in chosen
        elif override.person_id in there:
            assert chosen[override.person_id].pinned
            assert override.role in (None, chosen[override.person_id].role)
        else:
            assert override.person_id not in chosen
            assert override.person_id in suspended
    assert {i for i, m in chosen.items() if m.pinned} <= {
        o.person_id for o in overrides if o.action == "pin"
    }


def test_twenty_thousand_people_are_decided_in_well_under_a_second() -> None:
    people = [
        person(at, TITLES[at % len(TITLES)], manager=f"p{at // 8:05}") for at in range(20_000)
    ]
    began = time.process_time()
    decide(Company("c", 20_000, 20_000), people, FINANCE, TODAY)
    assert time.process_time() - began < 1


def test_a_department_alone_does_not_make_somebody_decide_before_who_has_the_title() -> None:
    rows = (
        ("Project Director, Moving Forward", "Finance"),
        ("Director of Finance", "Corporate Affairs"),
        ("Web Manager", "Finance"),
        ("Finance Manager", None),
    )
    people = [person(at, title, department) for at, (title, department) in enumerate(rows)]
    found = roles(decide(Company("c", 2000, 2000, "US"), people, FINANCE, TODAY), people)
    assert found["decision_maker"] == ["Director of Finance"]
    assert "Web Manager" not in found["champion"]


def test_who_audits_by_department_decides_on_no_finance_system() -> None:
    auditor = read_as(person(0, "Deputy Director", "Internal Audit"), confidence=0.9)
    group = decide(Company("c", 2000, 2000), [auditor], FINANCE, TODAY)
    assert all(m.role != "decision_maker" for m in group.members)


def test_influence_counts_reports_and_nobody_reports_to_themselves() -> None:
    people = staff("CFO", "CIO", "Procurement Manager")
    alone = [replace(one, manager_id=one.person_id) for one in people]
    influences = {
        what: {m.person_id: m.influence for m in decide(MIDDLE, rows, FINANCE, TODAY).members}
        for what, rows in (
            ("no lines", people),
            ("own", alone),
            ("lines", [people[0], *(replace(one, manager_id="p00000") for one in people[1:])]),
        )
    }
    assert influences["own"] == influences["no lines"]
    # Rank 9 and full weight; the widest span, and no report.
    assert influences["no lines"]["p00000"] == pytest.approx((0.54 + 0.2) / 0.8)
    assert influences["lines"]["p00000"] == pytest.approx(0.54 + 0.2 + 0.2)
    assert influences["lines"]["p00001"] == pytest.approx(0.54 + 0.16)


def test_of_two_rows_of_one_person_the_same_counts_whichever_comes_first() -> None:
    rows = [person(0, "CFO"), person(0, "Forklift Driver")]
    groups = [decide(MIDDLE, order, FINANCE, TODAY) for order in (rows, rows[::-1])]
    assert groups[0] == groups[1]
    assert [m.person_id for m in groups[0].members] == ["p00000"]


def test_coverage_counts_who_is_read_in_function_and_level() -> None:
    rows = [
        person(0, "CFO"),
        read_as(person(1, "CIO"), function=None),
        read_as(person(2, "CIO"), level=None),
        person(3, "IT Manager"),
    ]
    assert decide(MIDDLE, rows, FINANCE, TODAY).coverage == 0.5


def test_a_members_confidence_is_that_of_the_evidence_and_a_pins_that_of_the_title() -> None:
    people = [*staff("Director, Fiscal and Finance Policy"), person(1, "CFO"), person(2, "CEO")]
    seen = weigh(MIDDLE, people, FINANCE, TODAY)
    around = Surroundings(seen.people, seen.choices, seen.placed)
    found = {m.person_id: m for m in decide(MIDDLE, people, FINANCE, TODAY).members}
    assert len(found) > 1
    for row in people:
        if row.person_id in found:
            _, fit = seen.chosen[row.person_id]
            told = certainty(around.evidence(seen.choices[row.person_id], fit, row.title))
            assert found[row.person_id].confidence == round(told, 4)
    pins = [Override("p00000", "pin", "decision_maker")]
    pinned = {m.person_id: m for m in decide(MIDDLE, people, FINANCE, TODAY, pins).members}
    assert pinned["p00000"].confidence == people[0].verdict.confidence
    assert not any("less sure" in reason for reason in pinned["p00000"].reasons)


def test_a_member_who_is_pinned_says_so_before_the_reason_of_the_rules() -> None:
    people = staff("CFO", "Forklift Driver")
    pins = [Override("p00000", "pin"), Override("p00001", "pin", "champion")]
    members = decide(MIDDLE, people, FINANCE, TODAY, pins).members
    maker, champion = sorted(members, key=lambda member: member.person_id)
    assert maker.reasons[0] == "decision maker: pinned by hand"
    assert maker.reasons[1].startswith("decision maker: finance at level c_level")
    assert champion.reasons[0] == "potential champion: pinned by hand"
    assert champion.reasons[1].startswith("title read with ")
