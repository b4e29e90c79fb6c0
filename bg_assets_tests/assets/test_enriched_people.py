"""Asking providers about companies, through the job, in this process."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bg_assets import sensors
from bg_assets.assets import enriched_people
from bg_assets.definitions import defs
from bg_assets.domain.enrichment.asking import (
    Answer,
    FoundPerson,
    Kind,
)
from bg_assets.settings import read
from bg_assets.storage.enrichment import due
from bg_assets.ticks import asking
from bg_assets_tests import enrichment
from bg_assets_tests.assets.asking import ask, batch, built, email, execute, refreshed
from bg_assets_tests.enrichment import Played, same
from bg_assets_tests.private import InMemoryJob, execute_run
from bg_assets_tests.refreshing import World, metadata


def test_without_a_provider_it_passes_through_and_says_so(world: World) -> None:
    world.build("acme")
    assert ask(world, "acme") == {
        "acme": {"because": "no provider is configured (BG_PROVIDERS): nothing is asked"}
    }
    assert world.sql("select count(*) from bg.enrichment_due") == [(0,)]


def test_where_no_template_asks_it_passes_through_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_PROVIDERS", "bg_assets_tests.enrichment:made")
    vendor = enrichment.reset()
    world.build("acme")
    assert "no template in use says" in ask(world, "acme")["acme"]["because"]
    assert vendor.asked == []
    assert world.sql("select count(*) from bg.enrichment_due") == [(0,)]


def test_the_job_that_refreshes_asks_nobody(world: World, vendor: Played) -> None:
    built(world, "acme")
    assert vendor.asked == []
    assert world.members("acme")["acme-cfo"] == "decision_maker"


def test_what_a_refresh_leaves_to_ask_is_asked_written_and_refreshed(
    world: World, vendor: Played
) -> None:
    built(world, "acme", "bolt")
    vendor.cost = Decimal(0)
    vendor.says = lambda question: same(question, email="z@example.com")
    shown = metadata(world, batch(world), "enriched_people")
    assert sorted(question.person.id for question in vendor.asked if question.person) == [
        "acme-cfo", "bolt-cfo",
    ]  # fmt: skip
    assert shown["acme"]["found"] == shown["bolt"]["asked"] == 1
    assert shown["acme"]["because"] == "what was missing or in doubt was asked"
    assert email(world, "acme-cfo") == "z@example.com"
    kinds = world.sql("select kind, source from bg.changes where handled_at is null")
    assert ("contact_change", "provider:played") in kinds
    refreshed(world)
    assert world.pending() == 0


def test_an_address_that_two_are_said_to_have_is_given_to_one(world: World, vendor: Played) -> None:
    built(world, "acme", "bolt")
    vendor.says = lambda question: same(question, email="z@example.com")
    batch(world)
    assert {email(world, "acme-cfo"), email(world, "bolt-cfo")} == {"z@example.com", None}


def test_what_providers_told_leads_to_no_further_question(world: World, vendor: Played) -> None:
    built(world, "acme")
    vendor.says = lambda question: same(question, email="z@example.com")
    batch(world)
    refreshed(world)
    assert world.sql("select due_at from bg.enrichment_due") == [(None,)]
    assert "nothing is due" in asking.look(world.instance, world.engine, read()).said


def test_a_person_is_asked_about_once_while_the_answer_is_fresh(
    world: World, vendor: Played
) -> None:
    built(world, "acme")
    vendor.says = lambda question: same(question, department="Finance")
    ask(world, "acme")
    refreshed(world)
    shown = ask(world, "acme")["acme"]
    assert len(vendor.asked) == 1
    assert shown["because"] == "nothing was asked: played answered lately"


def test_nobody_found_is_an_answer(world: World, vendor: Played) -> None:
    built(world, "acme")
    shown = ask(world, "acme")["acme"]
    assert (shown["asked"], shown["not_found"], shown["written"]) == (1, 1, 0)
    assert ask(world, "acme")["acme"]["asked"] == 0
    assert world.pending() == 0


def test_the_next_provider_is_asked_where_the_first_knows_nobody(
    world: World, vendor: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(world, "acme")
    monkeypatch.setenv(
        "BG_PROVIDERS", "bg_assets_tests.enrichment:made, bg_assets_tests.enrichment:second"
    )
    enrichment.SECOND.says = lambda question: same(question, email="z@example.com")
    shown = ask(world, "acme")["acme"]
    assert [(one["provider"], one["outcome"]) for one in shown["questions"]] == [
        ("played", "not_found"), ("second", "found"),
    ]  # fmt: skip
    assert world.sql("select source from bg.changes where handled_at is null") == [
        ("provider:second",)
    ]


def test_a_batch_that_another_run_has_taken_asks_nobody(world: World, vendor: Played) -> None:
    built(world, "acme")
    (one,) = asking.look(world.instance, world.engine, read()).batches
    with world.engine.begin() as conn:
        due.begin(conn, one.batch_id, "another run")
    request = sensors._enrichment_run(one)
    result = execute(world, request.partition_key, dict(request.tags), request.run_config)
    assert vendor.asked == []
    assert metadata(world, result, "enriched_people") == {}


def test_a_batch_that_takes_long_leaves_the_rest_to_the_next(
    world: World, vendor: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(world, "acme", "bolt")
    monkeypatch.setattr(enriched_people, "LONGEST_SECONDS", 0)
    assert metadata(world, batch(world), "enriched_people") == {}
    assert vendor.asked == []
    (one,) = asking.look(world.instance, world.engine, read()).batches
    assert one.companies == ("acme", "bolt")


def test_a_batch_that_is_executed_again_asks_about_its_companies_by_hand(
    world: World, vendor: Played
) -> None:
    built(world, "acme", "bolt")
    first = batch(world)
    parent = world.instance.get_run_by_id(first.run_id)
    assert parent is not None
    job = defs.resolve_job_def("enrich_people")
    run = world.instance.create_run_for_job(
        job, tags=parent.tags, run_config=parent.run_config,
        parent_run_id=first.run_id, root_run_id=first.run_id,
    )  # fmt: skip
    assert execute_run(InMemoryJob(job), run, world.instance).success
    assert sorted(metadata(world, run.run_id, "enriched_people")) == ["acme", "bolt"]


def test_a_company_that_was_deleted_meanwhile_is_let_go(world: World, vendor: Played) -> None:
    built(world, "acme", "bolt")
    (one,) = asking.look(world.instance, world.engine, read()).batches
    world.sql("update bg.companies set deleted_at = now() where id = 'acme'")
    request = sensors._enrichment_run(one)
    result = execute(world, request.partition_key, dict(request.tags), request.run_config)
    shown = metadata(world, result, "enriched_people")
    assert shown["acme"]["because"] == "the company is not tracked any more"
    assert world.sql("select count(*) from bg.enrichment_due where due_at is not null") == [(0,)]


@pytest.mark.parametrize("level", ["deep_research"])
def test_deep_research_brings_people_for_empty_places(world: World, vendor: Played) -> None:
    built(world, "acme")
    world.sql("update bg.people set status = 'left' where title ~ 'Information'")
    refreshed(world)
    vendor.kinds = frozenset({Kind.DISCOVERY})
    vendor.says = lambda question: Answer(
        people=(
            FoundPerson(
                key="k1", name="Quinn Ember", title="Head of IT", employed_there=True,
                company_name=question.company.name, observed_at=datetime.now(UTC),
            ),
        )
    )  # fmt: skip
    shown = ask(world, "acme")["acme"]
    assert len(shown["values"]["new"]) == 1
    refreshed(world)
    (new,) = shown["values"]["new"]
    assert world.members("acme")[new] == "champion"
