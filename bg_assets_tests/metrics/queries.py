"""The queries of the dashboard and the rules, as files of deploy/ hold them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from bg_assets import settings

DEPLOY = settings.PROJECT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"
RULES = DEPLOY / "prometheus" / "rules.yaml"
_METRIC = re.compile(r"\bbg_[a-z0-9_]+")


def panels() -> Iterator[tuple[str, str]]:
    """The queries of the dashboard by the title of their panel; a rate is of a minute."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m")


def rules() -> list[dict[str, Any]]:
    """All rules, recording and alerting."""
    document = yaml.safe_load(RULES.read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def named(query: str) -> set[str]:
    """The metrics of ours that a query names; what rules record has a colon in its name."""
    return {
        name
        for name in _METRIC.findall(re.sub(r"\bbg:[\w:]+", "", query))
        if name not in {"bg_assets"}
    }


def recorded(query: str) -> list[str]:
    """What rules record that a query names."""
    return re.findall(r"\bbg:[\w:]+", query)
