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
