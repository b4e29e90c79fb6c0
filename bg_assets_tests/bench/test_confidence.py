"""Confidence tells right from wrong members of public bodies that its weights have not seen."""

from pathlib import Path

import pytest

from bench import confidence
from bg_assets_tests.organograms import BEFORE


def test_the_area_counts_pairs_and_ties_by_half() -> None:
    assert confidence.area([(0.9, True), (0.1, False)]) == 1
    assert confidence.area([(0.5, True), (0.5, False)]) == 0.5
    assert confidence.area([(0.9, False), (0.5, True), (0.1, False)]) == 0.5
    assert confidence.area([(0.9, True)]) == 0.5


def test_the_calibration_error_is_the_distance_of_what_is_said_from_what_comes_true() -> None:
    assert confidence.calibration_error([(0.75, True)] * 3 + [(0.75, False)]) == 0
    assert confidence.calibration_error([(0.95, False)]) == pytest.approx(0.95)


@pytest.mark.slow
def test_right_members_have_more_confidence_than_wrong_ones(shared_data: Path) -> None:
    found = confidence.members((BEFORE,), confidence.JUDGED)
    figures = confidence.judged(found)
    assert figures.members > 800
    assert figures.auc >= 0.73
    assert figures.error <= 0.05  # 0.03 on both dates, with twice as many members
    assert figures.auc > confidence.judged(found, lambda e: e.title).auc + 0.1
    makers = confidence.judged([one for one in found if one.role == "decision_maker"])
    assert makers.auc >= 0.75


@pytest.mark.slow
def test_of_champions_of_bodies_known_to_be_public_most_are_right(shared_data: Path) -> None:
    found = confidence.members((BEFORE,), confidence.JUDGED, industry="Government administration")
    champions = confidence.judged([one for one in found if one.role == "champion"])
    assert champions.members > 250
    assert champions.right >= 0.84  # 0.79 while who is hardly of a function could be one
    assert confidence.judged(found).right >= 0.86
