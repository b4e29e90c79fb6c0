"""The course of some KPIs over the last day as small pictures, where matplotlib is installed."""

import base64
import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bg_assets.domain.kpis.catalogue import (
    LATENCY_P50,
    LATENCY_P95,
    QUEUE_DEPTH,
    REFRESH_SUCCESS,
)
from bg_assets.domain.kpis.targets import Target
from bg_assets.storage.measures.kpis import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HOURS = 24
NO_PICTURES = (
    "*No pictures: they need matplotlib: install the extra `plots`, or `pip install matplotlib`.*"
)
# Inches and dots: 504 x 126 pixels, 2 to 4 KB each, which Dagster keeps twice of each measurement.
_WIDTH, _HEIGHT, _DOTS = 5.6, 1.4, 90
_COLOURS = ("#4c6ef5", "#e8590c")
_TARGET = "#868e96"
# Enough for lines on white, and a quarter of the bytes.
_PALETTE = 16
# Three turns of the schedule.
_PAUSE_HOURS = 0.25
_SHORT_HOURS = 2


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture: its heading, the KPIs whose courses it shows, of one unit, and its lowest value.

    What lies below that lowers it.
    """

    heading: str
    names: tuple[str, ...]
    floor: float = 0.0


PLOTS = (
    Plot("change to group, s (median and 95 %)", (LATENCY_P50, LATENCY_P95)),
    Plot("queue depth, companies", (QUEUE_DEPTH,)),
    Plot("refresh success, %", (REFRESH_SUCCESS,), floor=90.0),
)
NAMES = tuple(name for plot in PLOTS for name in plot.names)


def markdown(
    courses: Mapping[str, Sequence[Point]],
    by: Mapping[str, Target | None],
    now: datetime,
    folder: Path,
) -> str:
    """The pictures as Markdown that holds them; without matplotlib a line that says what to do.

    ``folder`` is where matplotlib keeps what it knows of fonts: without one it looks for them each
    time, which takes seconds.
    """
    os.environ.setdefault("MPLCONFIGDIR", str(folder))
    try:
        # 0.5 s, and 40 MB in whatever process does it.
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return NO_PICTURES
    pictures = []
    for plot in PLOTS:
        encoded = base64.b64encode(_png(plot, courses, by, now)).decode("ascii")
        pictures.append(f"![{plot.heading}](data:image/png;base64,{encoded})")
    return "\n\n".join(pictures)


def _png(
    plot: Plot,
    courses: Mapping[str, Sequence[Point]],
    by: Mapping[str, Target | None],
    now: datetime,
) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, colour in zip(plot.names, _COLOURS, strict=False):
        hours, values = line(courses[name], now)
        # Smoothed edges would cost a third more.
        axes.plot(
            hours, values, color=colour, linewidth=1.2, antialiased=False,
            marker="o", markersize=3.5, markevery=lone(values),
        )  # fmt: skip
        _line_of(axes, by[name], colour if len(plot.names) > 1 else _TARGET)
    axes.set_title(plot.heading, fontsize=9, loc="left")
    back, ticks = _axis([one for name in plot.names for one in courses[name]], now)
    axes.set_xlim(-back, 0)
    lowest, highest = axes.get_ylim()
    axes.set_ylim(min(plot.floor, lowest) if plot.floor else 0, highest)
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return _smaller(out.getvalue())


def line(points: Sequence[Point], now: datetime) -> tuple[list[float], list[float]]:
    """Hours from now and values; not a number where nothing was measured, so that the line breaks.

    It breaks where measuring itself paused, too.
    """
    hours: list[float] = []
    values: list[float] = []
    for one in points:
        hour = (one.at - now).total_seconds() / 3600
        if hours and hour - hours[-1] > _PAUSE_HOURS:
            hours.append(hour)
            values.append(math.nan)
        hours.append(hour)
        values.append(math.nan if one.value is None else one.value)
    return hours, values


def lone(values: Sequence[float]) -> list[int]:
    """The places of values between gaps, which no line would show."""
    gaps = [True, *map(math.isnan, values), True]
    return [
        place
        for place in range(len(values))
        if not gaps[place + 1] and gaps[place] and gaps[place + 2]
    ]


def _axis(points: Sequence[Point], now: datetime) -> tuple[float, dict[float, str]]:
    """How many hours to show, and the ticks; not a day's where measuring began just now."""
    oldest = max(((now - one.at).total_seconds() / 3600 for one in points), default=HOURS)
    if oldest > _SHORT_HOURS:
        return HOURS, {-hour: f"{hour} h ago" if hour else "now" for hour in range(HOURS, -1, -4)}
    minutes = range(60 * _SHORT_HOURS, -1, -20)
    return _SHORT_HOURS, {-one / 60: f"{one} min ago" if one else "now" for one in minutes}


def _line_of(axes: "Axes", target: Target | None, colour: str) -> None:
    """The target as dashes."""
    for bound in (target.least, target.most) if target else ():
        if bound is not None:
            axes.axhline(bound, color=colour, linestyle="--", linewidth=0.8)


def _smaller(png: bytes) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        # By coverage: few dots of a colour keep it.
        small = image.convert("RGB").quantize(_PALETTE, Image.Quantize.MAXCOVERAGE)
        small.save(out, format="png", optimize=True)
    return out.getvalue()
