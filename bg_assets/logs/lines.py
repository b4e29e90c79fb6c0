"""A record of the standard library's logging as a line: JSON for programs, text for people.

Ours carry their event; what others say is the event ``said`` with their text, and with the ids of
the Dagster run or sensor where they are known.
"""

import json
import logging
import os
import re
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bg_assets.domain.values.controls import visible
from bg_assets.logs import log, redaction
from bg_assets.logs.lean import EventDict, WrappedLogger, structlog

SAID = "said"
# Where Dagster keeps what it knows of a record: see dagster/_core/log_manager.py.
DAGSTER = "dagster_meta"
_RUN = re.compile(r"\brun ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b", re.IGNORECASE)


def formatter(process: str, *, is_json: bool) -> logging.Formatter:
    """The formatter of a process of this name."""

    def finish(_: WrappedLogger, __: str, event: EventDict) -> str:
        record: logging.LogRecord = event.pop("_record")
        event.pop("_from_structlog", None)
        error = event.pop("exc_info", None)
        line = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "event": event.pop("event"),
            "process": process,
            "pid": os.getpid(),
            **event,
        }
        if error:
            line["exception"] = trace(error)
        return _json(line) if is_json else _text(line)

    return structlog.stdlib.ProcessorFormatter(
        processors=[finish], foreign_pre_chain=[_adopted], use_get_message=True
    )


def _adopted(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The event that a record carries, or ``said`` with its text."""
    record: logging.LogRecord = event["_record"]
    ours: Mapping[str, Any] | None = getattr(record, log.ATTRIBUTE, None)
    found = dict(ours) if ours is not None else _said(record, str(event["event"]))
    for name in ("_record", "_from_structlog", "exc_info"):
        if name in event:
            found[name] = event[name]
    return found


def _said(record: logging.LogRecord, message: str) -> dict[str, Any]:
    ids = dict(structlog.contextvars.get_contextvars())
    meta = getattr(record, DAGSTER, None)
    if isinstance(meta, Mapping):
        message = str(meta.get("orig_message", message))
        ids |= _dagster_ids(meta)
    elif named := _RUN.search(message):
        # The daemon tells of a run by its id alone.
        ids.setdefault("run", named[1])
    return {"event": SAID, "message": redaction.text(message), "logger": record.name, **ids}


def _dagster_ids(meta: Mapping[str, Any]) -> dict[str, str]:
    found = {
        **log.ids_of(meta.get("job_tags") or {}),
        "run": meta.get("run_id"),
        "step": meta.get("step_key"),
        "job": meta.get("job_name"),
        # Of a sensor or a schedule.
        "sensor": meta.get("name"),
    }
    return {name: str(value) for name, value in found.items() if value}


def _time(created: float) -> str:
    return datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def trace(error: Any) -> str:
    """An error with its trace, as text, with what must not be in a log taken out."""
    if error is True or not isinstance(error, tuple | BaseException):
        return ""
    if isinstance(error, BaseException):
        error = (type(error), error, error.__traceback__)
    said = "".join(traceback.format_exception(*error)).rstrip()
    return redaction.text(said, redaction.LONGEST_TRACE)


def _json(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False, default=str)


def _text(line: Mapping[str, Any]) -> str:
    """The time of day, the level, the event with its values; a trace in lines of its own."""
    shown = {
        key: value
        for key, value in line.items()
        if key not in ("time", "level", "process", "pid", "exception")
    }
    head = f"{str(line['time'])[11:19]} {line['level']:<7} {visible(log.as_text(shown))}"
    below = str(line.get("exception", "")).splitlines()
    return "\n".join([head, *(f"  {visible(one)}" for one in below)])
