"""The running system on tables of somebody else's: what events tell of people becomes a group."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import PRISMA, RAILS, Shape
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.conftest import SETTINGS
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.system, pytest.mark.slow]
MEMBERS = "select person_id from bg.buyer_group_members where company_id = :company order by 1"
TITLES = {
    "prisma": """select "jobTitle" from people where "companyId" = 'clq1' order by 1""",
    "rails": "select title from app.people where company_id = 7 order by 1",
}


@pytest.fixture(scope="module")
def own_stack(template_home: Path) -> Iterator[Stack]:
    with stacks.stack_in(template_home, {**SETTINGS, "BG_REFRESH_INTERVAL": "0"}) as made:
        made.start("postgres", "code", "daemon", "receiver")
        added = made.cli("webhook", "add-source", "crm", "--scheme", "standard", "--may-create")
        assert added.returncode == 0, added.stderr
        yield made


def tell(stack: Stack, shape: Shape, kind: str, person: dict[str, Any]) -> None:
    event = stack.home / "event.json"
    company = {"id": shape.company, "name": "Acme"}
    event.write_text(json.dumps({"type": kind, "company": company, "person": person}))
    sent = stack.cli("webhook", "send", str(event), "--source", "crm", "--fill")
    assert sent.returncode == 0, sent.stderr


@pytest.mark.parametrize(
    ("shape", "mode", "titles"),
    [
        (PRISMA, "--read-only", ["CFO", "Controller"]),
        (RAILS, "--writable", ["Chief Information Officer", "Controller", "VP Finance"]),
    ],
    ids=["read-only", "writable"],
)
def test_events_about_people_of_an_attached_table_lead_to_a_group(
    own_stack: Stack, shape: Shape, mode: str, titles: list[str]
) -> None:
    stack = own_stack
    shapes.make(stack.engine, shape)
    for arguments in (
        ("companies", "--table", shape.companies), ("people", "--table", shape.people, mode),
    ):  # fmt: skip
        done = stack.cli("attach", *arguments)
        assert done.returncode == 0, done.stderr
    world.settle(stack, [shape.company], seconds=90)
    built = len(world.log_of(stack, shape.company))
    ada = {"id": shape.ada, "name": "Ada A"}
    tell(stack, shape, "person.role_change", {**ada, "newTitle": "VP Finance"})
    hired = {"id": f"crm-{shape.name}", "name": "Eva Lund", "newTitle": "Chief Information Officer"}
    tell(stack, shape, "person.joined", hired)
    handled = "select count(*) = 0 from bg.webhook_events where status <> 'applied'"
    eventually(lambda: stack.value(handled), 60, "the events are applied")
    world.settle(stack, [shape.company], seconds=90)
    changed = world.log_of(stack, shape.company)[built:]
    eva = stack.value(
        "select our_id from bg.webhook_identities where kind = 'person' and external_id = :called",
        called=hired["id"],
    )
    members = {row[0] for row in stack.rows(MEMBERS, company=shape.company)}
    stored = [row[0] for row in stack.rows(TITLES[shape.name])]
    for kind in ("people", "companies"):
        assert stack.cli("detach", kind).returncode == 0

    assert {one.status for one in changed} == {"completed"}
    assert {shape.ada, eva} <= members
    assert stored == titles
