"""``begin``: one call at the start of each process of ours, after which all that it logs is a line.

JSON where nobody watches (``BG_LOG_FORMAT=auto``), text on a terminal. Lines go to standard error,
or to a file of ours; whoever starts the process (supervisord, journald, Docker) keeps the former.
"""

import atexit
import logging
import sys
import threading
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote, urlsplit

from bg_assets import settings
from bg_assets.logs import lines, log, redaction
from bg_assets.logs.files import SharedFile
from bg_assets.logs.lean import structlog
from bg_assets.logs.sampling import SAMPLER

LOG = log.logger(__name__)
# Others are heard from WARNING on: at INFO SQLAlchemy logs the values of every statement.
_OURS = ("bg_assets", "dagster", "dagster-webserver")
_handler: logging.Handler | None = None


class _StandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what standard error is now: Dagster puts others in its place."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """A line that can't be written is lost: nobody could be told."""


def begin(process: str, config: settings.Settings, *, file: Path | None = None, **ids: str) -> None:
    """Set up the logs of this process, which calls itself so in each line, with these ids.

    To ``file`` instead of standard error where it is given. May be called again, after a fork say.
    """
    global _handler
    redaction.learn(*_secrets(config))
    handler: logging.Handler
    if file is not None:
        handler = SharedFile(file, config.log_bytes, config.log_files)
    else:
        handler = _StandardError()
    is_terminal = file is None and sys.stderr.isatty()
    is_json = config.log_format == "json" or (config.log_format == "auto" and not is_terminal)
    handler.setFormatter(lines.formatter(process, is_json=is_json))
    root, level = logging.getLogger(), logging.getLevelNamesMapping()[config.log_level.upper()]
    if _handler is not None:
        root.removeHandler(_handler)
        _handler.close()
    else:
        atexit.register(end)
    _handler = handler
    # Dagster puts the level of its logger to DEBUG in each run.
    handler.setLevel(level)
    root.addHandler(handler)
    root.setLevel(max(level, logging.WARNING))
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    # Whoever formats by the standard library's own means does so in UTC, as we do.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    sys.excepthook, threading.excepthook = _uncaught, _uncaught_in_thread
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**ids)


def has_begun() -> bool:
    """Whether this process has set up its logs."""
    return _handler is not None


def tell_left_out(*, at_the_end: bool = False) -> None:
    """Log what sampling has left out and what found no room, where that is told nowhere yet."""
    for name, kind, count in SAMPLER.take_left_out(at_the_end=at_the_end):
        LOG.info("lines_left_out", of=name, kind=kind, left_out=count)
    lost = _handler.take_lost() if isinstance(_handler, SharedFile) else 0
    if lost:
        LOG.warning("lines_lost", count=lost)


def end() -> None:
    """Tell what is not told yet; called by itself when the process ends."""
    tell_left_out(at_the_end=True)


def _secrets(config: settings.Settings) -> list[str | None]:
    """The secrets among the settings, as they may come up in a text."""
    passwords = [urlsplit(url).password for url in (config.database_url, config.dagster_url) if url]
    plain = [unquote(one) for one in passwords if one]
    return [*config.encryption_keys, config.pdl_key, *passwords, *plain]


def _uncaught(kind: type[BaseException], err: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    LOG.critical("process_crashed", error=kind.__name__, exc_info=(kind, err, trace))
    if isinstance(_handler, SharedFile):
        # Whoever watches, or looks at what a run's process left behind, sees it too.
        sys.stderr.write(lines.trace((kind, err, trace)) + "\n")


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or args.exc_type is SystemExit:
        return
    where = None if args.thread is None else args.thread.name
    LOG.error(
        "thread_crashed", thread=where, error=args.exc_type.__name__,
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )  # fmt: skip
