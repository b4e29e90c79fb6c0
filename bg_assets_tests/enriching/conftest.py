"""The command, a world with groups, and a server that plays People Data Labs."""

from bg_assets_tests import refreshing
from bg_assets_tests.cli import conftest as cli
from bg_assets_tests.providers import conftest as providers

instance = refreshing.instance
world = refreshing.world
bg = cli.bg
fake = providers.fake
