"""In how many public bodies the head of the right profession decides; profession is no input."""

from pathlib import Path

import pytest

from bench import choices
from bench.groups import bodies
from bg_assets.products.files import load_templates
from bg_assets.sample.world import TODAY
from bg_assets_tests.organograms import AFTER

# (product, bodies with a high post of its profession in which one of that decides, at least; in
# which nobody else but the head does): two below what was measured.
FLOORS = (("finance_system", 38, 34), ("hr_system", 29, 26), ("security_platform", 11, 12))


@pytest.mark.slow
@pytest.mark.parametrize(("product", "found", "only"), FLOORS)
def test_one_of_the_profession_decides(
    shared_data: Path, product: str, found: int, only: int
) -> None:
    people = [(one.company, one.people) for one in bodies(shared_data, AFTER, seniors=True)]
    template = load_templates(products=[product])[product]
    chosen = list(choices.choices(choices.read_truth(shared_data, AFTER), people, template, TODAY))
    assert sum(one.found for one in chosen) >= found
    assert sum(one.only for one in chosen) >= only
