"""What an analyst sees of the KPIs in the UI."""

import pytest

from bg_assets.assets import kpi_report
from bg_assets.domain.kpis.catalogue import KPIS
from bg_assets_tests.browser.chromium import Page
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LAST_DAY = "*[normalize-space(.)='last_day']/following::*"


def test_the_kpis_are_measured_by_a_click_and_shown_as_table_pictures_and_checks(
    page: Page, stack: Stack
) -> None:
    page.open("/assets/buyer_group_kpis")
    page.wait_for("How the system and its groups do")
    page.click("Materialize", kind="button")
    made = stack.instance.get_latest_materialization_event
    eventually(lambda: made(kpi_report.ASSET), 60, "the KPIs were measured")

    page.open("/assets/buyer_group_kpis")
    page.wait_for("queue_depth", "members finance_system", "last_day")
    page.picture("kpis")
    page.click("[Show Markdown]")
    page.wait_for("what it means", *(kpi.meaning for kpi in KPIS.values()))
    page.picture("table")
    page.press_escape()
    page.click("[Show Markdown]", kind=LAST_DAY)
    eventually(lambda: page.source().count("data:image/png") == 3, 30, "there are three pictures")
    page.picture("pictures")

    page.open("/assets/buyer_group_kpis?view=checks")
    page.wait_for("members_in_band", "refresh_success", "Failed", "Succeeded")
    page.picture("checks")
    page.open("/assets/buyer_group_kpis?view=lineage")
    page.wait_for("buyer_groups", "buyer_group_kpis", "Materialized")
    page.picture("lineage")
