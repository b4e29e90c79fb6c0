"""A collector of spans for each test that wants one, and a world in which there is something."""

from bg_assets_tests import refreshing
from bg_assets_tests.tracing import sending

collector = sending.collector
instance = refreshing.instance
world = refreshing.world
