"""A TCP proxy before PostgreSQL that can hold everything back, and cut connections off."""

import contextlib
import select
import socket
import threading
from pathlib import Path

import sqlalchemy as sa

_BYTES = 1 << 16


class Proxy:
    """Listens on loopback and passes bytes on to a server, unless it holds them back."""

    def __init__(self) -> None:
        self._flows = threading.Event()
        self._flows.set()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._target: sa.URL | None = None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._guard = threading.Lock()

    def open(self, url: str) -> None:
        """Pass connections on to the server of this URL, a socket's or an address's."""
        self._target = sa.make_url(url)
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database: str) -> str:
        """The URL of a database behind the proxy."""
        assert self._target is not None
        port = self._listening.getsockname()[1]
        url = self._target.set(host="127.0.0.1", port=port, database=database, query={})
        return url.render_as_string(hide_password=False)

    def hold(self) -> None:
        """Let no byte through; connections stay open, and new ones are accepted in silence."""
        self._flows.clear()

    def go_on(self, *, cut: bool) -> None:
        """Let bytes through again, or cut off what was held back and take new connections."""
        if cut:
            self._cut()
        self._flows.set()

    def close(self) -> None:
        """Take no more connections, and end those there are."""
        self._listening.close()
        self._cut()
        self._flows.set()

    def _cut(self) -> None:
        with self._guard:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._flows.wait()
        with client, contextlib.suppress(OSError), self._server() as server:
            pair = (client, server)
            with self._guard:
                self._pairs.add(pair)
            try:
                self._pass_on(client, server)
            finally:
                with self._guard:
                    self._pairs.discard(pair)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        while True:
            ready, _, _ = select.select(list(other), [], [], 0.5)
            self._flows.wait()
            for end in ready:
                data = end.recv(_BYTES)
                if not data:
                    return
                other[end].sendall(data)

    def _server(self) -> socket.socket:
        assert self._target is not None
        host = self._target.host or str(self._target.query.get("host", ""))
        port = self._target.port or int(str(self._target.query.get("port", 5432)))
        if not host.startswith("/"):
            return socket.create_connection((host, port), timeout=5)
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(Path(host) / f".s.PGSQL.{port}"))
        return server
