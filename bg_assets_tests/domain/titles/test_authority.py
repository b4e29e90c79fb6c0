"""Ranks: what deputies, heads of units and offices of the state stand for."""

import math

import pytest

from bg_assets.domain.titles import authority
from bg_assets.domain.titles.verdict import classify

# The first of each stands above the second in a British body.
ORDERED = [
    ("Permanent Secretary", "Director of Operations"),
    ("Chief Financial Officer", "Deputy CFO"),
    ("Director, Deputy Head of Policy", "Head of Policy"),
    ("Director of Strategy", "Deputy Director, Strategy"),
    ("Director of Strategy", "Head of Strategy"),
    ("Head of Strategy", "Deputy Head of Strategy"),
    ("Deputy Director of Operations", "Operations Manager"),
    ("Finance Director", "Deputy Director, Finance"),
    ("Chief Constable", "Assistant Chief Constable"),
    ("Parliamentary Counsel", "Deputy Parliamentary Counsel"),
    ("Director General", "Director of Strategy"),
    ("Director of Strategy", "Deputy Director, Chief Economist"),
    ("Senior Account Manager", "Account Manager"),
    ("Account Director", "Senior Account Manager"),
    ("Dyrektor finansowy", "Zastępca dyrektora finansowego"),
    ("Dyrektor HR", "Z-ca dyrektora HR"),
    ("Direttore amministrativo", "Vicedirettore amministrativo"),
]


def _rank(title: str) -> float:
    return authority.rank(title, classify(title).level, country="GB")


@pytest.mark.parametrize(("higher", "lower"), ORDERED)
def test_of_two_posts_the_higher_ranks_higher(higher: str, lower: str) -> None:
    assert _rank(higher) > _rank(lower)


def test_a_deputy_officer_signs_what_a_director_does() -> None:
    deputy, officer = _rank("Deputy Chief Financial Officer"), _rank("Chief Financial Officer")
    director, vp = authority.RANK["director"], authority.RANK["vp"]
    assert authority.may_sign(officer, 5_000) == authority.UNLIMITED
    assert director < deputy < vp
    for employees in (None, 60, 5_000, 100_000):
        signs = authority.may_sign(deputy, employees)
        assert signs == authority.may_sign(director, employees)
        assert signs < authority.may_sign(vp, employees)


def test_the_deputy_of_somebody_without_rank_loses_nothing() -> None:
    assert authority.rank("Deputy Legal Adviser", "staff") == authority.RANK["staff"]


def test_a_word_hidden_in_a_longer_standing_says_nothing() -> None:
    assert "deputy" not in authority.standing("Deputy Parliamentary Counsel")
    assert "plain" not in authority.standing("Deputy Parliamentary Counsel")
    assert "deputy" not in authority.standing("Director, Deputy of the Chair")


@pytest.mark.parametrize(
    ("title", "level", "country", "industry", "employees", "rank"),
    [
        ("Owner", "owner", None, None, None, 10.0),
        ("CEO", "c_level", None, None, None, 9.5),
        ("CFO", "c_level", None, None, None, 9.0),
        ("Deputy CEO", "c_level", None, None, None, 8.5),
        ("Deputy CFO", "c_level", None, None, None, 6.8),
        ("SVP Sales", "vp", None, None, None, 7.6),
        ("VP Sales", "vp", None, None, None, 7.0),
        ("VP Sales", "vp", None, "Regional Bank", None, 5.0),
        ("VP Sales", "vp", None, "FINANCIAL SERVICES", None, 5.0),
        ("SVP Sales", "vp", None, "Regional Bank", None, 7.6),
        ("Director", "director", None, "Regional Bank", None, 6.0),
        ("Head of Sales", "head", None, None, None, 6.2),
        ("Head of Sales", "head", "GB", None, None, 5.4),
        ("Deputy Head of Sales", "manager", None, None, None, 4.0),
        ("Finance Director", "director", "GB", None, None, 8.5),
        ("Finance Director", "director", "GB", None, 24_999, 8.5),
        ("Finance Director", "director", "GB", None, 25_000, 6.0),
        ("Finance Director", "director", "US", None, 500, 6.0),
        ("Deputy Finance Director", "director", "GB", None, 500, 5.2),
        ("Deputy Director, Strategy", "director", "GB", None, 500, 5.2),
        ("Account Manager", "manager", None, None, None, 3.2),
        ("Finance Manager", "manager", None, None, None, 4.0),
        ("Deputy Finance Manager", "manager", None, None, None, 3.0),
        ("Deputy Legal Adviser", "senior", None, None, None, 3.0),
        ("Board Member", None, None, None, None, 1.5),
        ("Board Member", "owner", None, None, None, 3.0),
        ("Senior Account Manager", "senior", None, None, None, 3.3),
        ("Accountant", "staff", None, None, None, 2.0),
        ("Assistant", "assistant", None, None, None, 1.0),
        ("Intern", "intern", None, None, None, 0.0),
    ],
)
def test_what_a_title_ranks_at(
    title: str,
    level: str | None,
    country: str | None,
    industry: str | None,
    employees: int | None,
    rank: float,
) -> None:
    assert authority.rank(
        title, level, employees=employees, country=country, industry=industry
    ) == pytest.approx(rank)


@pytest.mark.parametrize(
    ("rank", "employees", "sum_"),
    [
        (8.0, 3, authority.UNLIMITED),
        (7.99, 49, 0.0),
        (7.99, 50, 100_000),
        (6.9, 60, 100_000),
        (6.89, 60, 75_000),
        (5.5, 60, 75_000),
        (5.49, 60, 15_000),
        (3.5, 60, 15_000),
        (3.49, 60, 0.0),
        (4.0, 75, 15_000),
        (4.0, 625, 75_000),
        (4.0, None, 75_000),
        (4.0, 8_750, 500_000),
        (6.0, 625, 200_000),
        (7.0, 625, 250_000),
        (6.0, 8_750, 750_000),
        (6.0, 9_000, 750_000),
        (7.0, 1_000_000, 1_000_000),
        # Half way between the sizes on the logarithm: their geometric middle.
        (6.0, math.sqrt(625 * 8_750), 475_000),
        (6.0, math.sqrt(75 * 625), 137_500),
    ],
)
def test_what_a_rank_signs_alone(rank: float, employees: float | None, sum_: float) -> None:
    assert authority.may_sign(rank, employees) == pytest.approx(sum_, abs=0.5)


@pytest.mark.parametrize(
    ("title", "level", "only"),
    [
        ("Chairman", "owner", True),
        ("Board Member", None, True),
        ("Board Member and CEO", "c_level", False),
        ("Executive Chairman", "c_level", False),
        ("Board Member", "director", False),
        ("CFO", None, False),
    ],
)
def test_who_only_sits_on_the_board(title: str, level: str | None, only: bool) -> None:
    assert authority.on_board_only(title, level) is only


@pytest.mark.parametrize(
    ("rank", "employees", "deal", "currency", "said"),
    [
        (9.5, 300, 120_000, "USD", "any sum by the table of usual limits; may sign about 120,000"),
        (9.5, None, 120_000, "USD", "signs any sum"),
        (6.0, 625, 120_000, "USD", "up to about 200,000 US dollars alone by the table"),
        (6.0, 625, 120_000, "EUR", "up to about 180,000 euros alone by the table"),
        (6.0, 625, 190_000, "EUR", "the deal is about 190,000 euros"),
        (6.0, 625, 170_000, "EUR", "may sign about 170,000 euros"),
        (6.0, 75, 120_000, "USD", "75,000 US dollars alone by the table of usual limits"),
        (6.0, 20, 1_000, "GBP", "signs nothing alone by the table of usual limits for about 20"),
        (6.0, None, 1_000, "SEK", "unknown, as is the company's size; the deal is about 1,000 SEK"),
        (authority.UNREAD, 300, 1_000, "USD", "is unknown, as is the level; the deal is about"),
    ],
)  # fmt: skip
def test_what_somebody_may_sign_is_said_by_the_table_in_the_deals_currency_or_unknown(
    rank: float, employees: int | None, deal: int, currency: str, said: str
) -> None:
    assert said in authority.signing(rank, employees, deal, currency)


def test_who_does_not_reach_a_deal_is_not_said_to_sign_it() -> None:
    for employees in (None, 20, 75, 600, 9_000):
        for rank in (authority.UNREAD, 2.0, 4.0, 5.0, 6.0, 7.0, 9.0):
            said = "may sign" in authority.signing(rank, employees, 150_000)
            known = employees is not None or rank == 9.0
            assert said == (known and authority.may_sign(rank, employees) >= 150_000)


@pytest.mark.parametrize(
    "title",
    [
        "Director, Finance",
        "Director Finance & Board Secretary",
        "Group Director, Finance and Commercial",
        "Director - Human Resources",
        "Executive Director Operations",
    ],
)
def test_a_british_director_of_a_function_is_its_top_however_it_is_written(title: str) -> None:
    assert _rank(title) == _rank("Finance Director")
    assert authority.rank(title, classify(title).level, country="US") < _rank(title)


@pytest.mark.parametrize(
    "title",
    ["Deputy Director, Finance", "Regional Director, Finance", "Assistant Director - HR"],
)
def test_who_directs_a_part_or_for_somebody_is_no_top(title: str) -> None:
    assert _rank(title) < _rank("Finance Director")


@pytest.mark.parametrize(
    ("title", "outsider"),
    [
        ("Agency Chief Executive", False),
        ("Agency Relations Manager", False),
        ("Head of Student Services", False),
        ("Affiliate Marketing Manager", False),
        ("External Affairs Director", False),
        ("External Reporting Manager", False),
        ("Volunteer Manager", False),
        ("Agency Nurse", True),
        ("Student", True),
        ("Volunteer", True),
        ("Volunteer Treasurer", True),
        ("External CFO", True),
        ("External Auditor", True),
        ("Fractional CFO", True),
        ("HR Consultant", True),
    ],
)
def test_who_deals_with_outsiders_is_none(title: str, outsider: bool) -> None:
    assert ("outsider" in authority.standing(title)) is outsider


@pytest.mark.parametrize(
    ("title", "stands_in"),
    [
        ("Deputy Chief Executive", True),
        ("Deputy Finance Director", True),
        ("Assistant Treasurer", True),
        ("Stellvertretender Geschäftsführer", True),
        ("Directeur financier adjoint", True),
        ("Deputy Chief Executive and Director of Finance", False),
        ("Director of Finance and Deputy Chief Executive", False),
        ("Deputy CEO & CFO", False),
        ("Deputy Director, Finance", False),
        ("Finance Director", False),
        (None, False),
    ],
)
def test_who_holds_an_office_of_their_own_does_not_only_stand_in(
    title: str | None, stands_in: bool
) -> None:
    assert authority.stands_in(title) is stands_in
