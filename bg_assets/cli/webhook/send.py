"""`webhook send FILE|-`: sign and post events, as a vendor would."""

import io
import json
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from rich.progress import Progress

from bg_assets import encryption, settings, terminal
from bg_assets.cli import session
from bg_assets.cli.webhook import options
from bg_assets.domain.webhooks import secrets
from bg_assets.domain.webhooks.secrets import Scheme
from bg_assets.storage import database
from bg_assets.storage.webhooks import sources

if TYPE_CHECKING:
    from bg_assets.sending import Answer, Sender

# One event spread over many lines; lines of one event each may be as many as they like.
_LARGEST_DOCUMENT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Read:
    """An event of the file: its bytes and id, or what keeps it from being sent."""

    place: str
    body: bytes
    event_id: str | None
    problem: str | None = None


@click.command(short_help="Sign events and post them.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--source", required=True, metavar="NAME")
@click.option("--url", help="Default: the source's at the door of this machine.")
@click.option(
    "--secret",
    "given",
    metavar="S",
    help="- reads it from standard input. Default: the source's newest, from the database.",
)
@click.option(
    "--scheme",
    type=click.Choice(secrets.SCHEMES),
    help="Default: the source's, from the database.",
)
@click.option("--fill", is_flag=True, help="Add an id and the time to events without.")
@click.option("--tries", default=8, show_default=True, type=click.IntRange(1, 100))
@click.option("--json", "as_json", is_flag=True)
def send(
    file: Path,
    source: str,
    url: str | None,
    given: str | None,
    scheme: Scheme | None,
    fill: bool,
    tries: int,
    as_json: bool,
) -> None:
    """Sign the events in FILE (one JSON object, or one a line) and post them.

    What can't be delivered just now is tried again under the same event id. Ends with 1 where an
    event was refused.
    """
    if given == "-" and str(file) == "-":
        session.fail("the secret and the events can't both come from standard input", session.USAGE)
    # What it takes to speak HTTP would slow the start of every other command.
    from bg_assets.sending import Sender, Signer

    with session.clear_errors():
        where = url or f"http://127.0.0.1:{settings.read().receiver_port}/webhooks/{source}"
        if urlsplit(where).scheme not in {"http", "https"} or not urlsplit(where).hostname:
            session.fail("--url takes a URL that starts with http:// or https://", session.USAGE)
        opened: Any = nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb")
        with opened as stream:
            signer = Signer(*_scheme_and_key(source, given, scheme))
            answers = _send_all(stream, fill, Sender(where, signer, tries), as_json)
    refused = sum(not answer["taken"] for answer in answers)
    if as_json:
        terminal.print_json({"source": source, "url": where, "events": answers})
    elif len(answers) != 1:
        session.say(f"{len(answers) - refused} of {len(answers)} events were taken")
    if refused:
        raise SystemExit(session.FAILED)


def _send_all(stream: IO[bytes], fill: bool, sender: "Sender", quiet: bool) -> list[dict[str, Any]]:
    answers = []
    bar = Progress(console=terminal.messages, disable=not session.is_terminal(), transient=True)
    with bar, closing(sender):
        task = bar.add_task("sending", total=None)
        for read in _events(stream, fill):
            if read.event_id is None or read.problem:
                answer = sender.not_sent(read.problem)
            else:
                answer = sender.send(read.event_id, read.body)
            answers.append(
                {
                    "id": read.event_id,
                    "code": answer.code,
                    "status": answer.status,
                    "detail": answer.detail,
                    "field": answer.field,
                    "tries": answer.tries,
                    "taken": answer.taken,
                }
            )
            if not quiet:
                terminal.tell(_line(read, answer))
            bar.update(task, advance=1)
    return answers


def _line(read: Read, answer: "Answer") -> str:
    said = [read.event_id or read.place, str(answer.code or "-"), answer.status]
    if answer.tries > 1:
        said.append(f"after {answer.tries} tries")
    reason = ": ".join(one for one in (answer.field, answer.detail) if one)
    return " ".join(said) + (f": {reason}" if reason else "")


def _scheme_and_key(source: str, given: str | None, scheme: Scheme | None) -> tuple[Scheme, bytes]:
    """From what was typed, and the rest from the database; ends with 2 for an unknown source."""
    text = options.read_secret(given) if given is not None else None
    if text is None or scheme is None:
        known = _known(source)
        if known.scheme not in secrets.SCHEMES:
            session.fail(
                f"source {source} takes what {known.scheme} sends, and no events of ours: try it "
                "from the vendor's own screen, or add a source with --scheme standard",
                session.USAGE,
            )
        scheme = scheme or known.scheme
        text = _newest_secret(known) if text is None else text
    return scheme, options.check_secret(scheme, text)


def _known(source: str) -> sources.Source:
    with session.opened() as engine:
        opener = encryption.load(settings.read())
        with database.connect(engine) as conn:
            known = sources.read_sources(conn, opener).get(source)
            if known is None:
                options.no_such_source(conn, source)
    return known


def _newest_secret(source: sources.Source) -> str:
    if not source.secrets:
        session.fail(
            f"source {source.id} has no valid secret: `bg-assets webhook rotate {source.id}` "
            "makes one",
            session.FAILED,
        )
    return source.secrets[0].text


def _events(stream: IO[bytes], fill: bool) -> Iterator[Read]:
    """The events, each as the bytes that it has in the file unless something is filled in."""
    lines = enumerate(stream, 1)
    number, first = next((pair for pair in lines if pair[1].strip()), (0, b""))
    if not first:
        yield Read("the file", b"", None, "it holds no event")
        return
    if _parsed(first) is None:
        # Not a line for each event: then all of it should be one.
        rest = stream.read(_LARGEST_DOCUMENT)
        if _parsed(first + rest) is not None:
            yield from _one_or_many("the file", (first + rest).strip(), fill)
            return
        lines = enumerate(io.BytesIO(rest), number + 1)
    yield from _one_or_many(f"line {number}", first.strip(), fill)
    for later, line in lines:
        if line.strip():
            yield from _one_or_many(f"line {later}", line.strip(), fill)


def _one_or_many(place: str, body: bytes, fill: bool) -> Iterator[Read]:
    found = _parsed(body)
    if isinstance(found, list):
        for number, one in enumerate(found, 1):
            yield _read(f"{place}, item {number}", _bytes(one), one, fill)
    else:
        yield _read(place, body, found, fill)


def _read(place: str, body: bytes, found: object, fill: bool) -> Read:
    if not isinstance(found, dict):
        return Read(place, body, None, "it is not a JSON object")
    missing: dict[str, object] = {}
    if fill and found.get("id") is None:
        missing["id"] = str(uuid.uuid4())
    if fill and found.get("timestamp") is None:
        missing["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    event_id = {**found, **missing}.get("id")
    if not isinstance(event_id, str) or not event_id:
        return Read(place, body, None, "it has no id: --fill adds one")
    if not (event_id.isascii() and event_id.isprintable()):
        return Read(place, body, event_id, "its id does not fit into a header")
    return Read(place, _bytes({**found, **missing}) if missing else body, event_id)


def _bytes(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
