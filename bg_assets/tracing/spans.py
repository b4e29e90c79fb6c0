"""What was done, for how long and because of what, told to a collector as spans.

Off, which is the default, nothing is loaded and every call is a no-op. A place in a trace is given
and taken as text (tracing/context.py). Spans carry ids of refreshes, companies and runs, counts and
who wrote: never names, e-mails, titles, payloads, parameters of SQL, or the messages of errors.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import ModuleType
from typing import Any, Literal, Self, TypedDict, Unpack

from bg_assets.logs import log
from bg_assets.tracing import configured

LOG = log.logger(__name__)
Kind = Literal["internal", "server", "client", "producer", "consumer"]


class Attributes(TypedDict, total=False):
    """All that a span may tell; each becomes ``bg.<name>``. None is left out."""

    refresh_id: str | None
    batch_id: str | None
    run_id: str | None
    company_id: str | None
    attempt: int
    companies: int
    changes: int
    events: int
    written: int
    kinds: list[str]
    writers: list[str]
    source: str
    event_type: str | None
    duplicate: bool
    status: str


class Span:
    """A span under way; where traces are off, or not of this one, it does nothing.

    ``traceparent`` is its place, for whoever goes on with what it did; None where traces are off.
    """

    __slots__ = ("_inner", "traceparent")

    def __init__(self, inner: Any = None, traceparent: str | None = None) -> None:
        self._inner = inner
        self.traceparent = traceparent

    def tell(self, **attributes: Unpack[Attributes]) -> None:
        """Add attributes."""
        if self._inner is not None:
            self._inner.set_attributes(_named(attributes))

    def fail(self, kind: str) -> None:
        """Mark it as failed, by the kind of the error: its message may quote what is stored."""
        if self._inner is not None:
            _exporting().fail(self._inner, kind)

    def end(self) -> None:
        """It is over. Only for what ``begin`` gave."""
        if self._inner is not None:
            self._inner.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: object
    ) -> None:
        if kind is not None:
            self.fail(kind.__name__)
        self.end()


_NONE = Span()
# Unknown until somebody asks: the variables of a process do not change.
_on: bool | None = None


def on() -> bool:
    """Whether spans are sent. Where they were asked for and can't be, says so in the log, once."""
    global _on
    if _on is None:
        found = configured.configured()
        _on = found.on
        if found.problem:
            LOG.warning("traces_off", reason=found.problem)
    return _on


def begin(
    name: str,
    *,
    parent: str | None = None,
    seed: str | None = None,
    links: Iterable[str | None] = (),
    start: datetime | None = None,
    kind: Kind = "internal",
    **attributes: Unpack[Attributes],
) -> Span:
    """Begin a span, which the caller has to ``end``, or to hold with ``with``.

    It goes on from ``parent``, a traceparent; without a valid one from the span that is current
    here, else it begins a trace: of an id that follows from ``seed``, or of any. ``links`` are
    other places that it goes back to, of which 32 are kept. ``start`` may lie in the past.
    """
    if not on():
        return _NONE
    made = _exporting().begin(name, parent, seed, links, start, kind, _named(attributes))
    return Span(*made)


@contextmanager
def span(
    name: str,
    *,
    parent: str | None = None,
    seed: str | None = None,
    links: Iterable[str | None] = (),
    start: datetime | None = None,
    kind: Kind = "internal",
    **attributes: Unpack[Attributes],
) -> Iterator[Span]:
    """The same around a block, within which it is the current one."""
    if not on():
        yield _NONE
        return
    made = begin(name, parent=parent, seed=seed, links=links, start=start, kind=kind, **attributes)
    with made, _exporting().current(made._inner):
        yield made


def here() -> str | None:
    """The traceparent of the span that is current here, to be stored with what comes of it.

    None where traces are off, or nothing is current.
    """
    return _exporting().here() if on() else None


def prepare() -> None:
    """Load the libraries where spans are sent, before there is haste, or a fork.

    Starts no thread and opens nothing, so that a process may fork afterwards.
    """
    if on():
        _exporting()


def close() -> None:
    """Send what is left, for a second at most; what can't be sent by then is lost."""
    if _on:
        _exporting().close()


def _exporting() -> ModuleType:
    # Within the functions: the libraries are an extra, and cost a third of a second.
    from bg_assets.tracing import exporting

    return exporting


def _named(attributes: Attributes) -> dict[str, Any]:
    return {f"bg.{name}": value for name, value in attributes.items() if value is not None}
