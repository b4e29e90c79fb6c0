"""What an analyst and an engineer see and do in the UI, with everything behind it running."""

import pytest
import sqlalchemy as sa

from bg_assets.instance import state
from bg_assets.storage import database
from bg_assets_tests.browser.chromium import Page
from bg_assets_tests.browser.conftest import ADDRESS, CHOSEN, COMPANIES, NAME, POISONED
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PARTITION = "/assets/buyer_groups?view=partitions&partition="
REFUSED = "the database refused it: raise_exception P0001 at bg_assets.storage.groups"
GIVEN_UP = "select run_id from bg.buyer_group_refresh_log where status = 'dead'"
BY_HAND = """
    select status from bg.buyer_group_refresh_log
    where company_id = :company and triggered_by = 'dagster' and reason = 'by hand'
"""
METADATA = (
    "because",
    "company",
    "members",
    "news",
    "group",
    "completeness",
    "confidence",
    "cohesion_reason",
    "gaps",
    "diff",
    "lag_seconds",
    "as_of",
    "refresh_id",
    "template_hash",
    "run_before",
    "lineage",
)


def test_three_companies_are_chosen_and_launched_as_a_backfill(page: Page, backfill: str) -> None:
    page.open(backfill)
    page.wait_for("Status", "Partitions targeted", *CHOSEN)


def test_lineage_leads_from_the_tables_of_people_and_companies_to_buyer_groups(page: Page) -> None:
    # What a click on each of the two groups leads to.
    page.open(
        "/asset-groups?expanded=global@global:people_and_companies,global@global:buyer_groups"
    )
    page.wait_for("people", "companies", "company_people", "enriched_people", "buyer_groups")
    page.picture("lineage")
    page.open("/locations/bg_assets/asset-groups/buyer_groups/lineage")
    page.wait_for("enriched_people", "buyer_groups", "100% filled", f"{len(COMPANIES)} partitions")
    page.wait_for("template_experiments")
    page.picture("group")


def test_the_list_of_assets_has_all_of_them(page: Page) -> None:
    page.open("/assets")
    page.wait_for(
        "people", "companies", "company_people", "enriched_people", "buyer_groups",
        "template_experiments", "buyer_group_kpis",
    )  # fmt: skip
    page.picture("assets")
    page.open("/assets/template_experiments")
    page.wait_for("How the groups by two versions of a template differ", "sales-operations")
    page.picture("experiments")


def test_an_asset_tells_what_it_is_who_owns_it_and_what_its_columns_are(page: Page) -> None:
    page.open("/assets/buyer_groups")
    page.wait_for("The people who will decide", "sales-operations", "bg.buyer_group_members")
    text = page.wait_for("Exactly one a person", "refresh_buyer_groups", "Row count", "Postgres")
    upstream = text.partition("Upstream assets")[2].partition("Downstream assets")[0]
    assert "company_people" in upstream
    assert "companies" in upstream
    page.picture("buyer_groups")
    page.open("/assets/people")
    text = page.wait_for("External Asset", "The present employer", "bg.people", "company_people")
    assert "Never materialized" not in text
    assert "Latest materialization" in text
    page.picture("people")


def test_a_companys_partition_shows_its_group_and_why_and_no_names(page: Page) -> None:
    page.open(PARTITION + "acme-02")
    text = page.wait_for("Materialized", *METADATA)
    assert "direct write: a promotion, acme-02-1 (CFO)" in text
    assert "Company acme-02" in text
    assert "acme-02-1 (CFO): potential champion -> decision maker" in text
    page.picture("partition")
    page.click("[Show Markdown]")
    # A bar and an asterisk in a title stay text.
    page.wait_for("decision maker", "acme-02-1", "IT Director | *interim*", "blocker")
    page.picture("group")
    assert_no_personal_data(page)


def test_sensors_run_and_say_what_they_are_for(page: Page) -> None:
    page.open("/automation")
    page.wait_for(*state.SENSORS)
    page.picture("automation")
    page.open("/locations/bg_assets/sensors/due_companies_1")
    page.wait_for("which of them asked for a run tells nothing", "Running")
    page.wait_for("runs requested")
    page.picture("sensor")


def test_runs_carry_their_true_reasons(page: Page) -> None:
    page.open("/runs")
    text = page.wait_for("bg/companies: 8", "bg/for: 8 companies: direct write", "bg/attempt: 2")
    assert "bg/reasons: direct write: new titles (8 companies)" in text
    assert (
        "bg/reasons: direct write: people joined (8 companies); "
        "direct write: the company's profile (8 companies)"
    ) in text
    assert "partition: acme-01" not in text
    page.picture("runs")
    assert_no_personal_data(page)


def test_a_company_that_fails_in_its_batch_fails_alone_says_why_and_is_healed_by_hand(
    page: Page, stack: Stack
) -> None:
    run_id = eventually(lambda: stack.value(GIVEN_UP), 60, "the last attempt has failed")
    page.open(PARTITION + POISONED)
    page.wait_for("Failed (1)", f"Materialized ({len(COMPANIES) - 1})", f"{run_id[:8]} failed")
    # The last good group is still what is shown.
    page.wait_for("direct write: 7 people joined and the company's profile")
    page.picture("partition")

    page.open(f"/runs/{batch_of(stack, run_id)}")
    page.wait_for("Success", "RUN_SUCCESS")
    page.type("Filter…", "tried again")
    page.wait_for(f"{POISONED} failed and is tried again, by itself in the end: {REFUSED}")
    page.picture("batch")

    page.open(f"/runs/{run_id}")
    page.wait_for("Failure", f"partition: {POISONED}")
    page.wait_for(f"{POISONED} could not be refreshed: {REFUSED}")
    page.picture("run")
    assert_no_personal_data(page)

    stack.execute("drop trigger refuse on bg.buyer_groups")
    page.click("Re-execute all (*)", kind="button")
    page.wait_for("Success", f"partition: {POISONED}", "RUN_SUCCESS")
    page.picture("again")
    page.open(PARTITION + POISONED)
    page.wait_for("Failed (0)", f"Materialized ({len(COMPANIES)})", "promotion")
    page.picture("healed")


def test_the_backfill_ends_as_a_success(page: Page, stack: Stack, backfill: str) -> None:
    page.open(backfill)
    # Dagster looks at its backfills every 30 s: once to start the runs, once to see them done.
    page.wait_for("Succeeded", "100% completed", *CHOSEN, seconds=90)
    page.picture("backfill")
    page.open(PARTITION + CHOSEN[1])
    page.wait_for("Materialized", "asked for by hand")
    page.picture("partition")
    for company in CHOSEN:
        assert stack.value(BY_HAND, company=company) == "completed"


def test_no_name_and_no_address_is_left_anywhere_in_dagster(stack: Stack) -> None:
    engine = database.make_engine(stack.server.url("dagster"))
    with engine.begin() as conn:
        tables = sa.inspect(conn).get_table_names()
        assert "event_logs" in tables
        for table in tables:
            rows = sa.text(f'select count(*) from "{table}" as t where t::text like any(:words)')
            assert conn.execute(rows, {"words": [f"%{NAME}%", f"%{ADDRESS}%"]}).scalar() == 0, table
    engine.dispose()
    for folder in ("logs", "dagster"):
        for file in (stack.home / folder).rglob("*"):
            if file.is_file():
                text = file.read_text(errors="replace")
                assert NAME not in text, file
                assert ADDRESS not in text, file


def batch_of(stack: Stack, run_id: str) -> str:
    """The batch that the run's company was in before it was tried by itself."""
    batches = [
        run.run_id for run in stack.instance.get_runs() if run.tags.get("bg/companies") == "8"
    ]
    assert run_id not in batches
    return batches[0]


def assert_no_personal_data(page: Page) -> None:
    """Neither in what is shown nor in what only the document holds."""
    everything = page.text() + page.source()
    assert NAME not in everything
    assert ADDRESS not in everything
