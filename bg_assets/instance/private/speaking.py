"""What Dagster's processes say goes through our logs, in our form and with the ids of the work."""

import logging
import sys

import dagster._loggers
import dagster._utils.log as dagster_log
from dagster._core.definitions import instigation_logger
from dagster._core.log_manager import (
    DagsterLogRecordMetadata,
    get_log_record_metadata,
    has_log_record_metadata,
)

from bg_assets.logs import log, setup

LOG = log.logger(__name__)
# Those of the modules that take configure_loggers from its own that may be loaded already.
_CONFIGURING = ("dagster._daemon.controller", "dagster._cli.api")
_made = dagster_log.create_console_logger


def through_ours() -> None:
    """Let Dagster set up no logs of its own in this process: what it says comes out as ours.

    Of runs the messages and the failures of steps; what a step prints, Dagster's coloured lines for
    people among it, is captured for the UI as ever.
    """
    dagster_log.configure_loggers = _leave_alone
    for name in _CONFIGURING:
        if name in sys.modules:
            sys.modules[name].configure_loggers = _leave_alone  # type: ignore[attr-defined]
    instigation_logger.create_console_logger = _ours_alone  # type: ignore[attr-defined]
    dagster._loggers.create_console_logger = _ours_too  # type: ignore[attr-defined]


def _leave_alone(
    handler: str = "default", formatter: str = "colored", log_level: str | int = "INFO"
) -> None:
    """In place of Dagster's configure_loggers."""


def _ours_alone(name: str, level: str | int) -> logging.Logger:
    """The logger of a tick."""
    made = logging.getLoggerClass()(name, level)
    made.addHandler(Ours())
    return made


def _ours_too(name: str, level: str | int) -> logging.Logger:
    """The logger of a run, whose lines for people are captured."""
    made = _made(name, level)
    made.addHandler(Ours())
    return made


class Ours(logging.Handler):
    """Passes on to this process's logs what is no event of Dagster's, and steps that failed."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass the record on, where our logs are set up."""
        if not setup.has_begun():
            return
        # That of a tick holds two ids and nothing else.
        meta = get_log_record_metadata(record) if has_log_record_metadata(record) else None
        event = meta.get("dagster_event") if meta is not None else None
        if event is None:
            logging.getLogger().handle(record)
        elif meta is not None and event.is_step_failure:
            _tell(meta, record)


def _tell(meta: DagsterLogRecordMetadata, record: logging.LogRecord) -> None:
    ids = {**log.ids_of(meta["job_tags"] or {}), "run": meta["run_id"], "step": meta["step_key"]}
    with log.bound(**ids):
        LOG.error("step_failed", job=meta["job_name"], told=record.getMessage())
