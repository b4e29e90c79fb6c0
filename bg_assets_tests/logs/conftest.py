"""The logs of this process, set up as those of a process of ours, and put back afterwards."""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bg_assets import settings
from bg_assets.logs import sampling, setup
from bg_assets.logs.lean import structlog

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def own_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test sets up is gone after it."""
    names = ("", *setup._OURS)
    levels = {name: logging.getLogger(name).level for name in names}
    before = (sys.excepthook, threading.excepthook, logging.raiseExceptions)
    # What another test has begun in this process would write each line once more.
    if setup._handler is not None:
        logging.getLogger().removeHandler(setup._handler)
    monkeypatch.setattr(setup, "_handler", None)
    yield
    if setup._handler is not None:
        logging.getLogger().removeHandler(setup._handler)
        setup._handler.close()
    sys.excepthook, threading.excepthook, logging.raiseExceptions = before
    logging.captureWarnings(False)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.contextvars.clear_contextvars()
    sampling.SAMPLER.take_left_out(at_the_end=True)


@pytest.fixture
def written(own_logs: None, capsys: pytest.CaptureFixture[str]) -> Lines:
    """Begins the logs of a process called ``test``; gives what it has written, line by line."""
    setup.begin("test", settings.read({"BG_LOG_LEVEL": "debug"}))

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return lines
