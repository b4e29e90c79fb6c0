"""The exporter: one small process that answers Prometheus on a port of its own.

It knows nothing of Dagster but the names of its tables, and works where the database is away.
"""

import contextlib
import errno
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from socketserver import ThreadingMixIn
from types import FrameType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest, make_wsgi_app

from bg_assets import process
from bg_assets.logs import setup
from bg_assets.metrics.collector import TablesCollector
from bg_assets.metrics.link import Link, Unavailable
from bg_assets.metrics.reader import LOG
from bg_assets.settings import BadSetting, Settings
from bg_assets.storage import workers

KIND = "metrics"
BEAT_SECONDS = 10.0
# Of the last word to the database, which may be away.
_FAREWELL_SECONDS = 0.5
_FREE_PORT = "stop what listens there, or set BG_METRICS_PORT to a free port"


class CannotListen(BadSetting):
    """The address can't be had; the message says what to do."""


class NothingToRead(Exception):
    """The database can't be read; the message says why and what to do."""


def run(config: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code, 0. Raises CannotListen."""
    setup.begin("metrics", config)
    stopping = threading.Event()
    link = Link(config)
    with _told_by_signals(stopping), serving(config, link) as url:
        LOG.info("metrics_started", address=url)
        beating = threading.Thread(target=_beats, args=(link, stopping), daemon=True)
        beating.start()
        stopping.wait()
        beating.join(_FAREWELL_SECONDS)
    return 0


@contextlib.contextmanager
def serving(config: Settings, link: Link) -> Iterator[str]:
    """Answer on a thread until the block ends; gives the URL. Raises CannotListen."""
    collector = TablesCollector(link)
    server = _listening(config, _application(_registry(collector)))
    collector.start()
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    host, port = server.server_address[:2]
    try:
        yield f"http://{f'[{host!s}]' if ':' in str(host) else str(host)}:{port}/metrics"
    finally:
        server.shutdown()
        server.server_close()


def exposition(config: Settings) -> str:
    """All metrics as text, read now. Raises NothingToRead."""
    link = Link(config)
    try:
        collector = TablesCollector(link)
        problem = collector.read_now()
        if problem:
            raise NothingToRead(problem)
        return generate_latest(_registry(collector)).decode()
    finally:
        link.close()


def _registry(collector: TablesCollector) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each scrape, none of which keeps the process from ending."""

    daemon_threads = True

    def server_bind(self) -> None:
        # Without asking for the host's name, which may take seconds.
        # Else a connection of the server before, long closed, keeps the port for a minute.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        socket.socket.bind(self.socket, self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes come every few seconds for ever: nothing is said of them."""


def _listening(config: Settings, application: Any) -> _Server:
    host, port = config.metrics_host, config.metrics_port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        kind = type("_OfFamily", (_Server,), {"address_family": family})
        return make_server(host, port, application, kind, _Handler)
    except PermissionError:
        message = f"port {port} is not for this user: set BG_METRICS_PORT to one from 1024"
    except OSError as err:
        message = f"BG_METRICS_HOST: {host} is no address of this machine"
        if err.errno == errno.EADDRINUSE:
            message = f"port {port} is busy: {_FREE_PORT}"
    raise CannotListen(message)


def _application(registry: CollectorRegistry) -> Callable[..., Iterable[bytes]]:
    metrics = make_wsgi_app(registry)

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path, method = environ.get("PATH_INFO"), environ["REQUEST_METHOD"]
        if method != "GET":
            status, said = HTTPStatus.METHOD_NOT_ALLOWED, "this takes GET"
        elif path == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start)
            return answer
        elif path == "/healthz":
            status, said = HTTPStatus.OK, "ok"
        else:
            status, said = HTTPStatus.NOT_FOUND, "metrics are at /metrics"
        start(f"{status.value} {status.phrase}", [("Content-Type", "text/plain")])
        return [f"{said}\n".encode()]

    return application


def _beats(link: Link, stopping: threading.Event) -> None:
    """Give a sign of life again and again, and a last one at the end."""
    while True:
        me = process.seen(os.getpid())
        with contextlib.suppress(Unavailable, sa.exc.SQLAlchemyError):
            if me is not None:
                _beat(link, me, ended=stopping.is_set())
        if stopping.is_set():
            return
        stopping.wait(BEAT_SECONDS)


def _beat(link: Link, me: process.Process, *, ended: bool) -> None:
    with link.transaction(seconds=2.0) as conn:
        if ended:
            workers.end(conn, me.host, [(me.pid, me.started)])
        else:
            beat = workers.Beat(me.host, me.pid, me.started, KIND, me.age, me.memory)
            workers.beat(conn, [beat])


@contextlib.contextmanager
def _told_by_signals(stopping: threading.Event) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    before = {one: signal.signal(one, stop) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
