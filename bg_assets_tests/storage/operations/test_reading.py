"""What is already known is found without asking, and the settings make the rules."""

from decimal import Decimal

from bg_assets import settings
from bg_assets.domain.enrichment.asking import Kind, PermanentFailure
from bg_assets.domain.enrichment.policy import DAY, EXPIRY, Caps
from bg_assets.storage.operations import reading
from bg_assets.storage.operations.policy import policy_of
from bg_assets_tests.storage.operations.conftest import Asker
from bg_assets_tests.storage.operations.playing import ANN, POLICY, Played, about
from bg_assets_tests.storage.rows import at, value


def test_answers_that_have_not_expired_are_known_without_being_counted(ask: Asker) -> None:
    provider = Played([ANN, PermanentFailure("odd")])
    ask(provider, "p1")
    try:
        ask(provider, "p2")
    except PermanentFailure:
        ask.time.seconds = 60
    questions = [about("p1"), about("p2"), about("p3"), about("p1", Kind.DISCOVERY)]

    def known(by: Played = provider) -> object:
        with ask.engine.connect() as conn:
            return reading.known(conn, by, questions, ask.time.now(conn))

    assert known() == {about("p1"): (ANN, at(0))}
    assert known(Played(name="csv")) == {}
    ask.time.seconds = DAY
    assert known() == {}
    assert value(ask.engine, "select count(*) from bg.provider_hits") == 0


def test_the_settings_make_the_policy() -> None:
    policy = policy_of(
        settings.read(
            {"BG_ENRICH_CAP_DAILY": "pdl=5", "BG_ENRICH_CAP_MONTHLY": "50,csv=0",
             "BG_ENRICH_EXPIRY": "person=2h"}
        )
    )  # fmt: skip
    assert policy.caps("pdl") == Caps(Decimal(5), Decimal(50))
    assert policy.caps("csv") == Caps(None, Decimal(0))
    assert (policy.lasts(Kind.PERSON), policy.lasts(Kind.COMPANY)) == (7200, 7 * DAY)
    nothing = policy_of(settings.read({}))
    assert nothing.caps("pdl") == Caps()
    assert {kind: nothing.lasts(kind) for kind in Kind} == dict(EXPIRY) == dict(POLICY.expiry)
