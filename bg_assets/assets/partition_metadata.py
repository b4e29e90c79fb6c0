"""What the partition of any asset shows of its company: its name, and where to look next."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from bg_assets.domain.causes import cleaned
from bg_assets.storage.reports.partition import Facts

_LONGEST_NAME = 200
_LINEAGE = "/assets/buyer_groups?view=lineage"


def named(names: Mapping[str, str], company: str) -> dict[str, str]:
    """What people call the company; nothing where nobody knows it."""
    name = cleaned(names.get(company), _LONGEST_NAME)
    return {"company": name} if name else {}


def links(facts: Mapping[str, Facts], company: str) -> dict[str, Any]:
    """The run that made the group before, where there is one, and the lineage."""
    before = facts[company].run_before if company in facts else None
    run = {"run_before": dg.MetadataValue.dagster_run(before)} if before else {}
    return {**run, "lineage": dg.MetadataValue.url(_LINEAGE)}
