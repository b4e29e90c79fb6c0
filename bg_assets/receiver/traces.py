"""The trace of an event that comes in: it goes on from its sender's, if the request names one."""

from datetime import datetime

from starlette.types import Scope

from bg_assets.receiver.writer import Arrival
from bg_assets.tracing import spans

_HEADER = b"traceparent"


def coming_in(arrival: Arrival, parent: str | None, began: datetime) -> spans.Span:
    """The span of a verified request, to be held around the storing of its event.

    Only of verified ones: no signature covers the header, and what anybody sends must cost nothing.
    """
    return spans.begin(
        "receive webhook",
        parent=parent,
        start=began,
        kind="server",
        source=arrival.source,
        event_type=None if arrival.ignored else arrival.type,
    )


def parent_of(scope: Scope) -> str | None:
    """What a request says of where it comes from; None where it says nothing, or several things.

    Whether it is a traceparent at all is for the span to find out: if not, that begins a trace.
    """
    if not spans.on():
        return None
    found = [value for name, value in scope["headers"] if name == _HEADER]
    return found[0].decode("latin-1") if len(found) == 1 else None
