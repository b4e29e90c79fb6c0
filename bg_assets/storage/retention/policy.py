"""How long what is kept, by the settings: the policy, in the order in which it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bg_assets.settings import Settings
from bg_assets.storage.retention import answers, events, groups, told
from bg_assets.storage.retention.step import Step

# Dagster's, which no statement of this room sees.
RUNS, RUNLESS = "runs", "runless"
# A refresh that still holds others up is told of until long after.
_BEYOND_INTERVAL = 86_400.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of rows: its name, what that is in words, the variable, and for how long.

    seconds: None where it is kept for ever. step: lets go of some of what came to its end before a
    moment; takes it and where the step before ended, None at the beginning of a round. count: how
    many would go, which may look at all of them. Both None for what is Dagster's.
    """

    name: str
    what: str
    variable: str
    seconds: float | None
    step: Callable[[sa.Connection, datetime, object], Step] | None = None
    count: Callable[[sa.Connection, datetime], int] | None = None

    def until(self, now: datetime) -> datetime | None:
        """What came to its end before this goes; None: nothing does."""
        return None if self.seconds is None else now - timedelta(seconds=self.seconds)


def policy(config: Settings) -> list[Kept]:
    """All that is let go of: what others refer to comes after them."""
    refreshes = config.retention_refreshes
    if refreshes is not None:
        refreshes = max(refreshes, config.refresh_interval + _BEYOND_INTERVAL)
    return [
        Kept(
            "changes", "handled changes", "BG_RETENTION_CHANGES", config.retention_changes,
            groups.remove_changes, groups.count_changes,
        ),
        Kept(
            "history", "who joined and left groups", "BG_RETENTION_HISTORY",
            config.retention_history, groups.remove_history, groups.count_history,
        ),
        Kept(
            "refreshes", "finished refreshes, with their attempts", "BG_RETENTION_REFRESHES",
            refreshes, groups.remove_refreshes, groups.count_refreshes,
        ),
        Kept(
            "events", "payloads of webhook events", "BG_RETENTION_EVENTS",
            config.retention_events, events.remove_payloads, events.count_payloads,
        ),
        Kept(
            "operations", "questions to providers, with their answers",
            "BG_RETENTION_OPERATIONS", config.retention_operations,
            answers.remove_questions, answers.count_questions,
        ),
        Kept(
            "outbox", "messages to subscribers", "BG_RETENTION_OUTBOX",
            config.retention_outbox, told.remove_messages, told.count_messages,
        ),
        Kept(
            "kpis", "values of KPIs", "BG_RETENTION_KPIS", config.retention_kpis,
            told.remove_kpis, told.count_kpis,
        ),
        Kept(
            RUNLESS, "what Dagster was told without a run, and again since", "BG_RETENTION_RUNS",
            config.retention_runs,
        ),
        Kept(
            RUNS, "Dagster's finished runs, with their events", "BG_RETENTION_RUNS",
            config.retention_runs,
        ),
    ]  # fmt: skip
