"""The running system on tables of somebody else's: what their owner writes becomes a group."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import SHAPES, Shape, as_owner
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.conftest import SETTINGS
from bg_assets_tests.system.stack import Stack

pytestmark = [pytest.mark.system, pytest.mark.slow]
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
