"""What goes wrong in asking: nothing is written wrongly, paid twice, or told of people."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bg_assets.domain.enrichment.asking import (
    Answer,
    FoundPerson,
    PermanentFailure,
    Question,
    TemporaryFailure,
)
from bg_assets_tests.assets.asking import ask, batch, built, email, execute
from bg_assets_tests.enrichment import Played, same
from bg_assets_tests.refreshing import World, log, metadata


def test_a_provider_that_is_not_there_is_a_clear_line_and_asked_for_later(
    world: World, vendor: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(world, "acme")
    monkeypatch.setenv("BG_PROVIDERS", "pdl")
    shown = metadata(world, batch(world), "enriched_people")
    assert "set BG_PDL_KEY" in shown["acme"]["because"]
    ((error, waits),) = world.sql("select error, due_at > now() from bg.enrichment_due")
    assert "set BG_PDL_KEY" in error
    assert waits


def test_another_person_changes_nothing_and_is_told_without_a_name(
    world: World, vendor: Played
) -> None:
    built(world, "acme")
    vendor.says = lambda question: same(question, name="Quentin Unrelated", email="q@example.com")
    result = execute(world, "acme")
    shown = metadata(world, result, "enriched_people")["acme"]
    assert (shown["another"], shown["written"]) == (1, 0)
    assert shown["questions"][0]["outcome"] == "another"
    assert email(world, "acme-cfo") is None
    assert world.pending() == 0
    assert "Unrelated" not in " ".join(map(str, world.instance.all_logs(result.run_id)))
    assert ask(world, "acme")["acme"]["asked"] == 0


@pytest.mark.parametrize(
    "failure",
    [
        TemporaryFailure("it does not answer"),
        PermanentFailure("the key is refused: correct BG_PDL_KEY", whole_provider=True),
    ],
)
def test_what_could_not_be_checked_changes_nothing_and_is_tried_again_later(
    world: World, vendor: Played, failure: Exception
) -> None:
    built(world, "acme")

    def fail(_: Question) -> Answer:
        raise failure

    vendor.says = fail
    shown = metadata(world, batch(world), "enriched_people")["acme"]
    assert (shown["asked"], shown["not_checked"], shown["written"]) == (1, 1, 0)
    assert str(failure) in shown["because"]
    assert world.pending() == 0
    assert world.sql("select count(*) from bg.enrichments") == [(0,)]
    ((failures, waits),) = world.sql("select failures, due_at - now() from bg.enrichment_due")
    assert failures == 1
    assert timedelta(minutes=4) < waits < timedelta(minutes=6)


def test_a_provider_that_refuses_everybody_is_asked_once_a_run(
    world: World, vendor: Played
) -> None:
    def fail(_: Question) -> Answer:
        raise PermanentFailure("no credit is left", whole_provider=True)

    built(world, "acme", "bolt", "corp")
    vendor.says = fail
    shown = metadata(world, batch(world), "enriched_people")
    assert len(vendor.asked) == 1
    assert all("no credit is left" in one["because"] for one in shown.values())


def test_an_answer_of_another_shape_is_a_clear_line_and_is_not_paid_again(
    world: World, vendor: Played
) -> None:
    built(world, "acme")
    odd = Answer(people=(FoundPerson(name=["Ada"]),))  # type: ignore[arg-type]
    vendor.says = lambda _: odd
    shown = ask(world, "acme")["acme"]
    assert shown["questions"][0]["outcome"] == "refused"
    assert "people.name" in shown["questions"][0]["because"]
    assert ask(world, "acme")["acme"]["asked"] == 0
    assert len(vendor.asked) == 1


def test_a_broken_provider_hurts_nobody(world: World, vendor: Played) -> None:
    built(world, "acme")

    def fail(_: Question) -> Answer:
        raise KeyError("Zebulon")

    vendor.says = fail
    result = execute(world, "acme")
    assert "it failed with KeyError" in str(metadata(world, result, "enriched_people"))
    assert "Zebulon" not in " ".join(log(world, result.run_id))


def test_a_company_that_fails_hurts_itself_alone(world: World, vendor: Played) -> None:
    built(world, "acme", "bad", "corp")
    world.sql(
        "create function bg.refuse() returns trigger language plpgsql as $$ begin "
        "raise exception 'Zebulon is secret'; end $$"
    )
    world.sql(
        "create trigger refuse before update on bg.people for each row "
        "when (new.company_id = 'bad') execute function bg.refuse()"
    )
    vendor.says = lambda question: same(question, department="Finance")
    result = batch(world)
    shown = metadata(world, result, "enriched_people")
    assert shown["acme"]["written"] == shown["corp"]["written"] == 1
    assert "the database refused it: raise exception" in shown["bad"]["because"]
    assert "secret" not in " ".join(log(world, result.run_id))
    rows = world.sql("select company_id from bg.enrichment_due where due_at is not null")
    assert rows == [("bad",)]


def test_a_paid_answer_that_could_not_be_written_is_not_paid_again(
    world: World, vendor: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_ENRICH_CAP_DAILY", "5")
    built(world, "acme")
    vendor.cost = Decimal("0.28")
    world.sql("alter table bg.people add constraint no_finance check (department is null)")
    vendor.says = lambda question: Answer(
        people=same(question, department="Finance").people, cost=Decimal("0.28")
    )
    first = ask(world, "acme")["acme"]
    assert "no_finance" in first["because"]
    world.sql("alter table bg.people drop constraint no_finance")
    second = ask(world, "acme")["acme"]
    assert (first["cost"], second["cost"]) == (0.28, 0)
    assert len(vendor.asked) == 1
    assert second["values"] == {"people": {"acme-cfo": ["department"]}}


def test_a_paid_provider_without_a_cap_is_not_asked(world: World, vendor: Played) -> None:
    built(world, "acme")
    vendor.cost = Decimal("0.28")
    shown = ask(world, "acme")["acme"]
    assert shown["not_checked"] == 1
    assert "BG_ENRICH_CAP_DAILY" in shown["because"]
    assert vendor.asked == []


def test_no_name_and_no_address_reaches_dagster(world: World, vendor: Played) -> None:
    built(world, "acme")
    vendor.says = lambda question: same(question, email="z@example.com")
    result = execute(world, "acme")
    run = world.instance.get_run_by_id(result.run_id)
    told = " ".join(map(str, [run, *world.instance.all_logs(result.run_id)]))
    assert "acme-cfo" in told
    assert "Zebulon" not in told
    assert "@example.com" not in told
