"""A receiver on a fresh database, on a thread."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from bg_assets_tests.receiver.doors import Door, on_a_thread


@pytest.fixture
def door(database_url: str, engine: Engine) -> Iterator[Door]:
    """A receiver that knows the source ``crm``, of the standard scheme."""
    with on_a_thread(database_url, engine) as made:
        made.add()
        yield made
