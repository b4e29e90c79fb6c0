"""The job on tables of somebody else's: what their owner writes becomes a group, by one run."""

import pytest

from bg_assets.storage import claims
from bg_assets_tests.refreshing import World
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import PARTITIONED, PRISMA, Shape, as_owner

AT_ONCE = claims.Policy(settle=0, refresh_interval=0, claim_limit=100)


def build(world: World) -> None:
    for request in world.claim(AT_ONCE):
        world.run(request)


def members(world: World, company: str) -> set[str]:
    statement = "select person_id from bg.buyer_group_members where company_id = :company"
    return {row[0] for row in world.sql(statement, company=company)}


@pytest.mark.parametrize("shape", [PRISMA, PARTITIONED], ids=lambda shape: shape.name)
def test_groups_follow_what_is_written_to_an_attached_table(world: World, shape: Shape) -> None:
    shapes.make(world.engine, shape)
    shapes.attach_both(world.engine, shape)
    shapes.catch_up(world.engine)
    world.instance.add_dynamic_partitions("companies", [shape.company, "clq2", "b1"])
    build(world)
    assert shape.ada in members(world, shape.company)
    as_owner(world.engine, f"truncate {shape.people} cascade")
    build(world)

    assert members(world, shape.company) == set()
    assert world.sql("select count(*) from bg.changes where handled_at is null") == [(0,)]


@pytest.mark.slow
def test_while_a_column_is_gone_the_run_fails_and_the_group_stays(world: World) -> None:
    shapes.make(world.engine, PRISMA)
    shapes.attach_both(world.engine, PRISMA)
    shapes.catch_up(world.engine)
    world.instance.add_dynamic_partitions("companies", ["clq1", "clq2"])
    build(world)
    before = members(world, "clq1")
    as_owner(world.engine, PRISMA.leave, PRISMA.drop)
    (request,) = world.claim(AT_ONCE)
    world.run(request, ok=False)

    assert before
    assert members(world, "clq1") == before
    assert world.sql("select count(*) > 0 from bg.changes where handled_at is null") == [(True,)]
