"""A steady stream of changes to some companies, and what must hold after things were killed."""

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually

PAUSE = 0.06
_TITLES = (*world.TITLES, "Treasurer", "Head of IT", "Account Manager", "Legal Counsel", None)
_ANYBODY = "id = (select id from bg.people where company_id = :company order by random() limit 1)"
_MOVES = (
    f"update bg.people set title = :title, status = 'active' where {_ANYBODY}",
    f"update bg.people set title = :title, status = 'active' where {_ANYBODY}",
    f"update bg.people set status = 'left' where {_ANYBODY}",
    f"update bg.people set company_id = :other where {_ANYBODY}",
    "insert into bg.people (id, company_id, title) "
    "values (gen_random_uuid()::text, :company, :title)",
    "update bg.people set title = :title where company_id = :company",
)
# Who begins to refresh which company, and when: noted by the database itself, by its order and by
# a clock that nobody sets. ``{clock}`` is that clock, in SQL.
_WITNESS = """
    create schema if not exists witness;
    create table if not exists witness.refreshes (
        seq bigint generated always as identity, refresh_id uuid, company_id text, run_id text,
        status text, at timestamptz);
    create or replace function witness.note() returns trigger language plpgsql as $$
    begin
        insert into witness.refreshes (refresh_id, company_id, run_id, status, at)
        values (new.id, new.company_id, new.run_id, new.status, {clock});
        return null;
    end $$;
    create or replace trigger note after insert or update on bg.buyer_group_refresh_log
        for each row execute function witness.note()
"""
# What a run's steps tell Dagster, and when.
_WITNESS_OF_STEPS = """
    create schema if not exists witness;
    create table if not exists witness.steps (run_id text, at timestamptz);
    create or replace function witness.note() returns trigger language plpgsql as $$
    begin
        insert into witness.steps (run_id, at) values (new.run_id, {clock});
        return null;
    end $$;
    create or replace trigger note after insert on event_logs for each row
        when (new.step_key is not null and new.dagster_event_type <> 'ENGINE_EVENT')
        execute function witness.note()
"""
_TAKEN = """
    select company_id, run_id, min(at) as at, max(at) as last, min(seq) as seq
    from witness.refreshes where company_id = any(:ids) and status = 'running'
    group by company_id, run_id order by company_id, seq
"""
_STEPS = "select run_id, max(at) as at from witness.steps group by run_id"
_LOST = "select count(*) from bg.changes where company_id = any(:ids) and handled_at is null"
_OVERLAPPING = """
    select company_id from (
        select company_id, refresh_id, status, lag(refresh_id) over noted as refresh_before,
            lag(status) over noted as status_before
        from witness.refreshes where company_id = any(:ids)
        window noted as (partition by company_id order by seq)) as notes
    where status = 'running' and status_before = 'running' and refresh_id <> refresh_before
"""
_UNTIL_HANDLED = """
    select max(handled_at) from bg.changes
    where company_id = any(:ids) and occurred_at < :at and handled_at > :at
"""
_AFTER = """
    select min(finished_at) from bg.buyer_group_refresh_log
    where company_id = any(:ids) and requested_at > :at and status = 'completed'
"""


@dataclass
class Stream:
    """Writes of all kinds from a thread of its own; ``written`` counts those that committed."""

    stack: Stack
    companies: Sequence[str]
    seed: int
    written: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def write(self) -> None:
        """Write until the stream ends; while the database is away, try again."""
        choose = random.Random(self.seed)
        while not self._over.wait(PAUSE):
            values = {
                "company": choose.choice(self.companies),
                "other": choose.choice(self.companies),
                "title": choose.choice(_TITLES),
            }
            # A server that takes no writes for a while is an internal error to the driver.
            with contextlib.suppress(sa.exc.OperationalError, sa.exc.InternalError):
                self.stack.execute(choose.choice(_MOVES), **values)
                self.written += 1

    def end(self) -> None:
        """Write no more."""
        self._over.set()

    def recovered(self, at: datetime, seconds: float) -> None:
        """Wait until a refresh that was requested after the moment is completed."""
        parameters = {"ids": list(self.companies), "at": at}

        def refreshed() -> Any:
            with contextlib.suppress(sa.exc.OperationalError, sa.exc.InternalError):
                return self.stack.value(_AFTER, **parameters)
            return None

        eventually(refreshed, seconds, "changes lead to groups again")

    def figures(self, at: datetime) -> str:
        """How long it took, from the moment on, until all was as before."""
        parameters = {"ids": list(self.companies), "at": at}
        first = self.stack.value(_AFTER, **parameters)
        last = self.stack.value(_UNTIL_HANDLED, **parameters) or at
        return (
            f"the next refresh stands after {(first - at).total_seconds():.1f} s, the last change "
            f"from before after {(last - at).total_seconds():.1f} s ({self.written} writes)"
        )


@contextlib.contextmanager
def streaming(stack: Stack, companies: Sequence[str], seed: int) -> Iterator[Stream]:
    """A stream while the block runs."""
    stream = Stream(stack, companies, seed)
    writer = threading.Thread(target=stream.write)
    writer.start()
    try:
        yield stream
    finally:
        stream.end()
        writer.join()


def now() -> datetime:
    """This moment, by the clock that the database reads too."""
    return datetime.now(UTC)


def watch(stack: Stack, clock: str = "clock_timestamp()") -> None:
    """Let the databases note who refreshes what from now on, and when by ``clock``, in SQL."""
    stack.execute(_WITNESS.format(clock=clock))
    with _dagster(stack) as conn:
        conn.execute(sa.text(_WITNESS_OF_STEPS.format(clock=clock)))


@contextlib.contextmanager
def _dagster(stack: Stack) -> Iterator[sa.Connection]:
    engine = database.make_engine(stack.server.url("dagster"), pool_size=1)
    try:
        with engine.begin() as conn:
            yield conn
    finally:
        engine.dispose()


def assert_nothing_lost_and_nothing_twice(
    stack: Stack, companies: Sequence[str], seconds: float = 60
) -> None:
    """Every change is handled, every group is right, no refresh is stuck or overlapped another."""
    world.settle(stack, companies, seconds)
    ids = list(companies)
    assert stack.value(_LOST, ids=ids) == 0
    ends = stack.rows(
        "select distinct status from bg.buyer_group_refresh_log where company_id = any(:ids)",
        ids=ids,
    )
    assert [row.status for row in ends] == ["completed"]
    assert overlapping(stack, ids) == []
    assert_no_run_went_on(stack, ids)
    world.assert_groups_as_recomputed(stack, companies)
    world.assert_history_leads_to_members(stack, companies)


def assert_no_run_went_on(stack: Stack, ids: list[str]) -> None:
    """No run was still at work on a company, by what Dagster was told, when the next took it."""
    assert runs_that_went_on(stack, ids) == []


def runs_that_went_on(stack: Stack, ids: list[str]) -> list[tuple[Any, Any]]:
    """Pairs of runs of one company of which the first was still at work when the second took it."""
    found = []
    rows = stack.rows(_TAKEN, ids=ids)
    taken = Counter(row.run_id for row in rows)
    with _dagster(stack) as conn:
        # A batch goes on with others when it has let go of a company.
        ended = {
            row.run_id: row.at for row in conn.execute(sa.text(_STEPS)) if taken[row.run_id] == 1
        }
    for one, other in pairwise(rows):
        if one.company_id == other.company_id:
            last = max(one.last, ended.get(one.run_id, one.last))
            # Events of the last step follow its commit, after which the company is free.
            if last - other.at >= timedelta(seconds=0.5):
                found.append((one, other))
    return found


def overlapping(stack: Stack, ids: list[str]) -> list[str]:
    """The companies of which a refresh began while another ran, in the order of their log."""
    return [row.company_id for row in stack.rows(_OVERLAPPING, ids=ids)]


def unhandled(stack: Stack, ids: list[str]) -> int:
    """How many changes of these companies no group reflects."""
    return int(stack.value(_LOST, ids=ids))
