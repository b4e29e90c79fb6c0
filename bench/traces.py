"""What traces cost: one UPDATE of many scattered companies, with a collector and without.

Each turn runs all of `up` but the UI on an empty database; off, on, on, off, so that a machine that
gets slower favours neither. `--companies N` takes another number than 500, `--rounds N` another
than 1.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import fmean

import psutil

from bench import running

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def main(arguments: Sequence[str]) -> None:
    """Print seconds to all groups and of CPU of all processes, off and on, and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m bench traces", description=__doc__)
    parser.add_argument("--companies", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args(arguments)
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for turn in (False, True, True, False) * chosen.rounds:
        with _traced(turn) as received:
            found[turn].append(_scatter(chosen.companies))
        seconds, cpu = found[turn][-1]
        sent = f", {received[0]} requests with spans" if turn else ""
        sys.stdout.write(
            f"traces {'on ' if turn else 'off'}: all after {seconds:.1f} s, CPU {cpu:.1f} s{sent}\n"
        )
        sys.stdout.flush()
    for place, what in enumerate(("time", "CPU")):
        off, on = (fmean(one[place] for one in found[turn]) for turn in (False, True))
        sys.stdout.write(f"{what}: {off:.2f} s off, {on:.2f} s on, {100 * (on / off - 1):+.1f} %\n")


def _scatter(number: int) -> tuple[float, float]:
    """Seconds until every other company has its group, and those of CPU that it took."""
    with running.with_door(settle=0) as (engine, config):
        chosen = running.grow(engine, "scatter-", 2 * number, seconds=900)[::2]
        before, began = _cpu(config.home), time.monotonic()
        running.retitle(engine, chosen, "Treasurer")
        running.settle(engine, seconds=900)
        took = time.monotonic() - began
        # A run tells Dagster of its end, and sends its spans, after the groups.
        time.sleep(3)
        return took, _cpu(config.home) - before


def _cpu(home: Path) -> float:
    """Seconds of CPU of all processes of this home so far, of those that have ended too."""
    spent = 0.0
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("BG_HOME") == str(home):
                spent += sum(process.cpu_times()[:4])
    return spent


@contextmanager
def _traced(on: bool) -> Iterator[list[int]]:
    """The variables that turn traces on, with a collector that throws them away; or none."""
    received = [0]
    os.environ.pop(_ENDPOINT, None)
    if not on:
        yield received
        return

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            received[0] += 1
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    os.environ[_ENDPOINT] = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield received
    finally:
        del os.environ[_ENDPOINT]
        server.shutdown()
        thread.join()
        server.server_close()
