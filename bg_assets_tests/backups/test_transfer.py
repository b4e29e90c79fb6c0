"""Dumping and loading real databases: all or nothing, and no password where others can read it."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from bg_assets.backups import servers, transfer
from bg_assets.backups.transfer import TransferFailed
from bg_assets.embedded import clients
from bg_assets.embedded.clients import Clients
from bg_assets_tests.conftest import ROOT
from bg_assets_tests.instance.conftest import eventually

_DROP = "drop schema if exists bg cascade;"
_PASSWORD = "p@ss word"


@pytest.fixture
def programs(engine: sa.Engine) -> Clients:
    """The programs that fit the server of this session."""
    with engine.begin() as conn:
        return clients.choose(clients.installed(), servers.major(conn))


@pytest.fixture
def company(engine: sa.Engine) -> None:
    """One company, so that something can be lost."""
    with engine.begin() as conn:
        conn.execute(sa.text("insert into bg.companies (id, name) values ('a', 'Acme')"))


def _names(url: str) -> list[str]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as conn:
        return list(conn.execute(sa.text("select id from bg.companies order by id")).scalars())


def test_what_was_dumped_is_what_is_loaded_in_place_of_what_was_there(
    databases: Callable[[], str], database_url: str, company: None, programs: Clients
) -> None:
    dump = b"".join(transfer.dump(programs, database_url, ["--schema=bg"]))
    other = databases()
    transfer.load(programs, other, _DROP, iter([dump[:1000], dump[1000:]]))
    assert _names(other) == ["a"]
    transfer.load(programs, other, _DROP, iter([dump]))
    assert _names(other) == ["a"]


def test_half_of_a_dump_changes_nothing(
    database_url: str, company: None, programs: Clients
) -> None:
    dump = b"".join(transfer.dump(programs, database_url, ["--schema=bg"]))
    for end in (0, 3, len(dump) // 2, len(dump) - 10):
        with pytest.raises(TransferFailed, match="pg_restore"):
            transfer.load(programs, database_url, _DROP, iter([dump[:end]]))
        assert _names(database_url) == ["a"]


def test_a_dump_that_does_not_fit_changes_nothing_and_says_why(
    database_url: str, company: None, programs: Clients
) -> None:
    dump = b"".join(transfer.dump(programs, database_url, ["--schema=bg"]))
    with pytest.raises(TransferFailed, match=r'psql:.*schema "bg" already exists'):
        transfer.load(programs, database_url, "drop table bg.companies cascade;", iter([dump]))
    assert _names(database_url) == ["a"]


def test_an_error_while_the_dump_is_read_changes_nothing(
    database_url: str, company: None, programs: Clients
) -> None:
    dump = b"".join(transfer.dump(programs, database_url, ["--schema=bg"]))

    def broken() -> Iterator[bytes]:
        yield dump[:-10]
        raise OSError("unreadable")

    with pytest.raises(OSError, match="unreadable"):
        transfer.load(programs, database_url, _DROP, broken())
    assert _names(database_url) == ["a"]


_LOAD_AND_HANG = """
import sys, time
from pathlib import Path
from bg_assets.backups import transfer
from bg_assets.embedded.clients import Clients

def slow():
    content = Path(sys.argv[4]).read_bytes()
    yield content[:-10]
    print("fed", flush=True)
    time.sleep(600)

transfer.load(Clients(Path(sys.argv[1]), int(sys.argv[2])), sys.argv[3],
              "drop schema bg cascade;", slow())
"""


def test_a_kill_while_it_is_loaded_changes_nothing(
    database_url: str, engine: sa.Engine, company: None, programs: Clients, tmp_path: Path
) -> None:
    (tmp_path / "dump").write_bytes(
        b"".join(transfer.dump(programs, database_url, ["--schema=bg"]))
    )
    arguments = [programs.folder, programs.major, database_url, tmp_path / "dump"]
    with subprocess.Popen(
        [sys.executable, "-c", _LOAD_AND_HANG, *map(str, arguments)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"fed\n"
        children = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGKILL)
    eventually(lambda: not any(child.is_running() for child in children))

    def alone() -> bool:
        with engine.begin() as conn:
            return not servers.sessions(conn)

    eventually(alone)
    assert _names(database_url) == ["a"]


@contextmanager
def _dumping(engine: sa.Engine, programs: Clients, url: str) -> Iterator[psutil.Process]:
    """The process of pg_dump while it waits for a lock."""
    with ThreadPoolExecutor(1) as thread:
        with engine.begin() as conn:
            conn.execute(sa.text("lock table bg.companies in access exclusive mode"))
            dump = thread.submit(list, transfer.dump(programs, url, ["--schema=bg"]))
            found: list[psutil.Process] = []

            def starts() -> bool:
                found[:] = [one for one in psutil.Process().children() if one.name() == "pg_dump"]
                return bool(found)

            eventually(starts)
            yield found[0]
        dump.result()


def test_the_password_is_on_no_command_line(
    database_url: str, engine: sa.Engine, programs: Clients
) -> None:
    url = sa.make_url(database_url).set(password=_PASSWORD)
    in_query = sa.make_url(database_url).update_query_dict({"password": _PASSWORD})
    for secret in (url, in_query):
        text = secret.render_as_string(hide_password=False)
        with _dumping(engine, programs, text) as process:
            words = process.cmdline()
            assert words[-1].startswith("--dbname=postgresql://postgres@/bg_test_")
            assert not any("p@ss" in word or "p%40ss" in word for word in words)
            assert process.environ()["PGPASSWORD"] == _PASSWORD


def test_programs_get_none_of_our_secrets(
    database_url: str, engine: sa.Engine, programs: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", "secret")
    with _dumping(engine, programs, database_url) as process:
        assert "BG_ENCRYPTION_KEYS" not in process.environ()


def test_a_failing_dump_is_told_at_its_end(database_url: str, programs: Clients) -> None:
    with pytest.raises(TransferFailed, match=r"pg_dump: .*no matching schemas"):
        list(transfer.dump(programs, database_url, ["--schema=nothing", "--strict-names"]))
