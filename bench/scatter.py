"""One UPDATE that changes a person in each of many scattered companies: runs, and seconds to all.

`--companies N …` takes other numbers than 500 and 5,000.
"""

import argparse
import sys
from collections.abc import Sequence

import sqlalchemy as sa

from bench import running

_TAKEN = sa.text("""
    select count(distinct r.run_id) as runs, count(distinct r.company_id) as companies,
        extract(epoch from max(r.finished_at) - max(c.occurred_at))::float as all_groups,
        extract(epoch from min(r.finished_at) - max(c.occurred_at))::float as first_groups
    from bg.changes as c join bg.buyer_group_refresh_log as r on r.id = c.refresh_id
    where c.kind = 'role_change' and r.status = 'completed' and c.company_id = any(:ids)
""")


def main(arguments: Sequence[str]) -> None:
    """Print for each number: companies, runs, seconds to the first groups and to the last."""
    parser = argparse.ArgumentParser(prog="python -m bench scatter", description=__doc__)
    parser.add_argument("--companies", type=int, nargs="+", default=[500, 5000])
    numbers: list[int] = parser.parse_args(arguments).companies
    with running.running(settle=0) as engine:
        for turn, number in enumerate(numbers):
            # Every other one changes.
            chosen = running.grow(engine, f"scatter-{turn}-", 2 * number, seconds=900)[::2]
            running.retitle(engine, chosen, "Treasurer")
            running.settle(engine, seconds=900)
            with engine.begin() as conn:
                row = conn.execute(_TAKEN, {"ids": chosen}).one()
            sys.stdout.write(
                f"BG_SETTLE=0: {row.companies} scattered companies in {row.runs} runs, "
                f"first groups after {row.first_groups:.1f} s, all after {row.all_groups:.1f} s\n"
            )
            sys.stdout.flush()
