"""One PostgreSQL server for all processes of a checkout: started by the first that needs it,
stopped by the last, found again after a kill -9 of any or all of them.

It listens on a socket in a private folder only, never on a port. Whoever uses it holds a lease, a
shared lock that the kernel drops with the process; starting and stopping hold a lock of their own.
"""

import atexit
import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from bg_assets.embedded import (
    EmbeddedUnavailable,
    binaries,
    launch,
    locks,
    places,
    privacy,
    processes,
)
from bg_assets.embedded.users import (
    OWN,
    SHARED,
    ServerUser,
    better_user,
    is_shared,
    require_name,
    server_user,
)

FAST_SECONDS = 20.0
IMMEDIATE_SECONDS = 5.0


class Lease:
    """The right to find the server running, until released, left as a context, or the process
    ends.

    A forked child shares the lease of its parent: the server lives until both have let go.
    """

    def __init__(self, server: "EmbeddedPostgres") -> None:
        self._server = server
        self._fd: int | None = None

    def take(self) -> None:
        """Hold the lease file; EmbeddedPostgres.acquire calls it before it starts the server."""
        self._fd = locks.share(self._server.folder / "lease")
        atexit.register(self.release)

    def release(self) -> None:
        """Let go, and stop the server if nobody else holds a lease. Twice is fine."""
        fd, self._fd = self._fd, None
        if fd is None:
            return
        os.close(fd)
        atexit.unregister(self.release)
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class EmbeddedPostgres:
    """The server of one home (Settings.home). Making this object touches nothing.

    ``options`` are settings of postgresql.conf that hold if this process is the one that starts
    the server; they go before the defaults. ``outside`` are the folders below which root keeps
    what can't lie in the home.
    """

    def __init__(
        self,
        home: Path,
        *,
        options: Mapping[str, str] | None = None,
        outside: tuple[Path, ...] = places.OUTSIDE,
    ) -> None:
        self.home = home.absolute()
        self.folder = self.home / "postgres"
        self._options = dict(options or {})
        self._outside = outside

    def acquire(self) -> Lease:
        """Start the server unless it runs, and keep it running while the lease is held.

        Waits while another process starts or stops it. Raises EmbeddedUnavailable.
        """
        lease = Lease(self)
        try:
            with self._starting():
                alone = not self.leased()
                lease.take()
                self._ensure(alone=alone)
        except BaseException:
            lease.release()
            raise
        return lease

    def ensure(self) -> None:
        """Start the server again if it died; for a process that holds a lease already."""
        if not self.running():
            with self._starting():
                self._ensure()

    def is_made(self) -> bool:
        """Whether its data folder was ever made."""
        return (self.data / "PG_VERSION").exists()

    def running(self) -> bool:
        """Whether the server takes connections now. Costs well under a millisecond."""
        found = processes.postmaster(self.data)
        return found is not None and found.accepts()

    def leased(self) -> bool:
        """Whether any process holds a lease."""
        return locks.is_held(self.folder / "lease")

    def stop(self, *, force: bool = False) -> bool:
        """Stop the server if nobody holds a lease; with ``force`` whoever does.

        Returns whether it is stopped. What clients have committed is kept.
        """
        try:
            with locks.exclusive(self.folder / "lock"):
                if self.leased() and not force:
                    return False
                self._stop()
        except FileNotFoundError:
            # The home was deleted under a running server.
            self._stop()
        return True

    def destroy(self) -> None:
        """Stop the server, whoever holds a lease, and remove its data wherever it lies."""
        if not self.folder.exists():
            return
        with locks.exclusive(self.folder / "lock"):
            self._stop()
            outside = places.outside_place(self.folder)
            if outside is not None:
                shutil.rmtree(outside)
            shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        """The URL of one of its databases for SQLAlchemy and Dagster."""
        return f"postgresql+psycopg2://{self._address(database)}"

    def psql_url(self, database: str) -> str:
        """The URL of one of its databases for psql, pg_dump and other programs."""
        return f"postgresql://{self._address(database)}"

    @property
    def remark(self) -> str:
        """What whoever runs it as root should know of its user; empty where there is nothing."""
        if not is_shared(server_user(self.data)):
            return ""
        return (
            f"the embedded database runs as the user {SHARED}: any other program of that user "
            f"could read and change it. Give it a user of its own with `useradd --system {OWN}`, "
            "and start again"
        )

    @property
    def data(self) -> Path:
        """The data folder, which need not be there yet."""
        return places.data_folder(self.folder)

    @property
    def log(self) -> Path:
        """The log of the server."""
        return self.folder / "server.log"

    def _address(self, database: str) -> str:
        found = processes.postmaster(self.data)
        # A home that was moved while its server ran still has the socket of its old name.
        folder = found.socket_folder if found else None
        if folder is None:
            folder = places.socket_folder(self.folder, server_user(self.data))
        return f"postgres@/{quote(database, safe='')}?host={quote(str(folder))}&port=5432"

    @contextlib.contextmanager
    def _starting(self) -> Iterator[None]:
        """Alone among all processes, in a folder that exists; OSErrors become a clear error."""
        try:
            self._make_folder()
            with locks.exclusive(self.folder / "lock"):
                yield
        except OSError as err:
            raise EmbeddedUnavailable(
                f"The embedded PostgreSQL can't work in {self.folder} ({err.strerror or err}: "
                f"{err.filename or self.folder}): set BG_HOME to a folder that you may write, "
                "or BG_DATABASE_URL"
            ) from err

    def _make_folder(self) -> None:
        privacy.close(self.home)
        with contextlib.suppress(FileExistsError):
            self.folder.mkdir(mode=0o700)

    def _ensure(self, *, alone: bool = False) -> None:
        data = self.data
        server = launch.settled(data)
        if server is not None and server.accepts():
            return
        user = server_user(data)
        if server is not None:
            # Its socket was cleared away, so that nobody can reach it.
            self._end(server, data)
        user = self._settled_user(data, user, alone=alone)
        privacy.let_pass(self.home, self.folder, user)
        if data.exists():
            major = (data / "PG_VERSION").read_text().strip()
            programs = binaries.folder(user, major, self._outside)
            places.keep_reachable(data, user)
        else:
            programs = binaries.folder(user, None, self._outside)
            data = self._create(programs, user)
        sockets = places.prepare_socket_folder(self.folder, user)
        for is_last in (False, True):
            processes.clear(data, sockets)
            try:
                launch.start(programs, data, sockets, user, self.log, self._options)
            except EmbeddedUnavailable:
                # It may have been killed while it started, which says nothing about a second try.
                # One that is only slow, since it has much to recover, is left alone.
                if is_last or processes.postmaster(data) is not None:
                    raise
            else:
                return

    def _settled_user(self, data: Path, user: ServerUser, *, alone: bool) -> ServerUser:
        """The user to start the server as: one of its own instead of a shared one, if it can be.

        Data changes hands only before anybody holds a lease, since the socket's place goes by the
        user, and only below root's folder: another's is that user's.
        """
        if user.switched and alone and data.parent.stat().st_uid == 0:
            better = better_user(user)
            if better != user and self._handed_over(data, user, better):
                return better
        require_name(user)
        return user

    def _handed_over(self, data: Path, user: ServerUser, better: ServerUser) -> bool:
        if not data.exists():
            return True
        privacy.let_pass(self.home, self.folder, better)
        processes.clear(data, None)
        return places.hand_over(data, user, better)

    def _create(self, programs: Path, user: ServerUser) -> Path:
        """Make the data folder aside and rename it, so that half of one is never taken for one."""
        partial = places.new_data_folder(self.folder, user, self._outside)
        durable = self._options.get("fsync") != "off"
        launch.initdb(programs, partial, user, self.folder / "initdb.log", durable=durable)
        data = partial.with_name("data")
        partial.rename(data)
        return data

    def _stop(self) -> None:
        data = self.data
        user = server_user(data)
        server = processes.postmaster(data)
        sockets = server.socket_folder if server else None
        if sockets is None:
            sockets = places.socket_folder(self.folder, user)
        # Nothing is read or removed where others could have laid it.
        private = sockets if places.is_private(sockets, user) else None
        if server is not None:
            self._end(server, data)
        elif not data.exists():
            processes.kill(data)
        processes.clear(data, private)
        if private is not None:
            with contextlib.suppress(OSError):
                private.rmdir()

    def _end(self, found: processes.Postmaster, data: Path) -> None:
        if not processes.end(found.pid, fast=FAST_SECONDS, immediate=IMMEDIATE_SECONDS):
            processes.kill(data)
