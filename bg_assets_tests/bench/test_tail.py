"""The bench of what is learned of titles: what is held out, and what is wanted to learn."""

import importlib.util

import pytest

from bench import tail
from bench.tail_report import Label


def _labels(*titles: str, language: str = "en", isco: str = "2411") -> list[Label]:
    return [Label(language, title, isco, ("finance",), None) for title in titles]


def test_labels_of_one_occupation_are_held_out_together() -> None:
    labels = _labels("actuary", "chief actuary", "actuarial clerk", "dividend analyst")
    actuary, chief, clerk, _ = tail.parts_of(labels)
    assert actuary == chief == clerk
    assert set(tail.parts_of(labels)) <= set(range(tail.PARTS))


def test_a_word_that_many_labels_share_makes_no_occupation() -> None:
    many = [f"analyst {letter * 4}" for letter in "abcdefghijklmnop"]
    assert len(set(tail.parts_of(_labels(*many)))) > 1


def test_the_parts_are_the_same_in_any_company_of_other_languages() -> None:
    labels = _labels("actuary", "auditor")
    others = _labels("Aktuar", "Prüfer", language="de")
    assert tail.parts_of([*labels, *others])[:2] == tail.parts_of(labels)


def test_who_learns_without_scikit_learn_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"scikit-learn: pip install -e \.\[learn\]"):
        tail.main(["--learn"])
