"""What logs, metrics and traces cost: one UPDATE of many scattered companies, with each and none.

Each turn runs all of `up` but the UI on an empty database: with none, with each and with all, then
the other way around, so that a machine that gets slower favours none. `--companies N` takes another
number than 2,000, `--rounds N` another than 1, `--parts logs,all` measures these alone, `--json`
prints one document instead.

Without logs errors alone are written. Metrics are scraped every 15 s, as deploy/prometheus does,
from before the companies are there. Spans go to a collector that throws them away. CPU is that of
all processes, the database's and those that ended too, with what a run does after its groups.
"""

import argparse
import itertools
import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import fmean

import psutil
import sqlalchemy as sa

from bench import running
from bg_assets import settings
from bg_assets.local import programs

NONE, LOGS, METRICS, TRACES, ALL = "none", "logs", "metrics", "traces", "all"
_SCRAPE_SECONDS = 15.0
# A run tells Dagster of its end, and sends its spans, after the groups.
_AFTER_SECONDS = 6.0


def main(arguments: Sequence[str]) -> None:
    """Print seconds to all groups and seconds of CPU by what is on, and their ratios to none."""
    parser = argparse.ArgumentParser(prog="python -m bench overhead", description=__doc__)
    parser.add_argument("--companies", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--parts", default=",".join((LOGS, METRICS, TRACES, ALL)))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    parts = (NONE, *chosen.parts.split(","))
    if unknown := set(parts) - {NONE, LOGS, METRICS, TRACES, ALL}:
        parser.error(f"--parts: there is no {', '.join(sorted(unknown))}")
    found: dict[str, list[tuple[float, float]]] = {part: [] for part in parts}
    for part in (*parts, *reversed(parts)) * chosen.rounds:
        found[part].append(_turn(part, chosen.companies))
        seconds, cpu = found[part][-1]
        sys.stderr.write(f"{part:<8} all groups after {seconds:5.1f} s, CPU {cpu:5.1f} s\n")
    if chosen.json:
        json.dump(found, sys.stdout)
        return
    for part, place in itertools.product(parts[1:], (0, 1)):
        off, on = (fmean(one[place] for one in found[name]) for name in (NONE, part))
        what = ("time", "CPU")[place]
        sys.stdout.write(f"{part:<8} {what:<5} {off:.2f} s to {on:.2f} s: {on / off - 1:+.1%}\n")


def _turn(part: str, number: int) -> tuple[float, float]:
    """Seconds until every other company has its group, and those of CPU that it took."""
    env = {"BG_LOG_LEVEL": "info" if part in (LOGS, ALL) else "error"}
    with ExitStack() as stop:
        if part in (METRICS, ALL):
            env["BG_METRICS_PORT"] = str(programs.free_port())
        if part in (TRACES, ALL):
            received = stop.enter_context(_collector(env))
        engine, config = stop.enter_context(
            running.with_door(settle=0, env=env, metrics=part in (METRICS, ALL))
        )
        scraped = stop.enter_context(_scraper(config, env))
        chosen = running.grow(engine, "scatter-", 2 * number, seconds=900)[::2]
        before, began = _cpu(engine, config), time.monotonic()
        running.retitle(engine, chosen, "Treasurer")
        running.settle(engine, seconds=900)
        took = time.monotonic() - began
        time.sleep(_AFTER_SECONDS)
        spent = _cpu(engine, config) - before
        if "BG_METRICS_PORT" in env and not scraped[0]:
            raise running.TooSlow("nothing was scraped")
        if part in (TRACES, ALL) and not received[0]:
            raise running.TooSlow("no spans were sent")
        return took, spent


def _cpu(engine: sa.Engine, config: settings.Settings) -> float:
    """Seconds of CPU of all processes of this home and of its database so far, ended ones too."""
    with engine.begin() as conn:
        backend = psutil.Process(conn.execute(sa.text("select pg_backend_pid()")).scalar_one())
    server = backend.parent()
    found = {} if server is None else {one.pid: one for one in (server, *server.children())}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("BG_HOME") == str(config.home):
                found[process.pid] = process
    spent = 0.0
    for process in found.values():
        with suppress(psutil.Error):
            spent += sum(process.cpu_times()[:4])
    return spent


@contextmanager
def _scraper(config: settings.Settings, env: Mapping[str, str]) -> Iterator[list[int]]:
    """Ask for the metrics again and again, where they are on; counts the answers."""
    scraped, over = [0], threading.Event()
    if "BG_METRICS_PORT" not in env:
        yield scraped
        return
    address = f"http://127.0.0.1:{env['BG_METRICS_PORT']}/metrics"

    def scrape() -> None:
        while True:
            with suppress(OSError), urllib.request.urlopen(address, timeout=10) as answer:
                scraped[0] += answer.status == 200 and b"bg_" in answer.read()
            if over.wait(_SCRAPE_SECONDS):
                return

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield scraped
    finally:
        over.set()
        thread.join()


@contextmanager
def _collector(env: dict[str, str]) -> Iterator[list[int]]:
    """A collector, named in ``env``, that throws spans away; counts the requests."""
    received = [0]

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
    env["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
