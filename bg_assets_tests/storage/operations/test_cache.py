"""An answer is asked for once until it expires; a failure is no answer."""

from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import (
    Answer,
    Kind,
    Level,
    NotChecked,
    PermanentFailure,
    TemporaryFailure,
)
from bg_assets.domain.enrichment.policy import DAY
from bg_assets_tests.storage.operations.conftest import Asker
from bg_assets_tests.storage.operations.playing import ANN, DOWN, POLICY, Played, about
from bg_assets_tests.storage.rows import at, rows, value


def test_an_answer_is_asked_for_once_and_then_costs_nothing(ask: Asker) -> None:
    provider = Played([replace(ANN, cost=Decimal("0.28"))], costs=Decimal("0.28"))
    first = ask(provider)
    ask.time.seconds = 100
    again = ask(provider)
    assert len(provider.calls) == 1
    assert (first.cached, first.answer.cost, first.at) == (False, Decimal("0.28"), at(0))
    assert (again.cached, again.answer.cost, again.at) == (True, Decimal(0), at(0))
    assert again.answer.people == first.answer.people == ANN.people
    assert value(ask.engine, "select sum(hits) from bg.provider_hits") == 1


@pytest.mark.parametrize(
    ("kind", "days"), [(Kind.COMPANY, 7), (Kind.DISCOVERY, 3), (Kind.PERSON, 1)]
)
def test_an_answer_expires_by_its_kind(ask: Asker, kind: Kind, days: int) -> None:
    provider = Played()
    ask(provider, kind=kind)
    ask.time.seconds = days * DAY - 1
    assert ask(provider, kind=kind).cached
    ask.time.seconds = days * DAY
    assert not ask(provider, kind=kind).cached
    assert len(provider.calls) == 2
    ask.time.seconds += days * DAY - 1
    assert ask(provider, kind=kind).cached


def test_the_expiry_of_a_kind_can_be_set(ask: Asker) -> None:
    policy = replace(POLICY, expiry={Kind.PERSON: 10.0})
    provider = Played()
    for seconds, calls in ((0, 1), (9, 1), (10, 2)):
        ask.time.seconds = seconds
        ask(provider, policy=policy)
        assert len(provider.calls) == calls


def test_that_nobody_was_found_is_kept_too(ask: Asker) -> None:
    provider = Played([Answer()])
    assert ask(provider).answer == ask(provider).answer == Answer()
    assert len(provider.calls) == 1
    assert rows(ask.engine, "select status, found from bg.pipeline_operations") == [
        {"status": "done", "found": False}
    ]
    assert value(ask.engine, "select not_found from bg.provider_costs") == 1


@pytest.mark.parametrize(
    "failure", [DOWN, PermanentFailure("no such field"), NotChecked("not by me"), KeyError("x")]
)
def test_a_failure_is_never_kept_as_an_answer(ask: Asker, failure: Exception) -> None:
    """Where it cost nothing it is asked again at once."""
    policy = replace(POLICY, tries=1)
    provider = Played([failure, ANN])
    with pytest.raises((TemporaryFailure, PermanentFailure, NotChecked)):
        ask(provider, policy=policy)
    stored = rows(ask.engine, "select status, found, output from bg.pipeline_operations")
    assert stored == [{"status": "failed", "found": None, "output": None}]
    assert ask(provider, policy=policy).answer.people == ANN.people


def test_a_failure_after_an_answer_has_expired_leaves_nothing_to_believe(ask: Asker) -> None:
    provider = Played([ANN, PermanentFailure("gone")])
    ask(provider)
    ask.time.seconds = 2 * DAY
    for _ in range(2):
        with pytest.raises(PermanentFailure):
            ask(provider)
    assert len(provider.calls) == 3
    assert value(ask.engine, "select output from bg.pipeline_operations") is None


@pytest.mark.parametrize("failure", [PermanentFailure("odd", billed=Decimal("0.1")), KeyError("x")])
def test_what_was_paid_in_vain_is_not_paid_again_before_an_answer_would_expire(
    ask: Asker, failure: Exception
) -> None:
    provider = Played([failure, ANN], costs=Decimal("0.1"))
    with pytest.raises(PermanentFailure) as first:
        ask(provider)
    ask.time.seconds = DAY - 1
    with pytest.raises(PermanentFailure) as again:
        ask(provider)
    assert len(provider.calls) == 1
    assert str(again.value) == (
        f"{first.value} (paid already: not asked again before 2026-03-03 12:00 UTC)"
    )
    assert not ask(provider, "p2").cached
    ask.time.seconds = DAY
    assert ask(provider).answer.people == ANN.people


def test_each_question_has_an_answer_of_its_own(ask: Asker) -> None:
    provider = Played()
    asked = about()
    assert asked.person is not None
    others = [
        asked,
        replace(asked, level=Level.DEEP_RESEARCH),
        replace(asked, person=replace(asked.person, title="CEO")),
        replace(asked, company=replace(asked.company, domain=None)),
    ]
    for question in others * 2:
        ask(provider, question)
    ask(Played(name="csv"), asked)
    assert len(provider.calls) == 4
    assert value(ask.engine, "select count(*) from bg.pipeline_operations") == 5


def test_the_question_itself_is_nowhere_in_the_tables(ask: Asker) -> None:
    with pytest.raises(PermanentFailure):
        ask(Played([PermanentFailure("Ann Lee <ann@acme.example> of Acme Anvils: unknown")]))
    (row,) = rows(ask.engine, "select o::text as text from bg.pipeline_operations as o")
    assert "acme" in row["text"]
    for secret in ("Ann", "Lee", "acme.example", "Anvils", "Vienna"):
        assert secret not in row["text"]


def test_no_connection_is_held_while_the_provider_is_asked(ask: Asker) -> None:
    open_now = sa.text(
        "select count(*) from pg_stat_activity where datname = current_database() "
        "and xact_start is not null and pid <> pg_backend_pid()"
    )
    seen = []

    def look() -> None:
        pool = ask.engine.pool
        assert isinstance(pool, sa.QueuePool)
        seen.append(pool.checkedout())
        with ask.engine.connect() as conn:
            seen.append(conn.execute(open_now).scalar_one())

    ask(Played(while_asked=look))
    assert seen == [0, 0]
