"""Dagster's UI with ten thousand partitions, in a browser: seconds to each page.

All of `up` runs on `--companies N` (10,000) of seven people each, with all their groups. Each page
is opened `--times` (5) times in Chromium, and timed from asking for it until it shows what it is
for; told are the first time, when nothing is in any cache, the middle of the others, and the bytes
that the page fetched from the server at last. `--json` prints one document. Skipped where no
Chromium is installed.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from selenium.webdriver import Chrome

import bench
from bench import running
from bg_assets_tests.browser import chromium
from bg_assets_tests.browser.chromium import Page

_BUILD_SECONDS = 3600.0
_PAGE_SECONDS = 120.0
_POLL = 0.02
_PREFIX = "ui-"
_FETCHED = """
    return performance.getEntriesByType('resource').filter(one => one.name.includes('/graphql'))
        .reduce((sum, one) => sum + one.encodedBodySize, 0)
"""
# The path of each page, and words that it shows once it is there.
PAGES = {
    "lineage": (
        "/locations/bg_assets/asset-groups/buyer_groups/lineage",
        ("company_people", "buyer_groups", "% filled"),
    ),
    "asset": ("/assets/buyer_groups", ("The people who will decide", "Upstream assets")),
    "partitions": (
        "/assets/buyer_groups?view=partitions",
        ("Partitions Selected", f"{_PREFIX}00001"),
    ),
    "a partition": (
        f"/assets/buyer_groups?view=partitions&partition={_PREFIX}00007",
        ("Materialized", "because", "template_hash"),
    ),
    "runs": ("/runs", ("refresh_buyer_groups", "Success")),
    "sensor": ("/locations/bg_assets/sensors/due_companies_1", ("runs requested",)),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that was opened again and again: seconds, and bytes of data of the last time."""

    page: str
    first: float
    middle: float
    fetched: int


def main(arguments: Sequence[str]) -> None:
    """Print a line for each page. Raises Skipped where there is no browser."""
    parser = argparse.ArgumentParser(prog="python -m bench ui", description=__doc__)
    parser.add_argument("--companies", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", action="store_true", dest="as_json")
    chosen = parser.parse_args(arguments)
    if not shutil.which(chromium.DRIVER) or not any(map(shutil.which, chromium.BROWSERS)):
        raise bench.Skipped("no chromium and chromedriver: apt-get install chromium-driver")
    found = _all_pages(max(7, chosen.companies), max(2, chosen.times))
    if chosen.as_json:
        document = {"companies": chosen.companies, "pages": [asdict(one) for one in found]}
        sys.stdout.write(json.dumps(document) + "\n")
        return
    sys.stdout.write(f"{chosen.companies:,} partitions; seconds, and kB of data\n")
    for one in found:
        sys.stdout.write(
            f"  {one.page:<12} first {one.first:6.2f}  then {one.middle:6.2f}  "
            f"{one.fetched / 1000:8.0f} kB\n"
        )


def _all_pages(companies: int, times: int) -> list[Opened]:
    with ExitStack() as stop:
        engine, config = stop.enter_context(running.with_door(0, ui=True))
        running.grow(engine, _PREFIX, companies, _BUILD_SECONDS)
        folder = Path(tempfile.mkdtemp(prefix="bg-bench-ui-"))
        stop.callback(shutil.rmtree, folder, ignore_errors=True)
        driver = stop.enter_context(chromium.chromium(folder / "profile"))
        page = Page(driver, f"http://127.0.0.1:{config.web_port}", folder)
        return [_opened(driver, page, name, times) for name in PAGES]


def _opened(driver: Chrome, page: Page, name: str, times: int) -> Opened:
    path, words = PAGES[name]
    first, *later = [_seconds(page, path, words) for _ in range(times)]
    fetched = int(driver.execute_script(_FETCHED))
    return Opened(name, first, statistics.median(later), fetched)


def _seconds(page: Page, path: str, words: Sequence[str]) -> float:
    page.open("/nowhere")
    began = time.monotonic()
    page.open(path)
    while missing := [one for one in words if one not in (text := page.text())]:
        if time.monotonic() > began + _PAGE_SECONDS:
            raise running.TooSlow(f"{path} does not show {missing} but:\n{text}")
        time.sleep(_POLL)
    return time.monotonic() - began
