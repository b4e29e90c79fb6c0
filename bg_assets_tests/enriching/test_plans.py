"""Plans made from what stands in the tables, and which refreshes leave something to ask."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import Kind, Level
from bg_assets.domain.enrichment.plan import Plan
from bg_assets.domain.products.template import Template, parse_template
from bg_assets.enriching import plans
from bg_assets_tests.enrichment import TEMPLATE, Played
from bg_assets_tests.storage.rows import company, group, insert, run

ALL = frozenset(Kind)


def template(level: str = "enrich", more: str = "") -> Template:
    return parse_template(TEMPLATE.format(level=level) + more, "t")


def made(engine: sa.Engine, *templates: Template, who: str = "acme") -> Plan:
    vendor = Played(kinds=ALL)
    return plans.make(engine, templates, {"played": vendor}, [who], Decimal(1))[who]


@pytest.fixture
def acme(engine: sa.Engine) -> sa.Engine:
    """A group of one, who lacks an address, beside somebody whose title nobody can read."""
    company(engine, "acme", ["ada", "bo", "cy"])
    run(engine, "update bg.people set name = 'N ' || id")
    run(engine, "update bg.companies set employee_min = 200")
    group(engine, "acme", {})
    run(
        engine, "update bg.buyer_groups set product = 'asking', gaps = '[{\"role\": \"champion\"}]'"
    )
    insert(
        engine, "bg.buyer_group_members", company_id="acme", product="asking", person_id="ada",
        role="champion", confidence=0.9, influence=0.5,
    )  # fmt: skip
    for who, function in (("ada", "it"), ("bo", None), ("cy", "finance")):
        insert(
            engine, "bg.company_people", company_id="acme", person_id=who, title="T",
            function=function, level="head", confidence=0.9,
        )  # fmt: skip
    return engine


def test_members_and_those_who_can_t_be_judged_are_weighed(acme: sa.Engine) -> None:
    found = made(acme, template())
    assert [item.person_id for item in found.items] == ["ada", "bo"]
    assert found.items[0].question.company.name == "Company acme"


def test_who_is_excluded_by_a_human_is_not_asked_about(acme: sa.Engine) -> None:
    insert(
        acme, "bg.member_overrides", company_id="acme", product="asking", person_id="bo",
        action="exclude", by="me", reason="I know",
    )  # fmt: skip
    assert [item.person_id for item in made(acme, template()).items] == ["ada"]


def test_who_left_since_the_group_was_built_is_not_asked_about(acme: sa.Engine) -> None:
    run(acme, "update bg.people set status = 'left' where id = 'ada'")
    assert [item.person_id for item in made(acme, template()).items] == ["bo"]


def test_the_highest_level_of_the_products_that_are_sold_there_counts(acme: sa.Engine) -> None:
    deep = template("deep_research")
    assert made(acme, template(), deep).items[-1].question.kind is Kind.DISCOVERY
    run(acme, "update bg.companies set country = 'NO'")
    abroad = template("deep_research", "regions: [US]\n")
    found = made(acme, template(), abroad)
    assert {item.question.level for item in found.items} == {Level.ENRICH}
    assert made(acme, abroad).because == ("none of the products whose templates ask is sold there")


def test_a_company_without_a_group_waits_for_it(engine: sa.Engine) -> None:
    company(engine, "new", ["ada"])
    assert made(engine, template(), who="new").because == "its groups are not built yet"


def test_a_company_that_nobody_tracks_has_no_plan(acme: sa.Engine) -> None:
    run(acme, "update bg.companies set deleted_at = now()")
    assert plans.make(acme, [template()], {}, ["acme", "none"], Decimal(1)) == {}


@pytest.mark.parametrize(
    ("causes", "news"),
    [
        (["role_change (import)"], True),
        (["contact_change (provider:pdl)"], False),
        (["contact_change (provider:pdl)", "resync (provider:csv)"], False),
        (["contact_change (provider:pdl)", "role_change (people_table)"], True),
        (["person_joined (provider:pdl)"], True),
        (["resync (template)"], True),
    ],
)
def test_what_providers_told_leaves_nothing_to_ask_but_for_whom_they_brought(
    causes: list[str], news: bool
) -> None:
    assert plans.news(causes) is news
