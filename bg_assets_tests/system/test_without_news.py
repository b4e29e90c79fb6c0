"""A company of which nothing is heard is refreshed by the running system, by its own schedule."""

import pytest

from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.system, pytest.mark.slow]

# The schedule looks each minute, but not in the first one after a start.
SECONDS = 150


def test_a_company_whose_moment_has_come_is_refreshed_once_and_no_other(stack: Stack) -> None:
    companies = world.grow(stack, "silent-", 2, seconds=90)
    stack.execute(
        "update bg.next_refreshes set at = now() - interval '1 day' where company_id = :id",
        id=companies[0],
    )
    eventually(
        lambda: len(world.log_of(stack, companies[0])) == 2, SECONDS, "the schedule has asked"
    )
    world.settle(stack, companies)

    assert [len(world.log_of(stack, one)) for one in companies] == [2, 1]
    last = world.log_of(stack, companies[0])[-1]
    assert (last.status, last.reason, last.not_before) == ("completed", "resync", None)
    (change,) = stack.rows(
        "select source, priority, new from bg.changes where refresh_id = cast(:id as uuid)",
        id=last.id,
    )
    assert (change.source, change.priority, change.new) == ("schedule", -20, {"asked": "monthly"})
    later = "select at > now() from bg.next_refreshes where company_id = :id"
    assert stack.value(later, id=companies[0]) is True
    world.assert_groups_as_recomputed(stack, companies)
