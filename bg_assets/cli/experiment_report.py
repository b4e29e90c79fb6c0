"""What an experiment says, as a document and in lines for people."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from bg_assets.domain.experiments.report import NO_FEEDBACK, Report, from_document, table
from bg_assets.storage.experiments import Experiment

_VARIANTS = ("a", "b")


def result(said: Report) -> dict[str, Any]:
    """A report as it is kept and printed; what nobody records is null."""
    return asdict(said) | {"accepts": None, "rejects": None, "feedback": NO_FEEDBACK}


def document(one: Experiment, said: Report | None) -> dict[str, Any]:
    """An experiment with its report: the one given, or what was known when it was stopped."""
    known: Mapping[str, Any] | None = result(said) if said else one.result
    return {
        "id": one.id,
        "product": one.product,
        "share": one.share,
        "a": one.a_hash,
        "b": one.b_hash,
        "started_at": one.started_at,
        "started_by": one.started_by,
        "arranged_at": one.arranged_at,
        "stopped_at": one.stopped_at,
        "stopped_by": one.stopped_by,
        "kept": one.kept,
        "in_force": one.in_force,
        "report": known,
    }


def in_words(one: Experiment, said: Report | None) -> Iterator[str]:
    """The same for people: a line for each figure."""
    known = said or (from_document(one.result) if one.result else None)
    yield f"{one.product}: {_when(one)}"
    yield f"  a {one.a_hash}, b {one.b_hash}; {one.share} of a hundred companies are shown b"
    if one.runs and one.arranged_at is None:
        yield "  companies are still being looked through for those that are to be shown another"
    if known is None:
        return
    yield f"  {known.conclusion}"
    _, *rows = table(known)
    width = max(len(row[0]) for row in rows)
    for label, a, b, difference, interval, companies, says in rows:
        values = ", ".join(
            f"{name} {value}"
            for name, value in (("a", a), ("b", b), ("b - a", difference))
            if value
        )
        reach = f" ({interval})" if interval else ""
        about = f"; {companies}" if companies else ""
        figures = f"{values}{reach}{about}".lstrip(" ;")
        yield f"  {label:<{width}}  {figures}{': ' if figures else ''}{says}"


def _when(one: Experiment) -> str:
    since = f"since {one.started_at:%Y-%m-%d %H:%M %Z} by {one.started_by}"
    if one.stopped_at is None:
        return f"an experiment runs {since}"
    over = f"stopped {one.stopped_at:%Y-%m-%d %H:%M %Z} by {one.stopped_by}"
    if one.kept is None:
        return f"an experiment {since}, {over}; the file of the product is in force"
    until = (
        "until its file changes" if one.in_force else "until the file was another, or a later one"
    )
    return f"an experiment {since}, {over}; version {one.kept} stays in force {until}"
