"""Settings that are kept as they were written, and what can't be meant in them."""

from bg_assets.alerting import configured
from bg_assets.cli import session
from bg_assets.domain.kpis import catalogue
from bg_assets.settings import Settings


def require(config: Settings) -> None:
    """End with exit code 2 where this process's own environment has one that can't be meant.

    Those who use them go on with what is right, so that commands that are about nothing of it, and
    what runs, are not stopped.
    """
    found = [catalogue.mistake(config.kpi_targets), *configured.read(config).mistakes]
    mistakes = [one for one in found if one]
    if mistakes:
        session.fail(mistakes, session.USAGE)
