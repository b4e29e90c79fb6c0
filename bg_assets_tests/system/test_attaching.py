"""The running system on tables of somebody else's: what their owner writes becomes a group."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import DJANGO, SHAPES, Shape, as_owner
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.conftest import SETTINGS
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.system, pytest.mark.slow]
DEAD = "select count(*) from bg.buyer_group_refresh_log where status = 'dead'"
OUTAGES = "select max(outages) from bg.buyer_group_refresh_log where company_id = :company"
MEMBERS = "select person_id from bg.buyer_group_members where company_id = :company"


@pytest.fixture(scope="module")
def own_stack(template_home: Path) -> Iterator[Stack]:
    """A system of its own: while a table is attached, nobody writes to bg.people."""
    with stacks.stack_in(template_home, {**SETTINGS, "BG_REFRESH_INTERVAL": "0"}) as made:
        made.start("postgres", "code", "daemon")
        yield made


def attach_and_build(stack: Stack, shape: Shape) -> None:
    shapes.make(stack.engine, shape)
    mapping = [f"--map={ours}={theirs}" for ours, theirs in shape.mapping.items()]
    for kind, table, more in (
        ("companies", shape.companies, []), ("people", shape.people, mapping),
    ):  # fmt: skip
        done = stack.cli("attach", kind, "--table", table, *more)
        assert done.returncode == 0, done.stderr
    world.settle(stack, [shape.company], seconds=90)


def detach(stack: Stack) -> None:
    for kind in ("people", "companies"):
        assert stack.cli("detach", kind).returncode == 0


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_an_update_through_the_owners_table_leads_to_a_group(
    own_stack: Stack, shape: Shape
) -> None:
    attach_and_build(own_stack, shape)
    assert shape.ada in own_stack.rows(MEMBERS, company=shape.company)[0]
    built = len(world.log_of(own_stack, shape.company))
    as_owner(own_stack.engine, shape.retitle)
    world.settle(own_stack, [shape.company])
    changed = world.log_of(own_stack, shape.company)[built:]
    as_owner(own_stack.engine, f"truncate {shape.people} cascade")
    world.settle(own_stack, [shape.company])
    left = own_stack.rows(MEMBERS, company=shape.company)
    detach(own_stack)

    assert [(one.status, one.reason) for one in changed] == [("completed", "role_change")]
    assert (changed[0].finished_at - changed[0].requested_at).total_seconds() < 20
    assert left == []


def test_while_a_column_is_gone_groups_stay_and_nothing_is_given_up(own_stack: Stack) -> None:
    own_stack.execute("drop table if exists app_person, app_company")
    attach_and_build(own_stack, DJANGO)
    members = own_stack.rows(MEMBERS, company=DJANGO.company)
    as_owner(own_stack.engine, "alter table app_person rename column job_title to role",
             "update app_person set is_active = false where id = 1")  # fmt: skip
    said = own_stack.cli("refresh", DJANGO.company)
    eventually(
        lambda: own_stack.value(OUTAGES, company=DJANGO.company), 180, "a refresh has failed",
    )  # fmt: skip
    assert own_stack.rows(MEMBERS, company=DJANGO.company) == members
    doctor = own_stack.cli("doctor")
    again = own_stack.cli("attach", "people", "--table", "app_person", "--map", "title=role")
    world.settle(own_stack, [DJANGO.company], seconds=240)

    assert said.returncode == again.returncode == 0, again.stderr
    assert "renamed to role" in doctor.stdout
    assert "--map title=role" in doctor.stdout
    assert own_stack.value(DEAD) == 0
    assert "1" not in {row[0] for row in own_stack.rows(MEMBERS, company=DJANGO.company)}
    detach(own_stack)
