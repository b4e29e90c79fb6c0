"""A real client and a server that misbehaves: nothing is paid twice or believed, none is named."""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import (
    CompanyAsked,
    Failure,
    Kind,
    NotChecked,
    PersonAsked,
    Question,
)
from bg_assets.domain.enrichment.policy import Policy
from bg_assets.providers.pdl import PeopleDataLabs
from bg_assets.storage.operations import answering
from bg_assets_tests.providers.fake_pdl import KEY, FakePdl, fake_pdl
from bg_assets_tests.providers.plays import Play
from bg_assets_tests.storage.rows import rows, value

WHO = PersonAsked("p1", "Nobody Invented", "CFO", "nobody@invented.example")
QUESTION = Question(Kind.PERSON, CompanyAsked("acme", "Acme Invented", "invented.example"), WHO)
POLICY = Policy(daily={"": Decimal(100)}, seconds=0.25, patience=1, backoff=0.01, tries=2)


@pytest.fixture
def fake() -> Iterator[FakePdl]:
    with fake_pdl() as server:
        yield server


@pytest.mark.parametrize("play", [one for one in Play if one is not Play.WELL])
def test_whatever_the_server_does_the_bill_is_right_and_names_nobody(
    engine: sa.Engine, fake: FakePdl, play: Play
) -> None:
    fake.always = play
    provider = PeopleDataLabs(KEY, fake.url)
    began = time.monotonic()
    told = []
    for _ in range(2):
        try:
            answering.answer(engine, provider, QUESTION, POLICY)
        except Failure as err:
            told.append(str(err))
    assert time.monotonic() - began < 12
    billed, may_be = rows(engine, "select sum(cost) as a, sum(cost + uncertain) as b "
                          "from bg.provider_costs")[0].values()  # fmt: skip
    assert billed <= may_be
    # What the server billed is on the bill, and what it answered was asked for once.
    assert Decimal("0.28") * fake.billed <= may_be
    text = value(engine, "select string_agg(o::text, ' ') from bg.pipeline_operations as o")
    for secret in (KEY, "Nobody Invented", "nobody@invented.example"):
        assert secret not in " ".join([text, *told])
    assert value(engine, "select count(*) from bg.pipeline_operations where reserved > 0") == 0


def test_a_provider_that_was_never_configured_with_a_cap_is_not_called(
    engine: sa.Engine, fake: FakePdl
) -> None:
    with pytest.raises(NotChecked, match="no cap is set"):
        answering.answer(engine, PeopleDataLabs(KEY, fake.url), QUESTION, Policy())
    assert fake.calls == []
