"""The one job: a company's buyer group, from its people."""

import dagster as dg

refresh_buyer_groups = dg.define_asset_job(
    "refresh_buyer_groups",
    # The checks are evaluated by buyer_groups itself: a step of their own would cost every run.
    selection=dg.AssetSelection.assets("company_people", "buyer_groups").without_checks(),
    description="Recompute the buyer groups of one company, or of a batch of companies.",
)
