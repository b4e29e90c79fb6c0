"""Comparable groups: who could have each place, and how many could have any."""

from bg_assets.domain.groups.candidates import Candidate
from bg_assets.domain.groups.cohesion import Stratum
from bg_assets.domain.groups.comparable import eligible, strata
from bg_assets.domain.groups.selection import Chosen
from bg_assets_tests.domain.groups.people import fitting

PEOPLE = {
    one.person_id: one
    for one in (
        fitting("a", ("champion", 0.9), ("blocker", 0.1)),
        fitting("b", ("champion", 0.3)),
        fitting("c", ("champion", 0.29)),
        fitting("d", ("champion", 0.9), confidence=0.49),
        fitting("e", ("champion", 0.9), function="it"),
        fitting("f"),
        fitting("g"),
    )
}


def test_eligible_is_who_could_have_any_role() -> None:
    assert eligible(PEOPLE) == 3


def of(*roles: tuple[str, str], pins: frozenset[str] = frozenset()) -> tuple[Stratum, ...]:
    chosen: Chosen = {i: (role, PEOPLE[i].fit(role)) for i, role in roles}
    return strata(PEOPLE, chosen, pins)


def test_a_place_could_be_had_by_all_of_its_function_who_fit() -> None:
    assert of(("e", "champion"), ("a", "champion")) == (
        Stratum(("a",), ("a", "b")),
        Stratum(("e",), ("e",)),
    )


def test_a_pinned_person_who_does_not_fit_has_a_place_alone() -> None:
    pins = frozenset("cfa")
    assert of(("a", "champion"), ("c", "champion"), ("f", "blocker"), pins=pins) == (
        Stratum(("c",), ("c",)),
        Stratum(("f",), ("f",)),
        Stratum(("a",), ("a", "b")),
    )


def test_who_has_a_place_without_fitting_any_more_is_among_those_who_could() -> None:
    """A stakeholder who changed places may fit the new one less than it needs."""
    assert of(("a", "champion"), ("c", "champion")) == (Stratum(("a", "c"), ("a", "b", "c")),)


def test_a_place_of_a_level_could_be_had_by_those_of_a_level_like_it() -> None:
    def pool(**levels: str | None) -> tuple[str, ...]:
        candidates = {
            i: Candidate(None, None, (), (level,) if level else (), 0.0, frozenset(), False)
            for i, level in {**dict.fromkeys(PEOPLE), **levels}.items()
        }
        chosen: Chosen = {"a": ("champion", PEOPLE["a"].fit("champion"))}
        (place,) = strata(PEOPLE, chosen, frozenset(), candidates)
        return place.pool

    assert pool(a="head", b="director") == ("a", "b")
    assert pool(a="head", b="manager") == ("a",)
    assert pool(a=None, b="staff") == ("a", "b")
