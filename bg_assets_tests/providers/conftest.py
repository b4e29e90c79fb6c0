"""A server that plays the provider, fresh for each test."""

from collections.abc import Iterator

import pytest

from bg_assets_tests.providers.fake_pdl import FakePdl, fake_pdl


@pytest.fixture
def fake() -> Iterator[FakePdl]:
    with fake_pdl() as server:
        yield server
