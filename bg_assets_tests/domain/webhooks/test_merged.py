"""What is told under the id of a record that is one with another, whenever it comes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bg_assets.domain.webhooks.applying import Pending, Verdict, fold
from bg_assets.domain.webhooks.events import Event, Party
from bg_assets.domain.webhooks.known import Company, Known, Person, Source

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KINDS = pytest.mark.parametrize("kind", ["company", "person"])
ENDED = "that record is one with another: whether it is there by itself says nothing of the one"


def known() -> Known:
    """Two companies and two people, of long ago, whom the one source calls by our ids."""
    return Known(
        sources={"crm": Source("default", True, alone=True)},
        companies={one: Company(one, "default", f"Firm {one}") for one in ("8001", "8002")},
        people={one: Person(one, "8001", f"Name {one}") for one in ("8001", "8002")},
    )


def about(kind: str, what: str, seconds: float, of: str = "8002", **more: Any) -> Event:
    company, person = (Party(of), None) if kind == "company" else (Party(None), Party(of))
    at = NOON + timedelta(seconds=seconds)
    return Event("e", "crm", f"{kind}.{what}", at, company, person, **more)


def after(*events: Event, world: Known | None = None) -> tuple[Known, list[Verdict]]:
    return fold(world or known(), [Pending(n, "crm", one) for n, one in enumerate(events)])


def record(world: Known, kind: str, ours: str = "8001") -> Company | Person:
    return world.companies[ours] if kind == "company" else world.people[ours]


@KINDS
@pytest.mark.parametrize("what", ["deleted", "restored"])
@pytest.mark.parametrize("seconds", [-5, 5])
def test_the_end_of_a_record_that_was_merged_away_is_not_the_survivors(
    kind: str, what: str, seconds: float
) -> None:
    merger = about(kind, "merged", 0, into="8001")
    done, verdicts = after(merger, about(kind, what, seconds))
    assert [one.status for one in verdicts] == ["applied", "ignored"]
    assert (verdicts[1].reason or "").startswith(ENDED)
    assert not record(done, kind).deleted
    # Nor does its being there bring the other back.
    gone, _ = after(merger, about(kind, "deleted", 6, "8001"), about(kind, "restored", 7))
    assert record(gone, kind).deleted


@KINDS
def test_what_ended_before_it_was_merged_away_leaves_the_survivor_as_it_is(kind: str) -> None:
    done, verdicts = after(about(kind, "deleted", -1), about(kind, "merged", 0, into="8001"))
    assert [one.status for one in verdicts] == ["applied", "applied"]
    assert not record(done, kind).deleted


@KINDS
def test_what_happened_before_a_merger_is_not_told_of_the_survivor_and_what_happened_since_is(
    kind: str,
) -> None:
    merger = about(kind, "merged", 0, into="8001")
    late, news = (about(kind, "changed", at, values={"name": f"at {at}"}) for at in (-1, 1))
    done, verdicts = after(merger, late)
    assert [one.status for one in verdicts] == ["applied", "ignored"]
    assert "what happened before" in (verdicts[1].reason or "")
    assert record(done, kind).name == record(known(), kind).name
    assert record(after(merger, news)[0], kind).name == "at 1"
    of_survivor = about(kind, "changed", -1, "8001", values={"name": "at -1"})
    if kind == "person":
        assert record(after(merger, of_survivor)[0], kind).name == "at -1"


def test_who_is_erased_under_an_id_that_was_merged_away_is_erased() -> None:
    done, verdicts = after(about("person", "merged", 0, into="8001"), about("person", "erased", -1))
    assert [one.status for one in verdicts] == ["applied", "applied"]
    assert not done.people


@KINDS
def test_where_one_of_two_was_known_the_end_of_the_other_is_not_its_own(kind: str) -> None:
    for of, into in (("8001", "9"), ("9", "8001")):
        done, verdicts = after(
            about(kind, "merged", 0, of, into=into), about(kind, "deleted", 1, of)
        )
        assert [one.status for one in verdicts] == ["applied", "ignored"]
        ended, _ = after(about(kind, "deleted", 2, into), world=done)
        assert (record(done, kind).deleted, record(ended, kind).deleted) == (False, True)


@KINDS
def test_what_others_were_merged_into_since_is_there_again_under_its_own_id(kind: str) -> None:
    there = about(kind, "merged", 0, "8002", into="8001")
    back = about(kind, "merged", 1, "8001", into="8002")
    done, verdicts = after(there, back, about(kind, "deleted", 2, "8001"))
    assert [one.status for one in verdicts] == ["applied", "applied", "ignored"]
    assert record(after(about(kind, "deleted", 3, "8002"), world=done)[0], kind).deleted


@KINDS
def test_a_chain_of_mergers_leaves_one_that_only_its_own_id_ends(kind: str) -> None:
    world = known()
    world.companies["8003"] = Company("8003", "default", "Firm 8003")
    world.people["8003"] = Person("8003", "8001", "Name 8003")
    done, verdicts = after(
        about(kind, "merged", 0, "8002", into="8003"),
        about(kind, "merged", 1, "8003", into="8001"),
        about(kind, "changed", 2, "8002", values={"name": "of all"}),
        about(kind, "deleted", 3, "8002"),
        about(kind, "deleted", 4, "8003"),
        world=world,
    )
    assert [one.status for one in verdicts] == ["applied"] * 3 + ["ignored"] * 2
    assert (record(done, kind).name, record(done, kind).deleted) == ("of all", False)


@KINDS
@pytest.mark.parametrize("of", ["8001", "33"])
def test_what_is_merged_into_itself_is_passed_over(kind: str, of: str) -> None:
    done, (verdict,) = after(about(kind, "merged", 0, of, into=of))
    assert (verdict.status, "one with itself" in (verdict.reason or "")) == ("ignored", True)
    assert (done.new_identities, done.merged, done.removed) == ({}, {}, {})
