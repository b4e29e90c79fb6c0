"""A headless Chromium, and pages of Dagster's UI in it as a person sees and clicks them."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"
FLAGS = (
    "--headless",
    # Chromium refuses to sandbox itself for root, and finds little shared memory in containers.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1600,1200",
)
# Pages load within a second on a machine with nothing else to do.
SECONDS = 30.0
POLL = 0.1


class Page:
    """The one tab: opens paths of the UI, waits for words, clicks, and takes pictures."""

    def __init__(self, driver: Chrome, base: str, pictures: Path) -> None:
        self._driver = driver
        self._base = base
        self._pictures = pictures

    def open(self, path: str) -> None:
        """Load a path of the UI anew."""
        self._driver.get(self._base + path)

    def text(self) -> str:
        """All words that a person can read, or scroll to."""
        return str(self._driver.execute_script("return document.body.innerText"))

    def source(self) -> str:
        """The whole document with what is hidden in it, tooltips for instance."""
        return self._driver.page_source

    def wait_for(self, *words: str, seconds: float = SECONDS) -> str:
        """Wait until the page shows all the words, and return its text."""
        until = time.monotonic() + seconds
        while missing := [one for one in words if one not in (text := self.text())]:
            assert time.monotonic() < until, f"not shown in {seconds:g} s: {missing}\n{text}"
            time.sleep(POLL)
        return text

    def path(self) -> str:
        """Where the tab is, without the server."""
        return self._driver.current_url.removeprefix(self._base)

    def click(self, what: str, *, kind: str = "*", seconds: float = SECONDS) -> None:
        """Click on what shows exactly this text or has it as its tooltip."""
        quoted = f'"{what}"'
        self._when_ready(
            f"//{kind}[normalize-space(text())={quoted} or @title={quoted} "
            f"or (self::button and normalize-space(.)={quoted})]",
            seconds,
        )

    def click_menu(self, what: str, *, seconds: float = SECONDS) -> None:
        """Click on an entry of the menu that is open."""
        self._when_ready(f'//*[@role="menuitem"][.//*[@title="{what}"]]', seconds)

    def type(self, placeholder: str, text: str) -> None:
        """Type into the field that shows this placeholder."""
        field = self._driver.find_element(By.CSS_SELECTOR, f'input[placeholder="{placeholder}"]')
        field.send_keys(text)

    def press_escape(self) -> None:
        """Close what has popped up last."""
        self._driver.switch_to.active_element.send_keys("\ue00c")

    def picture(self, name: str) -> None:
        """Keep what the page looks like as ``<name>.png``."""
        # Fades and slides take a moment, after which the page is what a person sees.
        time.sleep(0.5)
        assert self._driver.save_screenshot(str(self._pictures / f"{name}.png"))

    def _when_ready(self, xpath: str, seconds: float) -> None:
        """Click once the element is there and nothing lies over it, pages being built in steps."""
        until = time.monotonic() + seconds
        while not (done := self._clicked(xpath)) and time.monotonic() < until:
            time.sleep(POLL)
        assert done, f"no click in {seconds:g} s on {xpath}"

    def _clicked(self, xpath: str) -> bool:
        try:
            self._driver.find_element(By.XPATH, xpath).click()
        except WebDriverException:
            return False
        return True


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """A browser with a profile of its own; skips the test where none is installed."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which(DRIVER)
    if browser is None or driver is None:
        pytest.skip("no chromium and chromedriver: apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    # With both paths given nothing is looked for, let alone downloaded.
    made = Chrome(options=options, service=Service(executable_path=driver))
    try:
        yield made
    finally:
        made.quit()
