"""How a run ended: by its work's own fault, or because the infrastructure was away.

Only the first uses up an attempt of its companies. What is known is Dagster's events, the note of a
process that could not tell Dagster anything, and whether what it stood on was started anew. A
process that was killed with nothing of this may have been killed by its work, which counts: else a
company that exhausts the memory would be tried for ever.
"""

import socket
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
import psycopg2.errorcodes
import psycopg2.errors
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.instance import launcher, notes, stopping
from bg_assets.instance.private import events as dagster_events
from bg_assets.instance.private import names
from bg_assets.instance.worker import Worker
from bg_assets.storage import database, errors

_EVENTS = {
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.RUN_FAILURE,
}
_INTERRUPTED = "DagsterExecutionInterruptedError"
# What a run stands on: no company is to blame for it.
_GROUND = {
    "DatabaseUnreachable", "SchemaMismatch", "BadSetting", "BadTemplate", "BadLexicon",
    "EmbeddedUnavailable", "StorageAway", "EmbeddedStorageAway",
    # An attached table is not as it was: its owner has changed it.
    "UndefinedColumn", "UndefinedTable", "InsufficientPrivilege",
    # Who stops everything interrupts what does not end by itself; who cancels a run says so.
    _INTERRUPTED,
}  # fmt: skip
# Without a more special kind psycopg2 says these where no server answers.
_NO_ANSWER = {"OperationalError", "InterfaceError"}
_REFUSALS = {
    psycopg2.errors.lookup(code).__name__
    for code in vars(psycopg2.errorcodes).values()
    if isinstance(code, str) and len(code) == 5 and errors.is_outage(code)
}


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known of a run that failed.

    ``errors`` are the kinds of error of the step that failed, outermost first. ``note`` is what its
    process left behind, ``restarted`` what was started anew since the run began.
    """

    began_a_step: bool
    errors: tuple[str, ...] = ()
    note: str | None = None
    restarted: str | None = None


def outage(ending: Ending, *, for_its_time: bool = False) -> str | None:
    """Why the work of the run is not to blame, in words; None where it may be.

    for_its_time: Dagster interrupted it since it took too long, which is the work's own fault.
    """
    if for_its_time and _INTERRUPTED in ending.errors:
        return None
    if not ending.began_a_step:
        return "before it began to work"
    if ending.errors:
        return _away(ending.errors)
    if ending.note is not None:
        return f"and Dagster could not be told how ({ending.note})"
    if ending.restarted is not None:
        return f"as {ending.restarted} was started anew"
    return None


def read(instance: dg.DagsterInstance, engine: sa.Engine, record: dg.RunRecord) -> Ending:
    """Look up how a run ended: a query of its events, and a few looks where these tell nothing."""
    run_id = record.dagster_run.run_id
    began = False
    kinds: tuple[str, ...] = ()
    for entry in instance.all_logs(run_id, of_type=_EVENTS):
        event = entry.dagster_event
        if event is None:
            continue
        if dagster_events.was_late_to_start(event):
            # Its process may have come to its work just before it was ended.
            return Ending(False)
        if event.event_type is dg.DagsterEventType.STEP_START:
            began = True
        elif event.event_type is dg.DagsterEventType.STEP_FAILURE:
            kinds = tuple(dagster_events.error_kinds(event))
    if not began or kinds:
        return Ending(began, kinds)
    note = notes.read(launcher.outputs(), run_id)
    return Ending(began, (), note, _restarted(engine, record) if note is None else None)


def _away(kinds: tuple[str, ...]) -> str | None:
    known = [kind for kind in kinds if kind in _GROUND or kind in _REFUSALS]
    if not known and kinds[-1] in _NO_ANSWER:
        known = [kinds[-1]]
    return f"by {known[-1]}" if known else None


def _restarted(engine: sa.Engine, record: dg.RunRecord) -> str | None:
    worker = Worker.from_tag(record.dagster_run.tags.get(names.WORKER_TAG))
    if worker is not None and worker.system_restarted():
        return "the machine"
    if record.start_time is None:
        return None
    here = worker is not None and worker.host == socket.gethostname()
    if here and stopping.interrupted_since(settings.read().home, record.start_time):
        return "everything"
    with database.connect(engine) as conn:
        started = conn.execute(sa.text("select pg_postmaster_start_time()")).scalar_one()
    assert isinstance(started, datetime)
    began = datetime.fromtimestamp(record.start_time, UTC)
    return "PostgreSQL" if started > began else None
