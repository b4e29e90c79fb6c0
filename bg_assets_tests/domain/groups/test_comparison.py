"""What another template would change: people, roles and gaps, whatever the figures in a reason."""

from bg_assets.domain.groups.comparison import Totals, compare
from bg_assets.domain.groups.gaps import Gap
from bg_assets.domain.groups.group import BuyerGroup, Member


def group(members: dict[str, str], *gaps: Gap) -> BuyerGroup:
    people = tuple(Member(who, role, 0.5, 0.5, False, ("why",)) for who, role in members.items())
    return BuyerGroup("p", "h", people, gaps, 0.5, 0.5 if people else None, None, "few", 1.0)


OLD = group(
    {"a": "decision_maker", "b": "champion", "c": "stakeholder"},
    Gap("blocker", "legal", "no blocker in legal found: 9 people read"),
    Gap("stakeholder", None, "no technical voice found, which a deal of 60,000 US dollars needs"),
)
NEW = group(
    {"a": "stakeholder", "c": "stakeholder", "d": "decision_maker", "e": "blocker"},
    Gap("champion", "it", "no potential champion in IT found: 9 people read"),
    Gap("stakeholder", None, "no technical voice found, which a deal of 90,000 US dollars needs"),
)


def test_who_comes_goes_and_changes_role_is_told_with_titles() -> None:
    found = compare("x", {"a": "CFO", "d": "CHRO"}, OLD, NEW)
    assert found.any
    assert (found.old_size, found.new_size) == (3, 4)
    assert [(p.person_id, p.title, p.new_role) for p in found.joined] == [
        ("d", "CHRO", "decision_maker"),
        ("e", None, "blocker"),
    ]
    assert [(p.person_id, p.old_role) for p in found.left] == [("b", "champion")]
    assert [(p.person_id, p.old_role, p.new_role) for p in found.role_changed] == [
        ("a", "decision_maker", "stakeholder")
    ]


def test_a_gap_whose_figures_alone_differ_is_the_same_gap() -> None:
    found = compare("x", {}, OLD, NEW)
    assert [role for role, _ in found.gaps_opened] == ["champion"]
    assert [role for role, _ in found.gaps_closed] == ["blocker"]


def test_the_same_group_differs_in_nothing() -> None:
    assert not compare("x", {}, OLD, OLD).any
    assert not compare("x", {}, None, None).any


def test_a_product_that_is_not_sold_there_any_more_loses_everybody() -> None:
    found = compare("x", {}, OLD, None)
    assert [p.person_id for p in found.left] == ["a", "b", "c"]
    assert len(found.gaps_closed) == 2
    assert compare("x", {}, None, OLD).new_size == 3


def test_totals_count_each_company_once() -> None:
    totals = Totals()
    for old, new in ((OLD, NEW), (OLD, OLD), (OLD, None)):
        totals.add(old, new, compare("x", {}, old, new))
    figures = totals.figures()
    assert (figures["companies"], figures["changed"]) == (3, 2)
    assert (figures["larger"], figures["smaller"]) == (1, 1)
    assert (figures["joined"], figures["left"], figures["role_changed"]) == (2, 4, 1)
    assert figures["old"]["groups"] == 3
    assert figures["new"] == {
        "groups": 2,
        "members": 7,
        "mean_size": 3.5,
        "roles": {
            "decision_maker": 2, "champion": 1, "stakeholder": 3, "blocker": 1, "introducer": 0,
        },
        "gaps": {
            "decision_maker": 0, "champion": 1, "stakeholder": 2, "blocker": 1, "introducer": 0,
            "other": 0,
        },
        "completeness": 0.5,
        "confidence": 0.5,
    }  # fmt: skip
