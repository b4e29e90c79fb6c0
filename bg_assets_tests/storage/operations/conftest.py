"""Asking in one process, with a time of the test's own."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import Kind, Question
from bg_assets.domain.enrichment.policy import Policy
from bg_assets.storage import database
from bg_assets.storage.operations import answering, asking, calls
from bg_assets.storage.operations.answering import Told
from bg_assets_tests.storage.operations.playing import POLICY, Played, Time, about


class Asker:
    """Asks a provider through the tables."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine, self.time = engine, Time()
        self.policy, self.chance = POLICY, 0.5

    def __call__(
        self,
        provider: Played,
        who: str | Question = "p1",
        policy: Policy | None = None,
        kind: Kind = Kind.PERSON,
    ) -> Told:
        question = who if isinstance(who, Question) else about(who, kind)
        clock = self.time.clock(self.chance)
        return answering.answer(self.engine, provider, question, policy or self.policy, clock)

    def left_behind(self, who: str, price: str = "0") -> calls.Call:
        """A call of a process that is gone in the middle of it."""
        asked = asking.asked(Played(costs=Decimal(price)), about(who))
        with self.engine.begin() as conn:
            call = calls.begin(conn, asked, "gone", self.policy, self.time.clock())
        assert isinstance(call, calls.Call)
        return call


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def ask(engine: sa.Engine) -> Asker:
    return Asker(engine)
