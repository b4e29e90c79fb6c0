"""The whole code location, listed by name."""

import dagster as dg

from bg_assets import jobs, resources, schedules, sensors
from bg_assets.assets import checks
from bg_assets.assets.buyer_group_kpis import buyer_group_kpis
from bg_assets.assets.buyer_groups import buyer_groups
from bg_assets.assets.company_people import company_people
from bg_assets.assets.enriched_people import enriched_people
from bg_assets.assets.external import EXTERNAL
from bg_assets.assets.template_experiments import template_experiments

defs = dg.Definitions(
    assets=[
        *EXTERNAL,
        company_people,
        enriched_people,
        buyer_groups,
        buyer_group_kpis,
        template_experiments,
    ],
    asset_checks=[checks.group_checks_by_hand],
    jobs=[
        jobs.refresh_buyer_groups,
        jobs.enrich_people,
        jobs.measure_kpis,
        jobs.compare_experiments,
    ],
    schedules=schedules.SCHEDULES,
    sensors=[*sensors.SENSORS, sensors.enrichment],
    resources=resources.defaults(),
    # Another process for each step costs more than the steps: see bench/latency.py.
    executor=dg.in_process_executor,
)
