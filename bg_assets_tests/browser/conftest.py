"""The running system with some companies in it, one of which can't be refreshed, and a browser.

Each test leaves its pictures in its ``tmp_path``; `pytest --basetemp=FOLDER` puts them in FOLDER.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from bg_assets.local import programs
from bg_assets_tests.browser.chromium import Page, chromium
from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system.stack import Stack, eventually

COMPANIES = tuple(f"acme-{number:02}" for number in range(1, 9))
POISONED = "acme-05"
CHOSEN = ("acme-01", "acme-04", "acme-07")
# In no title and no id, so that it must not be in any page.
NAME, ADDRESS = "Zebulon", "quark.example"
TITLES = (
    "Finance Manager",
    "Financial Controller",
    "Head of Procurement",
    "IT Director | *interim*",
    "Chief Operating Officer",
    "Chief of Staff",
    None,
)
SETTINGS = {"BG_SETTLE": "0", "BG_MAX_ATTEMPTS": "2"}
READY = 60.0

_PEOPLE = """
    insert into bg.people (id, company_id, name, email, title)
    select c.id || '-' || t.number, c.id, 'Zebulon Quark', c.id || t.number || '@quark.example',
        t.title
    from bg.companies as c, unnest(cast(:titles as text[])) with ordinality as t(title, number)
"""
_POISON = f"""
    create function public.refuse() returns trigger language plpgsql as $$
    begin
        if new.company_id = '{POISONED}' then
            raise exception 'Zebulon Quark of {POISONED} is refused';
        end if;
        return new;
    end $$;
    create trigger refuse before insert or update on bg.buyer_groups
        for each row execute function public.refuse();
"""
_COMPLETED = """
    select count(*) from bg.buyer_group_refresh_log where status = 'completed'
"""


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """The browser, or a skip. Everything else of this folder waits for it."""
    profile = tmp_path_factory.mktemp("profile")
    with chromium(profile) as made:
        yield made
    # Tens of megabytes, which pytest would keep for three sessions.
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture(scope="package")
def stack(browser: Chrome) -> Iterator[Stack]:
    """Eight companies with their first groups, then a change in each, which one can't take."""
    template = temporary_folder(stacks.PREFIX)
    try:
        stacks.make_template(template)
        with stacks.stack_in(template, SETTINGS) as made:
            made.execute(
                "insert into bg.companies (id, name, employee_min, employee_max, country) "
                "select id, 'Company ' || id, 200, 250, 'GB' from unnest(cast(:c as text[])) as id",
                c=list(COMPANIES),
            )
            made.execute(_PEOPLE, titles=list(TITLES))
            made.start("postgres", "code", "daemon", "webserver")
            assert made.supervisor is not None
            assert programs.wait_for_port(made.port, made.supervisor, READY)
            _wait_for(made, len(COMPANIES), "all companies have their first groups")
            made.execute(_POISON)
            made.execute("update bg.people set title = 'CFO' where title = 'Finance Manager'")
            _wait_for(made, 2 * len(COMPANIES) - 1, "all but one have taken the change")
            yield made
    finally:
        shutil.rmtree(template)


@pytest.fixture(scope="package")
def backfill(browser: Chrome, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a backfill of the chosen companies, launched with clicks as a person would."""
    page = Page(browser, _base(stack), tmp_path_factory.mktemp("launch"))
    page.open("/assets/buyer_groups?view=partitions")
    page.wait_for(f"{len(COMPANIES)} Partitions Selected", *COMPANIES)
    page.click("Materialize…", kind="button")
    page.click("Select a partition or create one")
    for company in CHOSEN:
        page.click_menu(company)
    page.press_escape()
    page.wait_for(f"{len(CHOSEN)} partitions")
    page.picture("chosen")
    page.click("Launch backfill", kind="button")
    page.wait_for("Created backfill")
    page.click("View")
    page.wait_for("Partitions targeted")
    return page.path()


@pytest.fixture
def page(browser: Chrome, stack: Stack, tmp_path: Path) -> Iterator[Page]:
    """The UI in the browser. What it shows when the test ends is the last picture."""
    made = Page(browser, _base(stack), tmp_path)
    yield made
    made.picture("zz-end")


def _base(stack: Stack) -> str:
    return f"http://127.0.0.1:{stack.port}"


def _wait_for(stack: Stack, completed: int, what: str) -> None:
    eventually(lambda: stack.value(_COMPLETED) == completed, READY, what)
