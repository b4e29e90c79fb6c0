"""A PgBouncer in transaction mode in front of the server of the tests."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.receiver.doors import free_port, wait_until

_CONFIG = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
logfile = {folder}/log
pidfile = {folder}/pid
"""


def _program() -> str:
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip("pgbouncer is not installed (apt-get install pgbouncer)")
    return found


@contextmanager
def in_front_of(url: str) -> Iterator[str]:
    """The URL of the database through a pooler of its own."""
    program, folder, port = _program(), temporary_folder("bg-pooler-"), free_port()
    target = make_url(url)
    told = {
        "host": target.query.get("host") or target.host,
        "port": target.query.get("port") or target.port or 5432,
        "user": target.username,
        "password": target.password,
    }
    server = " ".join(f"{name}={value}" for name, value in told.items() if value)
    config = folder / "pgbouncer.ini"
    config.write_text(_CONFIG.format(server=server, port=port, folder=folder))
    command = [program, str(config)]
    if os.geteuid() == 0:
        # As root it refuses to run; the embedded server's socket is open to its owner only.
        user = _owner(str(told["host"]))
        os.chown(folder, user.pw_uid, user.pw_gid)
        command = [program, "-u", user.pw_name, str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or _listens(port))
        assert process.poll() is None, (folder / "log").read_text()
        yield target.set(
            host="127.0.0.1", port=port, query={}, username=target.username or "postgres"
        ).render_as_string(hide_password=False)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder)


def _owner(host: str) -> pwd.struct_passwd:
    if host.startswith("/"):
        return pwd.getpwuid(Path(host).stat().st_uid)
    return pwd.getpwnam("nobody")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
