"""Running the receiver: its socket, its signals, and a stop that finishes what is in hand."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import time
from collections.abc import Iterator
from types import FrameType

import uvicorn

from bg_assets import encryption
from bg_assets.logs import setup
from bg_assets.receiver import descriptors, own_fields
from bg_assets.receiver.acceptor import Acceptor
from bg_assets.receiver.app import Receiver, application, assemble
from bg_assets.receiver.crowd import Place
from bg_assets.receiver.limits import Limits, fitted
from bg_assets.receiver.link import LOG, Link
from bg_assets.receiver.networks import networks
from bg_assets.receiver.protocol import Guarded, guarded
from bg_assets.receiver.vendors import Vendors
from bg_assets.settings import BadSetting, Settings
from bg_assets.tracing import spans

_BACKLOG = 1024
_SWITCH_SECONDS = 0.001
# So long new requests are told to go elsewhere, though nothing is in hand.
_LEAST_DRAIN_SECONDS = 0.3


class CannotListen(BadSetting):
    """The address can't be had; the message says what to do."""


def run(config: Settings, host: str = "127.0.0.1", share_port: bool = False) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code, 0.

    With ``share_port`` several processes take the same port. The database may be away. Raises
    CannotListen, TooFewDescriptors, KeysUnusable.
    """
    setup.begin("receiver", config)
    wanted = Limits(body_bytes=config.receiver_body_limit)
    limits = fitted(wanted, descriptors.free_for_connections())
    opened = encryption.load(config)
    spans.prepare()
    with listening(host, config.receiver_port, share_port=share_port) as listener:
        trusted = networks(config.trusted_proxies)
        serve(assemble(Link(config), opened, limits, trusted, _crms(config)), listener)
    spans.close()
    return 0


def _crms(config: Settings) -> Vendors:
    """The vendors' tables, with the fields of the user's own. Raises BadSetting."""
    return Vendors(own_fields.tables_of(config), config.receiver_url)


def serve(receiver: Receiver, listener: socket.socket) -> None:
    """Serve on a socket that listens, until a signal."""
    server = server_for(receiver)
    # The writer's thread comes back from the database while the loop is busy.
    sys.setswitchinterval(_SWITCH_SECONDS)
    with _told_by_signals(server):
        limits = receiver.limits
        LOG.info(
            "receiver_started", address=_shown(listener),
            connections=limits.connections, connections_of_one=limits.connections_of_one,
        )  # fmt: skip
        server.run(sockets=[listener])
        LOG.info("receiver_stopped")


def server_for(receiver: Receiver) -> "Server":
    """The server of a receiver, not started; tests run it on a thread."""
    limits = receiver.limits
    protocol = guarded(limits, receiver.meter)
    config = uvicorn.Config(
        application(receiver),
        http=protocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level=logging.CRITICAL,
        timeout_keep_alive=limits.keep_alive_seconds,
        timeout_graceful_shutdown=int(limits.drain_seconds),
    )
    return Server(config, protocol, receiver)


class Server(uvicorn.Server):
    """Uvicorn's server, which before it stops refuses what is new and finishes what is not."""

    def __init__(self, config: uvicorn.Config, protocol: type[Guarded], receiver: Receiver) -> None:
        super().__init__(config)
        self._receiver = receiver
        self._make = protocol
        self._acceptors: list[Acceptor] = []

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to ``serve``: uvicorn would raise them again and spoil the exit code."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections in ourselves, from the one socket."""
        await super().startup(sockets=[])
        receiver = self._receiver
        for listener in sockets or []:
            acceptor = Acceptor(
                listener, self._protocol, receiver.crowd, receiver.limits, receiver.meter
            )
            acceptor.start()
            self._acceptors.append(acceptor)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take none in any more, then end as uvicorn does."""
        for acceptor in self._acceptors:
            acceptor.stop()
        await super().shutdown(sockets)

    def _protocol(self, place: Place) -> asyncio.Protocol:
        """What uvicorn makes for a connection."""
        made = self._make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        made.place = place
        return made

    async def main_loop(self) -> None:
        await super().main_loop()
        door = self._receiver.door
        door.draining = True
        began = time.monotonic()
        until = began + self._receiver.limits.drain_seconds
        LOG.info("receiver_stopping", in_hand=door.in_hand)
        await asyncio.sleep(_LEAST_DRAIN_SECONDS)
        while door.in_hand and time.monotonic() < until:
            await asyncio.sleep(0.02)


@contextlib.contextmanager
def _told_by_signals(server: uvicorn.Server) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    before = {one: signal.signal(one, stop) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextlib.contextmanager
def listening(host: str, port: int, *, share_port: bool) -> Iterator[socket.socket]:
    """A socket that listens; with ``share_port`` others may do so too. Raises CannotListen."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        raise CannotListen(f"{host} is no address of this machine: choose another --host") from None
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            listener.bind((host, port))
            listener.listen(_BACKLOG)
        except OSError as err:
            raise CannotListen(_why_not(host, port, err)) from None
        yield listener


def _why_not(host: str, port: int, err: OSError) -> str:
    if isinstance(err, PermissionError):
        return f"port {port} is not for this user: set BG_RECEIVER_PORT to one from 1024"
    if err.errno == 99:
        return f"{host} is no address of this machine: choose another --host"
    return f"port {port} is busy: stop what listens there, or set BG_RECEIVER_PORT to a free port"


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
