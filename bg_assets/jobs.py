"""The jobs: a company's buyer group, from its people; asking providers about these; and the KPIs.

They are apart, so that no provider holds up a group.
"""

import dagster as dg

refresh_buyer_groups = dg.define_asset_job(
    "refresh_buyer_groups",
    # The checks are evaluated by buyer_groups itself: a step of their own would cost every run.
    selection=dg.AssetSelection.assets("company_people", "buyer_groups").without_checks(),
    description="Recompute the buyer groups of one company, or of a batch of companies.",
)

enrich_people = dg.define_asset_job(
    "enrich_people",
    selection=dg.AssetSelection.assets("enriched_people").without_checks(),
    description="Ask providers what is missing or in doubt of companies' people, and write it.",
)

measure_kpis = dg.define_asset_job(
    "measure_kpis",
    selection=dg.AssetSelection.assets("buyer_group_kpis"),
    description="Measure how the system and its groups do, against the targets.",
    # Behind every refresh, and ended by run monitoring where it hangs.
    tags={"dagster/priority": "-1000", "dagster/max_runtime": "300"},
)

compare_experiments = dg.define_asset_job(
    "compare_experiments",
    selection=dg.AssetSelection.assets("template_experiments").without_checks(),
    description="Compare the two versions of a template of each experiment that runs.",
)
