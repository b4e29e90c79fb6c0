"""What people see of a command: the only place that writes to a terminal.

Values come from outside. None of them gives the terminal an order or makes a line of its own.
"""

import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from bg_assets.domain.values.controls import visible

# What JSON lets through as it is, though a terminal obeys it.
_RAW_IN_JSON = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Terminal(Console):
    """A console on which a text is one line: where several are wanted, print several.

    In a cell of a table ``rich.console.Group`` holds the lines.
    """

    def __init__(self, *, stderr: bool = False, soft_wrap: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, emoji=False, soft_wrap=soft_wrap)

    def one_line(self, text: str = "") -> None:
        """Print a text as it is, however long, without markup."""
        self.print(text, markup=False, soft_wrap=True)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        # Texts that were made elsewhere, as progress bars do.
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(_lines(segment.text), segment.style)


# Results go to standard output; messages and progress don't.
results = Terminal()
messages = Terminal(stderr=True, soft_wrap=True)


def tell(text: str = "") -> None:
    """Print one line of a result as it is."""
    results.one_line(text)


def json_text(document: Any, indent: int | None = 2) -> str:
    """A document as JSON: times in UTC, unknown as null, nothing in it that a terminal obeys."""
    text = json.dumps(document, default=_plain, ensure_ascii=False, indent=indent)
    return _RAW_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_json(document: Any) -> None:
    """The one JSON document of a command with --json."""
    with data_out() as out:
        out.write(json_text(document) + "\n")


@contextmanager
def data_out() -> Iterator[TextIO]:
    """Standard output for data, in UTF-8: as it is for programs, made visible on a terminal.

    Whoever reads it may stop, like `head` does: then the command ends with 1 and says nothing.
    """
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(encoding="utf-8")
    try:
        yield _Shown(out) if out.isatty() else out
        out.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        raise SystemExit(1) from None


class _Shown(io.StringIO):
    """A stream on which nothing is an order, but for the ends of lines."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out

    def write(self, text: str, /) -> int:
        return self._out.write(_lines(text))


def _lines(text: str) -> str:
    return "\n".join(map(visible, text.split("\n")))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"not JSON: {type(value)}")
