"""How our code logs: ``LOG = logger(__name__)``, then ``LOG.info("event_name", company=…)``.

An event is a name of ``catalogue.py``; what varies is in its values, of which those that are None
are left out, and ids that all lines of some
work share are bound around it. Where nothing was set up (``setup.begin``) warnings come out on
standard error, as plain text. Code that logs with the standard library's ``logging`` is heard too.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bg_assets.logs import redaction
from bg_assets.logs.lean import EventDict, WrappedLogger, structlog
from bg_assets.logs.sampling import SAMPLER

# Where a record of the standard library keeps the event that it was made of.
ATTRIBUTE = "bg_event"

Log = structlog.stdlib.BoundLogger


def logger(name: str) -> Log:
    """The logger of a module, by its ``__name__``."""
    made: Log = structlog.stdlib.get_logger(name)
    return made


@contextmanager
def bound(**ids: str | int | None) -> Iterator[None]:
    """Put these ids on every line that is logged within the block; None is left out.

    By name: ``refresh``, ``batch``, ``company``, ``run``, ``step``, ``sensor``, ``trace``.
    """
    known = {name: value for name, value in ids.items() if value is not None}
    with structlog.contextvars.bound_contextvars(**known):
        yield


def bind(**ids: str | int | None) -> None:
    """Put these ids, and none that were bound before, on every line of this thread from now on."""
    structlog.contextvars.clear_contextvars()
    known = {name: value for name, value in ids.items() if value is not None}
    structlog.contextvars.bind_contextvars(**known)


def ids_of(tags: Mapping[str, str]) -> dict[str, str]:
    """The ids that the tags of a Dagster run hold, by the names of ``bound``."""
    batch = tags.get("bg/batch_id") or tags.get("bg/enrichment_id")
    found = {
        "refresh": tags.get("bg/refresh_id"),
        "batch": batch,
        # A batch has the partition of its first company.
        "company": None if batch else tags.get("dagster/partition"),
        "trace": trace_of(tags.get("bg/traceparent", "")),
    }
    return {name: value for name, value in found.items() if value}


def trace_of(traceparent: str) -> str | None:
    """The trace id of a W3C traceparent; None where it is none."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else None


def as_text(event: Mapping[str, Any]) -> str:
    """An event on one line: its name, then ``key=value``."""
    values = (f"{key}={_shown(value)}" for key, value in event.items() if key != "event")
    return " ".join([str(event.get("event", "")), *values])


def _shown(value: object) -> str:
    text = str(value)
    plain = text and text.isprintable() and not any(one in text for one in ' "=')
    return text if plain else repr(text)


def _without_unknown(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: value for name, value in event.items() if value is not None}


def _to_record(
    _: WrappedLogger, method: str, event: EventDict
) -> tuple[tuple[str], dict[str, Any]]:
    """What the standard library's logger is called with: readable text, and the event beside it."""
    options: dict[str, Any] = {"extra": {ATTRIBUTE: event}}
    error = event.pop("exc_info", None)
    if error or method == "exception":
        options["exc_info"] = error or True
    return (as_text(event),), options


structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        SAMPLER,
        structlog.contextvars.merge_contextvars,
        _without_unknown,
        redaction.processor,
        _to_record,
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
