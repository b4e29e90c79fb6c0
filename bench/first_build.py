"""All groups made at once: as people come, by `bg-assets backfill --all`, and by the UI's backfill.

All of `up` runs. `--companies N` (10,000) of the sample come in one transaction, and the clock runs
until all have groups; then all are asked for by the command with `--wait`, whose last lines are
told, and then by a backfill of both assets in Dagster's UI, until all have been made and until it
says that it is over, which Dagster looks at every 30 s.
`--json` prints one document of seconds.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from bench import running, sampled, throughput
from bg_assets import settings
from bg_assets_tests.system import graphql

_SECONDS = 7200.0
_OVER = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
_LINES = 3
_COMPANIES = sa.text("select id from bg.companies order by id")


def main(arguments: Sequence[str]) -> None:
    """Print seconds, and companies a second, for each way."""
    parser = argparse.ArgumentParser(prog="python -m bench first_build", description=__doc__)
    parser.add_argument("--companies", type=int, default=10_000, metavar="N")
    parser.add_argument("--json", action="store_true", dest="as_json")
    chosen = parser.parse_args(arguments)
    found: dict[str, float] = {}
    with running.with_door(0, {"BG_REFRESH_INTERVAL": "0"}, ui=True) as (engine, config):
        sampled.fill(engine, chosen.companies)
        began = time.monotonic()
        running.settle(engine, _SECONDS)
        found["as people come"] = time.monotonic() - began
        found["backfill --all"] = _by_command(config)
        with engine.begin() as conn:
            companies = list(conn.execute(_COMPANIES).scalars())
        with _on(engine.url.set(database="dagster")) as dagster:
            made, over = _by_ui(dagster, config, companies)
        found |= {"the UI's backfill": made, "the same, until it says so": over}
    if chosen.as_json:
        sys.stdout.write(json.dumps({"companies": len(companies), "seconds": found}) + "\n")
        return
    for way, seconds in found.items():
        each = len(companies) / seconds
        sys.stdout.write(f"{way}: {len(companies):,} companies in {seconds:.1f} s, {each:.0f}/s\n")


def _by_command(config: settings.Settings) -> float:
    program = Path(sys.executable).with_name("bg-assets")
    env = {**os.environ, "BG_HOME": str(config.home), "BG_PRODUCTS": "finance_system"}
    began = time.monotonic()
    done = subprocess.run(
        [program, "backfill", "--all", "--wait"], env=env, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    took = time.monotonic() - began
    if done.returncode:
        raise running.TooSlow(f"backfill ended with {done.returncode}: {done.stdout[-2000:]}")
    sys.stderr.write("".join(f"  {one}\n" for one in done.stdout.splitlines()[-_LINES:]))
    return took


@contextmanager
def _on(url: sa.URL) -> Iterator[sa.Engine]:
    """An engine that is gone afterwards."""
    made = sa.create_engine(url)
    try:
        yield made
    finally:
        made.dispose()


def _by_ui(
    dagster: sa.Engine, config: settings.Settings, companies: Sequence[str]
) -> tuple[float, float]:
    stack: Any = SimpleNamespace(port=config.web_port)
    graphql.wait_for_ui(stack)
    with dagster.connect() as conn:
        _, after = conn.execute(throughput.TOLD, {"after": 0}).one()
    made, began = 0.0, time.monotonic()
    backfill = graphql.backfill(stack, companies)
    while (status := graphql.backfill_status(stack, backfill)) not in _OVER:
        if time.monotonic() > began + _SECONDS:
            raise running.TooSlow(f"the backfill is {status}")
        with dagster.connect() as conn:
            told, _ = conn.execute(throughput.TOLD, {"after": after}).one()
        if not made and told >= 2 * len(companies):
            made = time.monotonic() - began
        time.sleep(0.5)
    sys.stderr.write(f"  {status}\n")
    return made, time.monotonic() - began
