"""A refresh in this process, as the job's two steps do it, without Dagster's machinery around."""

import uuid

from bg_assets import settings
from bg_assets.assets import runs, unseen
from bg_assets.domain.groups.outcome import outcome
from bg_assets.products import files
from bg_assets.storage import claims, groups, staff
from bg_assets_tests.cli.command import Command


def refresh(bg: Command, *companies: str) -> None:
    """Build the groups of these companies now, as a run by hand does."""
    _carry_out(bg, runs.Purpose(uuid.uuid4().hex, companies))


def refresh_what_is_due(bg: Command) -> int:
    """Do what a tick and its runs do; returns how many companies were due."""
    policy = claims.Policy(
        settle=0, refresh_interval=settings.read().refresh_interval, claim_limit=100
    )
    with bg.engine.begin() as conn:
        now = claims.database_now(conn)
        claims.claim(conn, policy, "test", now)
        requests = claims.ask(conn, policy, "test", now)
    for one in requests:
        single = None if one.refresh_id is None else (one.refresh_id, one.attempt)
        _carry_out(bg, runs.Purpose(uuid.uuid4().hex, one.companies, single, one.batch_id))
    return sum(len(one.companies) for one in requests)


def take(bg: Command, *companies: str) -> None:
    """Begin to refresh these companies, and get no further."""
    runs.take(bg.engine, runs.Purpose(uuid.uuid4().hex, companies))


def _carry_out(bg: Command, what: runs.Purpose) -> None:
    config = settings.read()
    taken = runs.take(bg.engine, what)
    assert not taken.failed
    templates = list(files.load_templates(config.templates, config.products).values())
    with bg.engine.begin() as conn:
        known = staff.read_companies(conn, what.companies)
        before = groups.read_groups(conn, what.companies)
        overrides = staff.read_overrides(conn, what.companies)
        people = staff.read_staff(conn, what.companies)
        outcomes = [
            (
                held,
                outcome(
                    known.get(held.company_id), people.get(held.company_id, []), templates,
                    held.as_of,
                    overrides.get(held.company_id, {}), before.get(held.company_id, {}),
                ),
            )
            for held in taken.held
        ]  # fmt: skip
        groups.complete(conn, what.run_id, outcomes, config.refresh_interval)
        unseen.note(conn, outcomes, people)
