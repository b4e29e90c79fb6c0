"""The webhook door: requests a second and how long they take, against a bare endpoint.

Three servers, one after another, on a PostgreSQL that is as durable as in earnest: ours; a bare
endpoint on the same stack that only reads the body; and ours with one commit for each request.
Each is sent events of 1 KB and of 20 KB as fast as it answers, and then at half that rate. The
senders are a process of their own and share the machine's processors.
`--seconds N` takes another time than 8 s for each, `--connections N` other than 64, `--processes 2`
lets several receivers share the port.
"""

import argparse
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bench import scratch
from bg_assets.encryption import Keys, new_key
from bg_assets.receiver import answers, server
from bg_assets.receiver.app import assemble
from bg_assets.receiver.limits import Limits
from bg_assets.receiver.link import Link
from bg_assets.receiver.meter import Meter
from bg_assets.receiver.protocol import guarded
from bg_assets.settings import read
from bg_assets.storage import database
from bg_assets.storage.webhooks import sources
from bg_assets.storage.webhooks.sources import Source

SIZES = (1_000, 20_000)
SECRET = "whsec_" + base64.b64encode(b"a key for what is measured here.").decode()
VARIANTS = {"ours": "(a) ours", "bare": "(b) bare", "single": "(c) one commit each"}


@dataclass(frozen=True, slots=True)
class Figures:
    """Answers a second, seconds to an answer by share, and how much of a processor was used."""

    rate: float
    times: dict[str, float]
    sender: float
    server: float

    def line(self) -> str:
        """The figures as text."""
        parts = [f"p{float(s) * 100:g} {time * 1000:6.1f} ms" for s, time in self.times.items()]
        return (
            f"{self.rate:7.0f}/s  {'  '.join(parts)}   processor: "
            f"server {self.server:3.0%}, senders {self.sender:3.0%}"
        )


def main(arguments: Sequence[str]) -> None:
    """Measure and print, a line for each server, size and rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--serve", nargs=2, metavar=("VARIANT", "PORT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.serve:
        _serve(chosen.serve[0], int(chosen.serve[1]))
        return
    with _prepared() as env:
        for size in SIZES:
            _compare(env, size, chosen)


def _compare(env: dict[str, str], size: int, chosen: argparse.Namespace) -> None:
    sys.stdout.write(f"{size // 1000} KB, {chosen.connections} connections\n")
    most: dict[str, float] = {}
    for variant, name in VARIANTS.items():
        with _serving(env, variant, chosen.processes) as (port, pids):
            full = _measured(port, pids, size, chosen, 0)
            half = _measured(port, pids, size, chosen, full.rate / 2)
        most[variant] = full.rate
        sys.stdout.write(f"  {name:<20} {full.line()}\n  {'at half of that':<20} {half.line()}\n")
        sys.stdout.flush()
    to_bare, to_single = (most["ours"] / most[other] for other in ("bare", "single"))
    sys.stdout.write(f"  (a)/(b) {to_bare:.2f}   (a)/(c) {to_single:.1f}\n")
    sys.stdout.flush()


def _measured(
    port: int, pids: Sequence[int], size: int, chosen: argparse.Namespace, rate: float
) -> Figures:
    before, began = _used(pids), time.monotonic()
    done = subprocess.run(
        [
            sys.executable, "-m", "bench.sending", str(port), SECRET, str(size),
            str(chosen.connections), str(chosen.seconds), str(rate),
        ],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    used = (_used(pids) - before) / (time.monotonic() - began)
    found: dict[str, Any] = json.loads(done.stdout)
    assert not found["failed"], f"{found['failed']} requests were not answered with 202"
    return Figures(found["count"] / chosen.seconds, found["times"], found["cpu"], used)


def _used(pids: Sequence[int]) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


@contextmanager
def _prepared() -> Iterator[dict[str, str]]:
    """A durable PostgreSQL with the schema and one source; gives the variables that name it."""
    with scratch.scratch() as made:
        key = new_key()
        source = Source("bench", "standard", "default", False, (), 1e6, 1_000_000)
        with database.connect(made.engine) as conn:
            sources.add_source(conn, Keys((key,)), source, SECRET, "bench")
        url = made.server.url("bg_assets")
        yield {**os.environ, "BG_DATABASE_URL": url, "BG_ENCRYPTION_KEYS": key}


@contextmanager
def _serving(
    env: dict[str, str], variant: str, processes: int
) -> Iterator[tuple[int, Sequence[int]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench", "receiver", "--serve", variant, str(port)]
    running = [subprocess.Popen(command, env=env) for _ in range(processes)]
    try:
        _wait_for(port)
        yield port, [one.pid for one in running]
    finally:
        for one in running:
            one.send_signal(signal.SIGTERM)
        for one in running:
            one.wait(30)


def _wait_for(port: int, seconds: float = 60) -> None:
    """Until it listens and, were there several processes, all of them do."""
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            time.sleep(1)
            return


def _serve(variant: str, port: int) -> None:
    """Be one of the servers."""
    limits = Limits()
    link = Link(read())
    with server.listening("127.0.0.1", port, share_port=True) as listener:
        if variant == "bare":
            app = Starlette(routes=[Route("/webhooks/{source}", _Bare())])
            protocol = guarded(limits, Meter(link))
            config = uvicorn.Config(
                app, http=protocol, ws="none", lifespan="off", interface="asgi3",
                proxy_headers=False, server_header=False, access_log=False, log_config=None,
            )  # fmt: skip
            uvicorn.Server(config).run(sockets=[listener])
            return
        most = 1 if variant == "single" else None
        keys = Keys(read().encryption_keys)
        server.serve(assemble(link, keys, limits, most_in_a_commit=most), listener)


class _Bare:
    """Reads the body and says so."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            more = (await receive())["more_body"]
        await answers.stored("bench", "pending", duplicate=False).send(send)
