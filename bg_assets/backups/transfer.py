"""Running pg_dump and pg_restore: no password on a command line, a whole database or nothing."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

import sqlalchemy as sa

from bg_assets.backups.archive import CHUNK
from bg_assets.embedded.clients import Clients

_LOCK_SECONDS = 60
# gzip's usual 6 takes twice the time for a twentieth less.
_COMPRESSION = "--compress=3"
_WITHOUT_ROLES = ("--no-owner", "--no-privileges")
_PASSWORDS = {"password", "sslpassword"}


class TransferFailed(Exception):
    """A program of PostgreSQL ended with an error, which the message repeats."""


def dump(clients: Clients, url: str, objects: Sequence[str]) -> Iterator[bytes]:
    """What pg_dump writes of these objects (its options ``--schema`` or ``--table``).

    Raises TransferFailed at the end of what came, where it failed.
    """
    command = [
        *(clients.path("pg_dump"), "--format=custom", _COMPRESSION, *_WITHOUT_ROLES),
        *(f"--lock-wait-timeout={_LOCK_SECONDS}s", *objects),
        *("--no-password", f"--dbname={_address(url)}"),
    ]
    with _errors() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=_environment(url),
        )
        assert process.stdout is not None
        try:
            while chunk := process.stdout.read(CHUNK):
                yield chunk
            if process.wait() != 0:
                raise TransferFailed(_said(errors))
        finally:
            process.stdout.close()
            _end(process)


def load(clients: Clients, url: str, before: str, content: Iterator[bytes] | None) -> None:
    """Run ``before`` and restore the dump, if any, in one transaction. Raises TransferFailed.

    Whatever ends early, this process by a kill -9 included, the server undoes all of it: COMMIT is
    typed last, and the end of psql's input alone commits nothing.
    """
    with _errors() as errors:
        psql = _psql(clients, url, errors)
        assert psql.stdin is not None
        try:
            _type(psql.stdin, f"begin;\n{before}\n")
            if content is not None:
                _feed(clients, content, psql.stdin, errors)
            _type(psql.stdin, "\ncommit;\n")
            psql.stdin.close()
            if psql.wait() != 0:
                raise TransferFailed(_said(errors))
        except BrokenPipeError:
            psql.wait()
            raise TransferFailed(_said(errors)) from None
        finally:
            # Before its input is closed, which happens when the process is let go.
            _end(psql)
            with contextlib.suppress(BrokenPipeError):
                psql.stdin.close()


def _psql(clients: Clients, url: str, errors: IO[bytes]) -> "subprocess.Popen[bytes]":
    command = [
        *(clients.path("psql"), "--no-psqlrc", "--quiet", "--no-password", "--file=-"),
        *("--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", "--set=SHOW_CONTEXT=never"),
        f"--dbname={_address(url)}",
    ]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        env=_environment(url),
    )


def _feed(clients: Clients, content: Iterator[bytes], into: IO[bytes], errors: IO[bytes]) -> None:
    """Have pg_restore write the dump's statements into psql."""
    reader = subprocess.Popen(
        [clients.path("pg_restore"), "--exit-on-error", *_WITHOUT_ROLES, "--file=-"],
        stdin=subprocess.PIPE,
        stdout=into,
        stderr=errors,
        env=_own_environment(),
    )
    assert reader.stdin is not None
    try:
        for chunk in content:
            reader.stdin.write(chunk)
        reader.stdin.close()
        if reader.wait() != 0:
            raise TransferFailed(_said(errors))
    finally:
        _end(reader)
        with contextlib.suppress(BrokenPipeError):
            reader.stdin.close()


def _type(into: IO[bytes], text: str) -> None:
    into.write(text.encode())
    into.flush()


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _errors() -> Iterator[IO[bytes]]:
    # Not a pipe, which would fill up while nobody reads it.
    with tempfile.TemporaryFile() as file:
        yield file


def _said(errors: IO[bytes]) -> str:
    """The first line that tells of an error; the others may quote rows."""
    errors.seek(0)
    lines = [line.strip() for line in errors.read().decode(errors="replace").splitlines()]
    told = [line for line in lines if "error:" in line.lower() or "fatal:" in line.lower()]
    return (told or lines or ["it was killed"])[0]


def _address(url: str) -> str:
    """The URL as libpq takes it, without what is secret in it."""
    made = sa.make_url(url).difference_update_query(_PASSWORDS)
    # URL.set keeps the password where it is given None.
    return sa.URL.create(
        "postgresql", made.username, None, made.host, made.port, made.database, made.query
    ).render_as_string(hide_password=False)


def _environment(url: str) -> dict[str, str]:
    made = sa.make_url(url)
    password = made.password or made.query.get("password")
    if "sslpassword" in made.query:
        raise TransferFailed(
            "PostgreSQL's programs take no sslpassword but on their command line, where others "
            "could read it: use a key without one"
        )
    return {**_own_environment(), **({"PGPASSWORD": str(password)} if password else {})}


def _own_environment() -> dict[str, str]:
    """This process's without our own variables, some of which are secrets; messages in English."""
    others = {name: text for name, text in os.environ.items() if not name.startswith("BG_")}
    return {**others, "LC_ALL": "C"}
