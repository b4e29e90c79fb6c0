"""Differences, employment, sizes and signatures: small tables."""

from datetime import date

import pytest

from bg_assets.domain.groups.difference import difference
from bg_assets.domain.groups.employment import is_employed
from bg_assets.domain.groups.gaps import Gap
from bg_assets.domain.groups.group import BuyerGroup, Member
from bg_assets.domain.products import sizes
from bg_assets.domain.titles import authority
from bg_assets.domain.titles.verdict import classify

TODAY = date(2026, 1, 15)


def group(members: dict[str, str], gaps: tuple[Gap, ...] = ()) -> BuyerGroup:
    made = tuple(Member(i, role, 0.9, 0.5, False, ("why",)) for i, role in members.items())
    return BuyerGroup("p", "h", made, gaps, 1.0, 0.9, None, "no", 1.0)


def test_a_difference_names_each_change_once_in_a_stable_order() -> None:
    gap = Gap("blocker", "legal", "no blocker in legal found: 3 people read")
    same_gap = Gap("blocker", "legal", "no blocker in legal found: 9 people read")
    other = Gap("champion", "finance", "no potential champion in finance found: 1 people read")
    old = {"a": "champion", "b": "decision_maker", "z": "stakeholder"}
    new = group({"a": "decision_maker", "c": "champion", "z": "stakeholder"}, (same_gap,))
    events = difference(old, (gap, other), new, {"b": "the status says left"})
    assert [(e.event, e.person_id) for e in events] == [
        ("joined", "c"),
        ("left", "b"),
        ("role_changed", "a"),
        ("gap_closed", None),
    ]
    assert events[1].because == "the status says left"
    assert events[2].old == {"role": "champion"}
    assert all(e.because for e in events)
    reverse = dict(reversed(old.items()))
    assert difference(reverse, (other, gap), new, {"b": "the status says left"}) == events


def test_what_else_was_missing_is_no_longer_missing() -> None:
    voice = Gap(
        None, "it", "no technical voice in the group: a deal of 90,000 US dollars needs one"
    )
    dearer = Gap(
        None, "it", "no technical voice in the group: a deal of 95,000 US dollars needs one"
    )
    pin = Gap(None, None, "the pin of x is suspended: not on the staff")
    place = Gap("champion", None, "no potential champion found: nobody is known")
    assert difference({}, (voice,), group({}, (dearer,)), {}) == ()
    (opened,) = difference({}, (), group({}, (pin,)), {})
    assert (opened.event, opened.because) == ("gap_opened", pin.reason)
    events = difference({}, (pin, voice, place), group({"a": "champion"}), {})
    assert [(e.event, e.because) for e in events[1:]] == [
        ("gap_closed", "no longer missing"),
        ("gap_closed", "no longer missing"),
        ("gap_closed", "potential champion: filled"),
    ]


def test_nothing_changed_means_no_event() -> None:
    assert difference({"a": "champion"}, (), group({"a": "champion"}), {}) == ()


@pytest.mark.parametrize(
    ("status", "start", "end", "title", "employed"),
    [
        ("active", None, None, "CFO", True),
        (None, None, None, None, True),
        ("left", None, None, "CFO", False),
        (" Left", None, None, "CFO", False),
        ("active", None, date(2026, 1, 15), "CFO", True),
        ("active", None, date(2026, 1, 14), "CFO", False),
        ("active", date(2026, 1, 15), None, "CFO", True),
        ("active", date(2026, 1, 16), None, "CFO", False),
        ("active", date(2026, 1, 15), date(2026, 1, 15), "CFO", True),
        ("active", None, None, "Former CFO", False),
    ],
)
def test_employed_is_active_from_the_first_day_to_the_last(
    status: str | None, start: date | None, end: date | None, title: str | None, employed: bool
) -> None:
    assert is_employed(status, start, end, TODAY, classify(title)) is employed


@pytest.mark.parametrize(
    ("employees", "deal", "counts"),
    [
        (1, 120_000, (1, 1, 0, 0, 0)),
        (5, 120_000, (1, 1, 0, 0, 0)),
        (6, 120_000, (1, 1, 1, 0, 0)),
        (10, 120_000, (1, 1, 1, 0, 0)),
        (11, 120_000, (1, 1, 2, 0, 1)),
        (25, 120_000, (1, 1, 2, 0, 1)),
        (26, 120_000, (1, 2, 2, 0, 1)),
        (50, 120_000, (1, 2, 2, 0, 1)),
        (51, 120_000, (1, 2, 3, 0, 1)),
        (100, 120_000, (1, 2, 3, 0, 1)),
        (101, 120_000, (2, 2, 3, 1, 0)),
        (500, 120_000, (2, 2, 3, 1, 0)),
        (501, 120_000, (2, 3, 3, 1, 0)),
        (1_500, 120_000, (2, 3, 3, 1, 0)),
        (1_501, 120_000, (2, 3, 4, 1, 1)),
        (7_500, 1_000_000, (2, 3, 4, 1, 1)),
        (7_501, 249_999, (2, 4, 4, 1, 1)),
        (7_501, 250_000, (2, 5, 5, 2, 1)),
        (25_000, 1_000_000, (2, 5, 5, 2, 1)),
        (25_001, 999_999, (2, 5, 5, 2, 1)),
        (25_001, 1_000_000, (2, 6, 6, 3, 1)),
        (25_001, 120_000, (2, 4, 4, 1, 1)),
        (200, 50_000, (2, 2, 3, 1, 0)),
        (200, 49_999, (1, 1, 2, 0, 0)),
        (25_001, 49_999, (1, 2, 2, 0, 1)),
        (3, 49_999, (1, 1, 0, 0, 0)),
        (None, 49_999, (1, 1, 2, 0, 1)),
        (None, 1_000_000, (1, 2, 3, 1, 1)),
    ],
)
def test_the_target_follows_staff_and_deal(
    employees: int | None, deal: int, counts: tuple[int, ...]
) -> None:
    found = sizes.target(employees, deal)
    assert (found.counts, found.known) == (counts, employees is not None)


@pytest.mark.parametrize(
    ("low", "high", "middle"),
    [
        (100, 400, 200),
        (50, None, 50),
        (None, 70, 70),
        (None, None, None),
        (0, 0, None),
        (1, 1, 1),
        (1, 9, 3),
        (0, 9, 9),
        (9, 4, 9),
        (3, 0, 3),
        (-1, None, None),
    ],
)
def test_a_range_of_employees_has_a_middle(
    low: int | None, high: int | None, middle: int | None
) -> None:
    assert sizes.staff_size(low, high) == middle


def test_signatures_grow_with_rank_and_staff() -> None:
    manager, director, vp = (authority.RANK[level] for level in ("manager", "director", "vp"))
    assert authority.may_sign(manager, 75) == 15_000
    assert authority.may_sign(director, 75) == 75_000
    assert authority.may_sign(vp, 8_750) == 1_000_000
    assert authority.may_sign(vp, 40) == 0
    assert authority.may_sign(authority.RANK["c_level"], 10) == authority.UNLIMITED
    grown = [authority.may_sign(director, n) for n in (75, 100, 400, 625, 3_000, 8_750, 50_000)]
    assert grown == sorted(grown)


@pytest.mark.parametrize(
    ("higher", "lower", "country"),
    [
        ("CEO", "CFO", "US"),
        ("CFO", "Executive Vice President Finance", "US"),
        ("EVP Finance", "VP Finance", "US"),
        ("VP Finance", "AVP Finance", "US"),
        ("Director of Finance", "Deputy Director of Finance", "GB"),
        ("Finance Director", "Head of Finance", "GB"),
        ("Finance Manager", "Account Manager", "US"),
        ("Director General", "Director", "GB"),
        ("VP Finance", "Board Member", "US"),
    ],
)
def test_ranks_of_their_own(higher: str, lower: str, country: str) -> None:
    def rank(title: str) -> float:
        return authority.rank(title, classify(title).level, country=country)

    assert rank(higher) > rank(lower)


def told(old: dict[str, str], new: dict[str, str]) -> list[tuple[str, str | None]]:
    return [(one.event, one.person_id) for one in difference(old, (), group(new), {})]


def test_news_is_told_by_role_and_within_a_role_by_id() -> None:
    """The ids run against the roles, and so does the order in which people stand there."""
    one = {"d": "introducer", "b": "champion", "a": "stakeholder", "c": "champion"}
    order = ["b", "c", "a", "d"]
    assert told({}, one) == [("joined", i) for i in order]
    assert told(one, {}) == [("left", i) for i in order]
    before = dict.fromkeys(one, "decision_maker")
    assert told(before, one) == [("role_changed", i) for i in order]


def test_a_role_that_is_no_longer_known_is_told_last() -> None:
    assert told({"a": "observer", "b": "introducer"}, {}) == [("left", "b"), ("left", "a")]


def test_a_gap_is_another_one_where_role_function_or_kind_differ() -> None:
    gap = Gap("blocker", "legal", "no blocker in legal found: 3 people read")
    others = (
        Gap("champion", "legal", "no blocker in legal found: 3 people read"),
        Gap("blocker", "finance", "no blocker in legal found: 3 people read"),
        Gap("blocker", "legal", "no further blocker in legal found: 3 people read"),
    )
    for other in others:
        events = difference({}, (gap,), group({}, (other,)), {})
        assert [event.event for event in events] == ["gap_opened", "gap_closed"]


def test_gaps_are_told_in_one_order_and_closed_by_whoever_fills_the_role() -> None:
    gaps = tuple(
        Gap(role, None, f"no {role} found: nobody is known")
        for role in ("stakeholder", "introducer", "champion", "blocker")
    )
    order = sorted(gap.reason for gap in gaps)
    opened = difference({}, (), group({}, gaps), {})
    assert [event.because for event in opened] == order
    members = {"a": "champion", "b": "stakeholder"}
    closed = difference(members, gaps, group(members), {})
    assert [event.because for event in closed] == [
        "blocker: no longer needed",
        "potential champion: filled",
        "introducer: no longer needed",
        "stakeholder: filled",
    ]
