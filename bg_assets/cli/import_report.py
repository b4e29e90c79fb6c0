"""What `import` says of a file: how its columns are read, what came of its rows, or would."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

from bg_assets import terminal
from bg_assets.cli import import_search, session
from bg_assets.files.header import show
from bg_assets.files.reading import ImportFile
from bg_assets.storage.import_results import Named, Waiting
from bg_assets.storage.imports import Imported, Rejected
from bg_assets.storage.recognition.rows import Recognised
from bg_assets.storage.recognition.search import Search
from bg_assets.terminal import json_text

# Within what a file names everybody.
Snapshot = Literal["companies", "all"]

ROWS_SHOWN = 5
# Of a dry run, and of one that leaves them in a file.
_REJECTS_SHOWN, REJECTS_SHOWN_BESIDE_FILE = 10, 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a file, or would: rows by what they did, rejects, the file of these.

    Of a dry run also the first rows as they would be stored. reasons: lines of rejects, and why.
    waiting: who waits for a refresh by then. snapshot: within what it was a full one, and named:
    how many companies the file names. search, recognised: how rows without ids of ours looked for
    whom they mean, and what came of that.
    """

    done: Imported
    rejected: Rejected
    rejects_file: Path | None = None
    rows: tuple[dict[str, object], ...] | None = None
    reasons: tuple[tuple[int, str], ...] = ()
    waiting: Waiting | None = None
    snapshot: Snapshot | None = None
    named: Named | None = None
    search: Search | None = None
    recognised: Recognised | None = None

    @property
    def nothing_taken(self) -> bool:
        """Whether there were rows, and all of them are rejected."""
        done = self.done
        return self.rejected.rows > 0 and not done.inserted + done.updated + done.unchanged

    @property
    def dry(self) -> bool:
        return self.rows is not None


def tell(opened: ImportFile, outcome: Outcome, as_json: bool) -> None:
    """Print the result, and on standard error what there is to know about it."""
    if as_json:
        terminal.print_json(_document(opened, outcome))
        return
    for line in _columns(opened):
        session.say(line)
    if outcome.rows:
        terminal.results.print(_table(outcome.rows))
    done, rejected = outcome.done, outcome.rejected
    counts = [f"{done.inserted} new", f"{done.updated} changed", f"{done.unchanged} as before"]
    if done.left:
        counts.append(f"{done.left} left")
    if rejected.kept:
        counts.append(f"{rejected.kept} kept with a blank")
    counts.append(f"{rejected.rows} rejected")
    terminal.tell(f"{opened.kind}: {', '.join(counts)}")
    for line in (
        *_found(outcome),
        *_rejects(outcome),
        *_remarks(opened, outcome),
        *_snapshot(outcome),
        *_waiting(outcome),
    ):
        session.say(line)
    if outcome.nothing_taken:
        session.say("nothing was taken: every row is rejected")
        if opened.kind == "people" and outcome.search is None:
            session.say(
                "if the file names companies beside their ids: with --source NAME, like crm, ids "
                "are those of that source, and companies can come along by their names"
            )
    if outcome.dry:
        session.say("a dry run: nothing was written")


def _document(opened: ImportFile, outcome: Outcome) -> dict[str, Any]:
    done, rejected = outcome.done, outcome.rejected
    document: dict[str, Any] = {
        "kind": opened.kind,
        "inserted": done.inserted,
        "updated": done.updated,
        "unchanged": done.unchanged,
        "left": done.left,
        "kept": rejected.kept,
        "rejected": rejected.rows,
        "rejects_file": outcome.rejects_file and str(outcome.rejects_file),
        "cleaned": opened.cleaned,
        "system": opened.fitted.system,
        "format": opened.shape.form,
        "sheet": opened.shape.table and opened.shape.table.sheet,
        "encoding": opened.shape.encoding.removesuffix("-sig"),
        "columns": dict(_sources(opened)),
        "ignored": list(opened.fitted.ignored),
        "dry_run": outcome.dry,
        "waiting": outcome.waiting and asdict(outcome.waiting),
        "snapshot": outcome.snapshot,
        "source": outcome.search and outcome.search.source,
        "recognised": outcome.recognised and asdict(outcome.recognised),
        "companies_not_named": outcome.named and outcome.named.unnamed,
    }
    if outcome.dry:
        document["rows"] = list(outcome.rows or ())
        document["rejects"] = [{"line": line, "reason": why} for line, why in outcome.reasons]
    return document


def _sources(opened: ImportFile) -> Iterator[tuple[str, list[str]]]:
    """Each column of ours with the names of those of the file that fill it."""
    for name, places in opened.fitted.positions.items():
        yield name, [opened.header[place].strip() for place in places]


def _columns(opened: ImportFile) -> Iterator[str]:
    """How the file is read, where it is not named or made as ours are, and what is passed over."""
    yield from opened.shape.said
    sources = dict(_sources(opened))
    if any(theirs != [name] for name, theirs in sources.items()):
        read = (f"{name} = {' + '.join(map(show, theirs))}" for name, theirs in sources.items())
        whose = f"{opened.fitted.system}'s columns" if opened.fitted.system else "columns"
        yield f"{whose}: {', '.join(read)}"
    if opened.fitted.ignored:
        yield f"ignored: {', '.join(_ignored(opened.fitted.ignored))}"
    if opened.fitted.hint:
        yield opened.fitted.hint


def _ignored(names: Sequence[str]) -> Iterator[str]:
    yield from map(show, dict.fromkeys(filter(None, names)))
    if nameless := names.count(""):
        yield "a column without a name" if nameless == 1 else f"{nameless} columns without a name"


def _found(outcome: Outcome) -> Iterator[str]:
    if outcome.search and outcome.recognised:
        yield from import_search.told(outcome.search, outcome.recognised, outcome.dry)


def _rejects(outcome: Outcome) -> Iterator[str]:
    if outcome.rejects_file:
        what = "rejects" if outcome.rejected.rows else "what was kept"
        yield f"{what} and reasons: {outcome.rejects_file}"
    shown = outcome.reasons[:_REJECTS_SHOWN]
    yield from (f"line {line}: {reason}" for line, reason in shown)
    all_of_them = outcome.rejected.rows + (outcome.rejected.kept if outcome.dry else 0)
    if all_of_them > len(shown):
        yield f"and {all_of_them - len(shown):,} more"


def _remarks(opened: ImportFile, outcome: Outcome) -> Iterator[str]:
    done = outcome.done
    if not (outcome.rejected.rows or done.inserted or done.updated or done.unchanged):
        yield "the file has no rows below its header"
    if opened.notes:
        what = "1 line" if opened.notes == 1 else f"{opened.notes} lines"
        yield f"passed over: {what} behind the last row"
    if opened.cleaned:
        what = "1 value" if opened.cleaned == 1 else f"{opened.cleaned:,} values"
        yield f"control characters became spaces in {what}"
    if opened.nameless:
        what = "column" if len(opened.nameless) == 1 else "columns"
        yield f"passed over: {what} {', '.join(opened.nameless)} of the sheet, without a name"


def _snapshot(outcome: Outcome) -> Iterator[str]:
    if outcome.named is None:
        return
    named, unnamed = outcome.named.named, outcome.named.unnamed
    if outcome.snapshot == "all":
        yield (
            "--full-snapshot all: who is not in the file has left, at the tracked companies that "
            f"it names ({named:,}) and at those that it does not ({unnamed:,})"
        )
    else:
        yield (
            f"--full-snapshot acts within the companies in the file ({named:,}); the tracked ones "
            f"that it does not name ({unnamed:,}) are left as they are. --full-snapshot all takes "
            "a file for the list of everybody everywhere"
        )


def _waiting(outcome: Outcome) -> Iterator[str]:
    waiting = outcome.waiting
    if waiting is None or not waiting.companies:
        return
    # Ids that were made for them tell nothing to whoever wrote the list.
    some = ", ".join(waiting.names if outcome.search else waiting.first)
    some += ", …" if waiting.companies > len(waiting.first) else ""
    what = "company waits" if waiting.companies == 1 else "companies wait"
    when = []
    if soon := waiting.companies - waiting.deferred:
        when.append(f"{soon:,} until `bg-assets up` comes to it, seconds while that runs")
    if waiting.until:
        until = waiting.until.astimezone(UTC)
        when.append(f"{waiting.deferred:,} until an interval is over, {until:%Y-%m-%d %H:%M} UTC")
    yield f"{waiting.companies:,} {what} for a refresh ({some}): {', '.join(when)}"


def _table(rows: Iterable[dict[str, object]]) -> Table:
    """Rows side by side, column below column: there are many columns and few rows."""
    rows = list(rows)
    table = Table(title="as they would be stored", title_justify="left", box=None)
    table.add_column("")
    for number in range(1, len(rows) + 1):
        table.add_column(f"row {number}", overflow="fold")
    for name in rows[0]:
        of_id = name in ("id", "company_id")
        table.add_row(
            name, *(_shown(row[name], "a new one" if of_id else "unknown") for row in rows)
        )
    return table


def _shown(value: object, nothing: str) -> str:
    if value is None:
        return nothing
    return value if isinstance(value, str) else json_text(value, None).strip('"')
