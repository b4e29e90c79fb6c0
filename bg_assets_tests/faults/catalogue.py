"""All faults by name, in the order in which they are injected."""

from bg_assets_tests.faults import clocks, kills, postgres, providers, runs
from bg_assets_tests.faults.trial import Fault

FAULTS: dict[str, Fault] = {
    **kills.FAULTS,
    **runs.FAULTS,
    **postgres.FAULTS,
    **providers.FAULTS,
    **clocks.FAULTS,
}

# Each takes minutes; the slow tests fill a disk too.
LONG = frozenset({
    "run submission raises", "tick cut", "connections exhausted", "disk full",
    "a poisoned company in 300", "two machines",
})  # fmt: skip
