"""A world of its own for each test, and a Dagster instance in memory."""

from bg_assets_tests import refreshing

instance = refreshing.instance
world = refreshing.world
