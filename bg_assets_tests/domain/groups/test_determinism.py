"""The same groups whatever the order of rows and companies, the threads, and the interpreter."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bg_assets.domain.groups.group import BuyerGroup, Company, Override, StaffMember, decide
from bg_assets.domain.groups.outcome import outcome
from bg_assets.domain.titles.verdict import classify
from bg_assets.products.files import load_templates
from bg_assets.sample import world

TEMPLATES = tuple(load_templates().values())
SEED = 7
Case = tuple[Company, list[StaffMember]]


def cases(number: int) -> list[Case]:
    """Sample companies of all sizes with their people."""
    return [(_company(row), list(_staff(row))) for row in world.generate_companies(number, SEED)]


def _company(row: world.CompanyRow) -> Company:
    return Company(row.id, row.employees, row.employees, row.country, row.industry)


def _staff(row: world.CompanyRow) -> Iterable[StaffMember]:
    for person in world.generate_people([row], SEED):
        said = classify(person.title, person.department)
        yield StaffMember(
            person.id, person.title, person.department, person.location, person.manager_id,
            said, person.email is not None, person.start_date,
        )  # fmt: skip


def groups(case: Case) -> tuple[BuyerGroup, ...]:
    company, people = case
    return tuple(decide(company, people, one, world.TODAY) for one in TEMPLATES)


COMPANIES = cases(60)
EXPECTED = [groups(case) for case in COMPANIES]


def digest() -> str:
    """One line for all groups, for another interpreter to compare with."""
    return hashlib.sha256(repr(EXPECTED).encode()).hexdigest()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, len(COMPANIES) - 1))
def test_the_order_of_a_companys_rows_changes_nothing(seed: int, at: int) -> None:
    company, people = COMPANIES[at]
    dice = Random(seed)
    turned = dice.sample(people, len(people)) + dice.sample(people, len(people) // 3)
    assert groups((company, turned)) == EXPECTED[at]


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000))
def test_the_batch_that_a_company_is_in_changes_nothing(seed: int) -> None:
    order = Random(seed).sample(range(len(COMPANIES)), 20)
    assert [groups(COMPANIES[at]) for at in order] == [EXPECTED[at] for at in order]


def test_threads_change_nothing() -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        assert list(pool.map(groups, COMPANIES[:30])) == EXPECTED[:30]


def test_another_interpreter_with_other_hashes_finds_the_same_groups() -> None:
    asked = "from bg_assets_tests.domain.groups import test_determinism as t; print(t.digest())"
    found = {
        subprocess.run(
            [sys.executable, "-c", asked], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "77")
    }  # fmt: skip
    assert found == {digest()}


def test_cohesion_is_measured_in_some_of_these_groups() -> None:
    assert sum(group.cohesion is not None for found in EXPECTED for group in found) >= 10


def test_of_several_products_each_has_the_group_that_it_has_alone() -> None:
    """The staff is read once for all, and an exclusion for one product excludes nobody from it."""
    members = 0
    for company, staff in cases(20):
        out = [Override(staff[0].person_id, "exclude")] if staff else []
        given = {TEMPLATES[0].name: out}
        together = outcome(company, staff, TEMPLATES, world.TODAY, given, {}).groups
        alone = [
            decide(company, staff, one, world.TODAY, given.get(one.name, ())) for one in TEMPLATES
        ]
        assert list(together) == alone
        members += sum(len(group.members) for group in alone)
    assert members > 100
