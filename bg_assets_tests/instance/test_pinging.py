"""A connection that rested is asked for a sign of life, one that was just used is not."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets.instance import pinging
from bg_assets_tests.conftest import Cluster

SELECT = sa.text("select pg_backend_pid()")


class Clock:
    """Shows what it is set to, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pinged(database_url: str, clock: Clock) -> Iterator[sa.Engine]:
    """An engine that keeps two connections."""
    made = sa.create_engine(database_url, pool_size=2, isolation_level="AUTOCOMMIT")
    pinging.ping_rested(made, clock)
    yield made
    made.dispose()


def _backend(engine: sa.Engine) -> int:
    with engine.connect() as conn:
        return int(conn.execute(SELECT).scalar_one())


def _end_all(postgres: Cluster, engine: sa.Engine) -> None:
    name = engine.url.database
    postgres.run(
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
    )


def test_whoever_comes_after_a_rest_does_not_notice_that_the_server_was_away(
    pinged: sa.Engine, clock: Clock, postgres: Cluster
) -> None:
    with pinged.connect() as one, pinged.connect() as two:
        before = {int(conn.execute(SELECT).scalar_one()) for conn in (one, two)}
    _end_all(postgres, pinged)
    clock.now = pinging.RESTED_SECONDS
    with pinged.connect() as one, pinged.connect() as two:
        after = {int(conn.execute(SELECT).scalar_one()) for conn in (one, two)}
    assert len(before) == len(after) == 2
    assert not before & after


def test_who_comes_at_once_finds_it_away_once_and_the_next_does_not(
    pinged: sa.Engine, clock: Clock, postgres: Cluster
) -> None:
    before = _backend(pinged)
    _end_all(postgres, pinged)
    clock.now = pinging.RESTED_SECONDS / 2
    with pytest.raises(sa.exc.OperationalError):
        _backend(pinged)
    assert _backend(pinged) != before


def test_a_connection_in_use_again_and_again_is_never_asked(
    pinged: sa.Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ping = pinged.dialect.do_ping

    def noted(connection: sa.engine.interfaces.DBAPIConnection) -> bool:
        asked.append(connection)
        return ping(connection)

    monkeypatch.setattr(pinged.dialect, "do_ping", noted)
    for _ in range(10):
        _backend(pinged)
        clock.now += pinging.RESTED_SECONDS * 0.9
    assert asked == []
    clock.now += pinging.RESTED_SECONDS
    _backend(pinged)
    assert len(asked) == 1
