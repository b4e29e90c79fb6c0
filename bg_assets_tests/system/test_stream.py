"""What the other tests go by: a witness that sees two at work on one company."""

import pytest

from bg_assets_tests.system import stream, world
from bg_assets_tests.system.stack import Stack

pytestmark = pytest.mark.system

# As another run's, which begins two seconds before the last step of the one that is there ended.
_PLANT = """
    insert into witness.refreshes (refresh_id, company_id, run_id, status, at)
    select gen_random_uuid(), company_id, gen_random_uuid(), 'running', at - interval '2 s'
    from witness.refreshes where company_id = any(:ids) order by seq desc limit 1
"""


def test_two_runs_at_work_on_one_company_and_two_refreshes_at_once_are_seen(stack: Stack) -> None:
    stream.watch(stack)
    companies = world.grow(stack, "witness-", 1)
    assert stream.overlapping(stack, companies) == []
    assert stream.runs_that_went_on(stack, companies) == []
    stack.execute(_PLANT, ids=companies)
    assert stream.overlapping(stack, companies) == []
    ((one, other),) = stream.runs_that_went_on(stack, companies)
    assert one.run_id == world.log_of(stack, companies[0])[0].run_id != other.run_id
    stack.execute(_PLANT, ids=companies)
    assert stream.overlapping(stack, companies) == companies
