"""What the column of seniority and the reporting lines tell of a level beside the title."""

from dataclasses import replace

import pytest

from bg_assets.domain.groups.evidence import heard
from bg_assets.domain.groups.group import Company, decide
from bg_assets.domain.groups.lines import UNKNOWN, Line
from bg_assets.domain.titles.seniority import levels
from bg_assets.domain.titles.verdict import classify
from bg_assets_tests.domain.groups.people import FINANCE, MIDDLE, TODAY, person


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("C-Level", ("c_level",)),
        ("c_suite", ("c_level",)),
        ("CXO", ("c_level",)),
        ("VP", ("vp",)),
        ("Director", ("director",)),
        ("Mid-Senior level", ("senior", "manager")),
        ("Entry", ("staff",)),
        ("Training", ("intern",)),
        ("Band 5", ()),
        ("SCS1", ()),
        ("xyzzy", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_the_words_of_vendors_are_known_and_numbers_say_nothing(
    said: str | None, found: tuple[str, ...]
) -> None:
    assert levels(said) == found


def test_other_words_are_read_as_titles_are() -> None:
    assert levels("Geschäftsführer")[0] == "c_level"


def test_the_column_gives_the_level_that_the_title_does_not_tell() -> None:
    verdict = heard(classify("Finance"), "Director", UNKNOWN)
    assert (verdict.function, verdict.level) == ("finance", "director")
    assert "level director: the seniority column says so" in verdict.reasons
    assert not any(reason.endswith("no level in the title") for reason in verdict.reasons)
    assert 0 < verdict.confidence < classify("Finance Director").confidence


def test_the_column_decides_between_levels_that_a_title_could_mean() -> None:
    alone = classify("Partner, Finance")
    assert alone.level == "director"
    assert "owner" in alone.level_alternatives
    verdict = heard(alone, "Owner", UNKNOWN)
    assert verdict.level == "owner"
    assert "level owner rather than director: the seniority column says so" in verdict.reasons


def test_a_column_that_agrees_makes_surer_and_one_that_contradicts_less_sure() -> None:
    alone = classify("Finance Director")
    agrees, contradicts = (heard(alone, said, UNKNOWN) for said in ("Director", "Entry"))
    assert contradicts.confidence < alone.confidence < agrees.confidence <= 0.98
    assert {agrees.level, contradicts.level} == {"director"}
    assert "the seniority column says staff: contradiction" in contradicts.reasons
    near = heard(alone, "Manager", UNKNOWN)
    assert near == alone


def test_whom_others_report_to_is_a_manager_where_the_title_has_no_rank() -> None:
    verdict = heard(classify("Finance"), None, Line(4, 3))
    assert verdict.level == "manager"
    assert "level manager: 4 people report to them" in verdict.reasons
    assert heard(classify("Finance"), None, Line(1, 3)) == classify("Finance")


def test_whom_all_report_to_runs_the_company_whatever_the_title_says() -> None:
    verdict = heard(classify("Xyzzy"), None, Line(6, 0))
    assert (verdict.function, verdict.level) == ("executive", "c_level")
    assert "level c_level: all of the company reports to them" in verdict.reasons


def test_staff_to_whom_people_report_may_be_managers() -> None:
    alone = classify("Accountant")
    verdict = heard(alone, None, Line(5, 2))
    assert verdict.level == "staff"
    assert verdict.level_alternatives[-1] == "manager"
    assert verdict.confidence < alone.confidence
    assert "level could be manager: 5 people report to them" in verdict.reasons


@pytest.mark.parametrize(("title", "steps"), [("CFO", 3), ("Finance Director", 4)])
def test_a_high_level_far_below_the_top_is_less_sure(title: str, steps: int) -> None:
    alone = classify(title)
    verdict = heard(alone, None, Line(0, steps))
    assert verdict.confidence < alone.confidence
    assert f"{steps} managers stand above" in verdict.reasons[-1]
    assert heard(alone, None, Line(0, steps - 1)) == alone


def test_both_are_heard_in_a_group_and_told_among_the_reasons() -> None:
    column = replace(person(1, "Finance"), seniority="C-Suite")
    group = decide(MIDDLE, [column, person(2, "Accountant")], FINANCE, TODAY)
    (maker,) = (m for m in group.members if m.role == "decision_maker")
    assert maker.person_id == "p00001"
    assert "level c_level: the seniority column says so" in maker.reasons


def test_of_two_alike_who_stands_nearer_to_the_top_decides() -> None:
    top, middle = person(1, "Chief Executive"), person(2, "Operations Director", manager="p00001")
    near = person(9, "Finance Director", manager="p00001")
    far = person(3, "Finance Director", manager="p00002")
    group = decide(Company("c", 80, 80, "GB"), [top, middle, near, far], FINANCE, TODAY)
    (maker,) = (m for m in group.members if m.role == "decision_maker")
    assert maker.person_id == "p00009"


@pytest.mark.parametrize("title", ["Director", "HM Chief Inspector", "Museum Director"])
def test_who_alone_stands_at_the_top_heads_the_company_whatever_the_title_is_of(title: str) -> None:
    alone = classify(title)
    verdict = heard(alone, None, Line(5, 0), head=True)
    assert (verdict.function, verdict.level) == ("executive", "c_level")
    assert verdict.level_alternatives == ("director",)
    assert "nobody else stands at the top" in verdict.reasons[-1]
    # One of several at the top, or of too few people, or of something.
    assert heard(alone, None, Line(5, 0)) == alone
    assert heard(alone, None, Line(4, 0), head=True) == alone
    finance = classify("Director of Finance")
    assert heard(finance, None, Line(9, 0), head=True) == finance
