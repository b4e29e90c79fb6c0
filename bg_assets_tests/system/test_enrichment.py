"""With a provider, in the running system: what a group lacks is asked, written and in the group."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from bg_assets_tests.enrichment import TEMPLATE
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.system, pytest.mark.slow]

COMPANIES = [f"firm-{number}" for number in range(1, 9)]
# The sensor looks every half minute, and the first time it may find nothing yet.
SECONDS = 120
ENRICHED = dg.AssetKey("enriched_people")


@pytest.fixture
def asking(template_home: Path, tmp_path: Path) -> Iterator[Stack]:
    """The running system with a product that asks a file of observations."""
    (tmp_path / "asking.yaml").write_text(TEMPLATE.format(level="enrich"), encoding="utf-8")
    rows = [
        f"{company}-cfo,{company},Ada Byron,ada@{company}.example,2026-11-20\n"
        for company in COMPANIES
    ]
    observations = tmp_path / "observations.csv"
    observations.write_text(
        "person_id,company_id,name,email,observed_at\n" + "".join(rows), encoding="utf-8"
    )
    environment = {
        "BG_TEMPLATES": str(tmp_path), "BG_PRODUCTS": "asking", "BG_SETTLE": "0",
        "BG_PROVIDERS": "csv", "BG_ENRICH_CSV": str(observations), "BG_REFRESH_INTERVAL": "0",
    }  # fmt: skip
    with stacks.stack_in(template_home, environment) as made:
        made.start("postgres", "code", "daemon")
        yield made


def test_what_a_group_lacks_is_asked_written_and_refreshed_once(asking: Stack) -> None:
    for company in COMPANIES:
        asking.execute(
            "insert into bg.companies (id, name, employee_min, employee_max) "
            "values (:id, :id, 200, 200)",
            id=company,
        )
        asking.execute(
            "insert into bg.people (id, company_id, name, title) "
            "values (:id, :company, 'Ada Byron', 'Chief Financial Officer')",
            id=f"{company}-cfo", company=company,
        )  # fmt: skip
    eventually(
        lambda: asking.value("select count(*) from bg.people where email is not null") == 8,
        SECONDS,
        "all addresses are written",
    )
    eventually(
        lambda: asking.value(
            "select count(*) from bg.changes where source = 'provider:csv' "
            "and handled_at is not null"
        ) == 8,
        SECONDS,
        "what the provider told is in the groups",
    )  # fmt: skip
    assert asking.value("select count(*) from bg.enrichments where outcome = 'found'") == 8
    eventually(
        lambda: asking.instance.get_materialized_partitions(ENRICHED) == set(COMPANIES),
        SECONDS,
        "Dagster shows each company",
    )
    assert asking.value("select count(*) from bg.enrichment_due where due_at is not null") == 0
    runs = asking.instance.get_runs(dg.RunsFilter(job_name="enrich_people"))
    assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
