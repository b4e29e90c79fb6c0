"""The spans of a run: its steps, and the commits of groups."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec

import dagster as dg
import sqlalchemy as sa

from bg_assets.logs import log
from bg_assets.storage import traces
from bg_assets.storage.refreshes import Held
from bg_assets.storage.traces import Taken
from bg_assets.tracing import spans
from bg_assets.tracing.context import MOST_LINKS, TAG, parse

_P = ParamSpec("_P")
_Body = Callable[Concatenate[dg.AssetExecutionContext, _P], None]


def step(body: _Body[_P]) -> _Body[_P]:
    """The body of an asset within a span of its name, in the trace that its run is of.

    What it logs has the ids of the run. A run that nobody's tick asked for begins one.
    """

    @wraps(body)
    def traced(context: dg.AssetExecutionContext, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        run = context.run
        log.bind(run=run.run_id, step=body.__name__, **log.ids_of(run.tags))
        if not spans.on():
            return body(context, *args, **kwargs)
        # The run has a span of its own where the fork launcher has started it.
        parent = None if spans.here() else run.tags.get(TAG)
        with spans.span(body.__name__, parent=parent, seed=run.run_id, run_id=run.run_id):
            return body(context, *args, **kwargs)

    return traced


class Commit:
    """The writing of some groups in one transaction."""

    def __init__(self, span: spans.Span, held: Sequence[Held]) -> None:
        self._span = span
        self._held = held
        self._taken: list[Taken] = []

    def look(self, conn: sa.Connection) -> None:
        """Read from where these refreshes come, before they are handled."""
        if self._span.traceparent is not None:
            self._taken = traces.taken(conn, [one.refresh_id for one in self._held])

    def done(self, written: Collection[str]) -> None:
        """It is committed: the refreshes with these ids were written.

        Each other trace from which they come, 32 at most, is told of it by a span that lasts from
        the change to here.
        """
        self._span.tell(written=len(written))
        here = parse(self._span.traceparent)
        told = 0
        for one in self._taken:
            place = parse(one.trace)
            own = place is None or here is None or place.trace_id == here.trace_id
            if own or one.refresh_id not in written or told == MOST_LINKS:
                continue
            told += 1
            spans.begin(
                "group refreshed", parent=one.trace, links=[self._span.traceparent],
                start=one.occurred_at, refresh_id=one.refresh_id, company_id=one.company_id,
            ).end()  # fmt: skip


@contextmanager
def committing(run_id: str, held: Sequence[Held]) -> Iterator[Commit]:
    """Around a transaction that writes the groups of these refreshes."""
    only = held[0] if len(held) == 1 else None
    with spans.span(
        "commit groups",
        run_id=run_id,
        companies=len(held),
        refresh_id=only.refresh_id if only else None,
        company_id=only.company_id if only else None,
    ) as span:
        yield Commit(span, held)
