"""The spans of a tick: events applied, and runs asked for, each in the trace of what led to it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa

from bg_assets.storage import traces
from bg_assets.storage.claims import Request
from bg_assets.storage.traces import Waiting
from bg_assets.storage.webhooks.applying import Applied
from bg_assets.tracing import spans
from bg_assets.tracing.context import places

Traced = Callable[[sa.Connection, list[Request]], list[Request]]


def applied(done: Applied, began: datetime) -> None:
    """Tell of events that were applied in one transaction, in the trace of the first of them."""
    if not done.traces or not spans.on():
        return
    first, *others = map(str, places(done.traces)) or [None]
    spans.begin(
        "apply events", parent=first, links=others, start=began, kind="consumer",
        events=done.looked_at, written=done.applied,
    ).end()  # fmt: skip


@contextmanager
def asking() -> Iterator[Traced]:
    """Around the transaction that claims; gives what puts each request into its trace.

    The spans are over when the block is, and so are told only of what was committed.
    """
    if not spans.on():
        yield lambda _, requests: requests
        return
    began = datetime.now(UTC)
    open_spans: list[spans.Span] = []

    def traced(conn: sa.Connection, requests: list[Request]) -> list[Request]:
        if not requests:
            return requests
        companies = [company for request in requests for company in request.companies]
        waiting = traces.waiting(conn, companies)
        placed = []
        for request in requests:
            own = [waiting[one] for one in request.companies if one in waiting]
            open_spans.append(_asked_for(request, own, began))
            placed.append(replace(request, trace=open_spans[-1].traceparent))
        traces.note(conn, {one.run_key: one.trace for one in placed if one.trace})
        return placed

    yield traced
    for span in open_spans:
        span.end()


def _asked_for(request: Request, waiting: Sequence[Waiting], began: datetime) -> spans.Span:
    """The span of asking for a run, behind one of the time that its changes have waited.

    What one trace led to goes on in it. So does one company, of several the first, for which the
    others are links; a batch of many causes has a trace of its own, and links.
    """
    ordered = sorted(waiting, key=lambda one: one.first_at)
    causes = [str(one) for one in places(trace for each in ordered for trace in each.traces)]
    single = request.batch_id is None
    goes_on = bool(causes) and (single or len(causes) == 1)
    parent, links = (causes[0], causes[1:]) if goes_on else (None, causes)
    seed = request.refresh_id or request.run_key
    of_company = request.companies[0] if single else None
    if ordered:
        wait = spans.begin(
            "wait", parent=parent, seed=seed, start=min(ordered[0].first_at, began),
            company_id=of_company, changes=sum(one.changes for one in ordered),
            kinds=_named(one.kinds for one in ordered),
            writers=_named(one.writers for one in ordered),
        )  # fmt: skip
        wait.end()
        parent = wait.traceparent
    return spans.begin(
        "ask for run", parent=parent, seed=seed, links=links, start=began, kind="producer",
        refresh_id=request.refresh_id, batch_id=request.batch_id, company_id=of_company,
        attempt=request.attempt, companies=len(request.companies),
    )  # fmt: skip


def _named(lists: Iterator[list[str]]) -> list[str]:
    """What is named in any of them, ten at most."""
    return sorted({name for names in lists for name in names})[:10]
