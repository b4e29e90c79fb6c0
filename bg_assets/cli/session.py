"""What every subcommand shares: the database, exit codes, and how errors are told."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import psycopg2
import sqlalchemy as sa
from rich.text import Text

from bg_assets import settings
from bg_assets.domain.products.places import BadTemplate
from bg_assets.domain.titles import verdict
from bg_assets.domain.titles.lexicon import BadLexicon
from bg_assets.domain.values.controls import visible
from bg_assets.embedded import EmbeddedUnavailable
from bg_assets.embedded.databases import DatabaseNotMade, DatabaseUnreachable
from bg_assets.encryption import KeysUnusable
from bg_assets.files.header import BadHeader
from bg_assets.files.lines import BrokenFile
from bg_assets.files.rejects import CannotReject
from bg_assets.files.spellings import BadHeaders
from bg_assets.storage import database, errors, instance_settings
from bg_assets.storage.capture import attached
from bg_assets.terminal import messages

FAILED, USAGE, UNREACHABLE, WRONG_SCHEMA = 1, 2, 3, 4
_DISK_FULL = "53100"
# No such column or table, or no right to read it: an attached one may have been changed.
_NOT_AS_IT_WAS = {"42703", "42P01", "42501"}


def fail(message: str | Sequence[str], code: int) -> NoReturn:
    """End with a message, of one line or several, on standard error and this exit code."""
    first, *rest = [message] if isinstance(message, str) else message
    messages.print(Text.assemble(("error:", "bold red"), " ", visible(first)))
    for line in rest:
        messages.one_line(line)
    raise SystemExit(code)


def say(message: str) -> None:
    """Print a message, one line as it is, on standard error."""
    messages.one_line(message)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show what goes on and can't be measured, where somebody watches."""
    if not is_terminal():
        yield
        return
    with messages.status(Text(f"{what} ...")):
        yield


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn the errors that a user can do something about into one line and an exit code."""
    try:
        yield
    except EmbeddedUnavailable as err:
        # What PostgreSQL said last stands in lines of its own.
        fail(str(err).split("\n"), UNREACHABLE)
    except (DatabaseUnreachable, DatabaseNotMade) as err:
        fail(str(err), UNREACHABLE)
    except database.SchemaMismatch as err:
        fail(str(err), WRONG_SCHEMA)
    except BadTemplate as err:
        fail(err.lines, USAGE)
    except (settings.BadSetting, BadLexicon, BadHeader, BadHeaders, KeysUnusable) as err:
        fail(str(err), USAGE)
    except (BrokenFile, CannotReject) as err:
        fail(str(err), FAILED)
    except sa.exc.DBAPIError as err:
        fail(_refused(err), FAILED)
    except UnicodeEncodeError:
        # The text of an argument whose bytes are not UTF-8.
        fail("an argument holds bytes that are not UTF-8", USAGE)
    except OSError as err:
        fail(f"{err.filename or 'the system'}: {err.strerror or err}", FAILED)


def _refused(err: sa.exc.DBAPIError) -> str:
    code = getattr(err.orig, "pgcode", None)
    if code == _DISK_FULL:
        return "the database's disk is full: free some space, and try again"
    if code == attached.REFUSED and isinstance(err.orig, psycopg2.Error):
        return f"nothing was changed: {errors.said(err.orig)}"
    # The driver's text may quote values; its first line and code are enough to look it up.
    said = str(err.orig).splitlines()[0] if err.orig else type(err).__name__
    todo = ": `bg-assets doctor` says what is the matter" if code in _NOT_AS_IT_WAS else ""
    return f"the database refused: {said} ({code}){todo}"


@contextmanager
def opened() -> Iterator[sa.Engine]:
    """An engine on the database, once its schema is found to fit this code."""
    with clear_errors():
        engine = database.make_engine(database.bg_url())
        try:
            with database.connect(engine) as conn:
                database.check_schema(conn)
            try:
                yield engine
            except sa.exc.DBAPIError as err:
                _tell_unread(engine, err)
                raise
        finally:
            engine.dispose()


def _tell_unread(engine: sa.Engine, err: sa.exc.DBAPIError) -> None:
    """End with what is gone of an attached table and what to do, where that made it fail."""
    if errors.is_outage(getattr(err.orig, "pgcode", None) or "08"):
        return
    with database.connect(engine) as conn:
        lines = attached.unread(conn, err)
    if lines:
        fail(lines, FAILED)


def settings_in_force(conn: sa.Connection, *names: str) -> settings.Settings:
    """The settings by which the instance goes, or this process's own where none ever ran.

    ``names``: the variables that matter to the command; where its own environment has another
    value for one, it says so. Titles are read as the instance reads them from here on.
    """
    own = settings.read()
    theirs = instance_settings.read(conn)
    ours = settings.shared(own)
    for name in names:
        if name in theirs and theirs[name] != ours[name]:
            say(
                f"{name} is {_value(ours[name])} here and {_value(theirs[name])} where bg-assets "
                "runs: this goes by the latter"
            )
    config = settings.read_with(theirs)
    verdict.hear_tail(config.title_tail)
    return config


def _value(value: str | None) -> str:
    return "not set" if value is None else value


def prints_to_terminal() -> bool:
    """Whether a person reads standard output, to whom bytes of a file say nothing."""
    return sys.stdout.isatty()


def is_terminal() -> bool:
    """Whether a person watches standard error, so that a progress bar makes sense."""
    return sys.stderr.isatty()
