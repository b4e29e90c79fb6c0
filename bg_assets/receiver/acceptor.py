"""Taking connections in: as many as there are places for, the others are told to come back.

Not left to the event loop: uvloop stops listening for good where an accept fails.
"""

import asyncio
import errno
import socket
import time
from collections import deque
from collections.abc import Callable
from http import HTTPStatus

from bg_assets.receiver.answers import problem
from bg_assets.receiver.crowd import Crowd, Full, Place
from bg_assets.receiver.limits import Limits
from bg_assets.receiver.link import LOG
from bg_assets.receiver.meter import Meter

# Then the loop sees to those who are there.
_AT_ONCE = 64
_PAUSE_SECONDS = 0.5
_SWEEP_SECONDS = 0.1
_READ_BYTES = 65536
# What says that there is nothing to take a connection in with.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Connect = Callable[[Place], asyncio.Protocol]


class Acceptor:
    """Takes connections from a socket that listens. Only for the thread of the event loop."""

    def __init__(
        self, listener: socket.socket, connect: Connect, crowd: Crowd, limits: Limits, meter: Meter
    ) -> None:
        self._listener = listener
        self._connect = connect
        self._crowd = crowd
        self._limits = limits
        self._meter = meter
        self._loop = asyncio.get_running_loop()
        self._entering: set[asyncio.Task[None]] = set()
        # With the time at which each is closed though it may not have read its answer.
        self._turned_away: deque[tuple[float, socket.socket]] = deque()
        self._sweeping: asyncio.TimerHandle | None = None
        self._resuming: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to take connections in."""
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._accept)

    def stop(self) -> None:
        """Take none in any more."""
        self._loop.remove_reader(self._listener)
        for timer in (self._resuming, self._sweeping):
            if timer is not None:
                timer.cancel()
        while self._turned_away:
            self._turned_away.popleft()[1].close()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, peer = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as err:
                if err.errno in _EXHAUSTED:
                    self._pause(err)
                    return
                # A client that went away before it was taken in.
                continue
            client.setblocking(False)
            try:
                place = self._crowd.enter(peer[0] if isinstance(peer, tuple) else None)
            except Full as full:
                self._turn_away(client, full)
            else:
                entering = self._loop.create_task(self._enter(client, place))
                self._entering.add(entering)
                entering.add_done_callback(self._entering.discard)

    def _pause(self, err: OSError) -> None:
        """Let those who wait go on waiting, rather than ask again and again."""
        LOG.warning("connections_wait", reason=err.strerror)
        self._loop.remove_reader(self._listener)
        self._resuming = self._loop.call_later(_PAUSE_SECONDS, self.start)

    async def _enter(self, client: socket.socket, place: Place) -> None:
        try:
            if client.family != socket.AF_UNIX:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(lambda: self._connect(place), client)
        except BaseException as err:
            place.leave()
            client.close()
            if not isinstance(err, OSError):
                raise

    def _turn_away(self, client: socket.socket, full: Full) -> None:
        """Answer without having read anything; then wait a little, so that it gets to read that."""
        self._meter.refused(full.kind, None)
        answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, full.detail, retry_after=1)
        try:
            client.send(answer.raw())
            client.shutdown(socket.SHUT_WR)
        except OSError:
            client.close()
            return
        if len(self._turned_away) >= self._limits.turned_away:
            self._turned_away.popleft()[1].close()
        self._turned_away.append((time.monotonic() + self._limits.linger_seconds, client))
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Close those who have closed, or had their time."""
        now = time.monotonic()
        waiting = deque(one for one in self._turned_away if one[0] > now and _is_there(one[1]))
        kept = {id(client) for _, client in waiting}
        for _, client in self._turned_away:
            if id(client) not in kept:
                client.close()
        self._turned_away = waiting
        self._sweeping = self._loop.call_later(_SWEEP_SECONDS, self._sweep) if waiting else None


def _is_there(client: socket.socket) -> bool:
    """Whether a client has not closed yet; what it sent is passed over."""
    try:
        return bool(client.recv(_READ_BYTES))
    except BlockingIOError:
        return True
    except OSError:
        return False
