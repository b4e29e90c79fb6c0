"""Whatever a server does, the call to it ends in time and in bounded memory, and tells nothing."""

import logging
import threading
import time
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bg_assets.domain.enrichment.asking import Failure, PermanentFailure, TemporaryFailure
from bg_assets.domain.webhooks.retrying import retry_after
from bg_assets.providers import calling
from bg_assets.providers.pdl import PeopleDataLabs
from bg_assets_tests.providers.fake_pdl import KEY, FakePdl, fake_pdl
from bg_assets_tests.providers.plays import WAIT, Play
from bg_assets_tests.providers.questions import ABOUT_ADA, ABOUT_VANE, ADA, WHO_IS_THERE, client

PRICE = Decimal("0.28")
NOTHING = Decimal(0)
# The failure, what its message must say, what may have been paid, and whether all would fail so.
TEMPORARY = {
    Play.BUSY_SECONDS: ("429", NOTHING),
    Play.BUSY_DATE: ("429", NOTHING),
    Play.BUSY_RESET: ("429", NOTHING),
    Play.BROKEN: ("500", NOTHING),
    Play.BAD_GATEWAY: ("502", NOTHING),
    Play.AWAY: ("503", NOTHING),
    Play.CUT: ("broke off", PRICE),
    Play.CLOSED: ("broke off", PRICE),
    Play.HANG: ("within", PRICE),
    Play.DRIP: ("within", PRICE),
    Play.DRIP_HEADERS: ("within", PRICE),
}
PERMANENT = {
    Play.REFUSED: ("refuses this question", NOTHING, False),
    Play.WRONG_KEY: ("BG_PDL_KEY", NOTHING, True),
    Play.FORBIDDEN: ("BG_PDL_KEY", NOTHING, True),
    Play.NO_CREDIT: ("no credit", NOTHING, True),
    Play.BAD_METHOD: ("BG_PDL_URL", NOTHING, True),
    Play.NOT_THE_API: ("BG_PDL_URL", NOTHING, True),
    Play.REDIRECT_HERE: ("BG_PDL_URL", NOTHING, True),
    Play.REDIRECT_AWAY: ("BG_PDL_URL", NOTHING, True),
    Play.GARBAGE: ("not JSON", PRICE, True),
    Play.HTML: ("not JSON", PRICE, True),
    Play.NAN: ("NaN", PRICE, True),
    Play.DEEP: ("nested too deeply", PRICE, True),
    Play.TWICE: ("a key comes twice", PRICE, True),
    Play.OTHER_SHAPE: ("data.full_name is no text", PRICE, True),
    Play.HUGE: ("more than", PRICE, False),
    Play.HUGE_CHUNKED: ("more than", PRICE, False),
    Play.GZIP_BOMB: ("compressed", PRICE, False),
}


def _failure(fake: FakePdl, seconds: float = 5) -> Failure:
    with pytest.raises(Failure) as failed:
        client(fake).ask(ABOUT_ADA, seconds)
    return failed.value


def _tells_nothing(text: str) -> None:
    for secret in (KEY, "Quill", "quill", str(ADA.email), "Ada", "harbourvane", "127.0.0.1"):
        assert secret not in text


def test_every_play_is_tried_here_or_with_the_right_answers() -> None:
    right = {Play.WELL, Play.PLAN_HIDES, Play.ANOTHER, Play.NOBODY, Play.WRONG_TYPE}
    assert {*TEMPORARY, *PERMANENT, *right} == set(Play)


@pytest.mark.parametrize("play", TEMPORARY)
def test_what_may_pass_is_temporary(fake: FakePdl, play: Play) -> None:
    says, billed = TEMPORARY[play]
    fake.play(play)
    began = time.monotonic()
    failure = _failure(fake, 0.4)
    assert time.monotonic() - began < 2
    assert isinstance(failure, TemporaryFailure)
    assert says in str(failure)
    assert failure.billed == billed
    _tells_nothing(f"{failure} {failure!r} {failure.__cause__!r}")
    assert failure.__suppress_context__ or failure.__context__ is None


@pytest.mark.parametrize("play", PERMANENT)
def test_what_takes_somebody_to_mend_it_is_permanent(fake: FakePdl, play: Play) -> None:
    says, billed, whole_provider = PERMANENT[play]
    fake.play(play)
    failure = _failure(fake)
    assert isinstance(failure, PermanentFailure)
    assert says in str(failure)
    assert (failure.billed, failure.whole_provider) == (billed, whole_provider)
    _tells_nothing(f"{failure} {failure!r}")


@pytest.mark.parametrize("play", [Play.OTHER_SHAPE, Play.NAN, Play.HUGE, Play.DRIP, Play.AWAY])
@pytest.mark.parametrize("question", [ABOUT_VANE, WHO_IS_THERE])
def test_companies_and_searches_fail_in_the_same_ways(
    fake: FakePdl, play: Play, question: object
) -> None:
    fake.play(play)
    with pytest.raises((TemporaryFailure, PermanentFailure)):
        client(fake).ask(question, 0.4)  # type: ignore[arg-type]


@pytest.mark.parametrize("play", [Play.BUSY_SECONDS, Play.BUSY_DATE, Play.BUSY_RESET])
def test_how_long_it_wants_to_be_left_alone_is_understood(fake: FakePdl, play: Play) -> None:
    fake.play(play)
    failure = _failure(fake)
    assert isinstance(failure, TemporaryFailure)
    assert failure.retry_after is not None
    # A date has whole seconds, and the call took a moment.
    assert WAIT - 2 <= failure.retry_after <= WAIT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "12"}, 12),
        ({"retry-after": "9" * 400}, 86_400),
        ({"retry-after": "Sat, 31 Jan 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Sat, 31 Jan 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "Sat, 31 Jan 2099 12:00:00 GMT"}, 86_400),
        ({"retry-after": "Sat, 31 Jan 2026 12:00:30 -0000"}, 30),
        ({"retry-after": "Sat, 31 Jan 99999 12:00:30 GMT"}, None),
        ({"x-ratelimit-reset": "2026-01-31T12:01:00Z"}, 60),
        ({"x-ratelimit-reset": "1516124358"}, None),
    ],
)
def test_both_forms_of_retry_after_are_read_and_nonsense_is_nothing(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, datetime(2026, 1, 31, 12, tzinfo=UTC)) == seconds


def test_a_redirect_takes_the_key_nowhere(fake: FakePdl) -> None:
    with fake_pdl() as elsewhere:
        fake.elsewhere = elsewhere.url
        fake.play(Play.REDIRECT_AWAY)
        _failure(fake)
        assert elsewhere.calls == []


def test_a_right_answer_under_a_wrong_label_is_an_answer(fake: FakePdl) -> None:
    fake.play(Play.WRONG_TYPE)
    assert client(fake).ask(ABOUT_ADA, 5).people[0].key == "inv-0001"


def test_nobody_there_is_temporary_and_costs_nothing() -> None:
    with fake_pdl() as gone:
        pass
    failure = _failure(gone)
    assert isinstance(failure, TemporaryFailure)
    assert failure.billed == 0
    _tells_nothing(str(failure))


def test_a_name_that_leads_nowhere_is_temporary() -> None:
    provider = PeopleDataLabs(KEY, "https://nobody.invalid")
    with pytest.raises(TemporaryFailure, match="no connection") as failed:
        provider.ask(ABOUT_ADA, 5)
    assert failed.value.billed == 0
    assert "nobody.invalid" not in str(failed.value)


def test_one_who_does_not_speak_tls_gets_no_key(fake: FakePdl) -> None:
    provider = PeopleDataLabs(KEY, fake.url.replace("http://", "https://"))
    with pytest.raises(TemporaryFailure) as failed:
        provider.ask(ABOUT_ADA, 5)
    assert failed.value.billed == 0
    assert fake.calls == []


@pytest.mark.parametrize("play", [Play.HUGE, Play.HUGE_CHUNKED, Play.GZIP_BOMB])
def test_a_huge_answer_is_refused_while_it_comes(fake: FakePdl, play: Play) -> None:
    fake.play(play)
    # The server's own share is what it has made beforehand.
    tracemalloc.start()
    try:
        _failure(fake)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    server = 110 << 20 if play is Play.GZIP_BOMB else 0
    assert peak - server < 20 << 20


def test_what_was_waited_for_too_long_ends_as_well(fake: FakePdl) -> None:
    fake.play(Play.DRIP, Play.DRIP_HEADERS, Play.HANG)
    for _ in range(3):
        _failure(fake, 0.2)
    until = time.monotonic() + 5
    while any(one.name == calling._THREAD for one in threading.enumerate()):
        assert time.monotonic() < until, "a thread still waits for the answer"
        time.sleep(0.01)


def test_no_log_says_who_was_asked_for(fake: FakePdl, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        client(fake).ask(ABOUT_ADA, 5)
        fake.play(Play.BROKEN)
        _failure(fake)
    _tells_nothing(caplog.text)


def test_settings_of_the_machine_lead_nowhere_else(
    fake: FakePdl, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_pdl() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        client(fake).ask(ABOUT_ADA, 5)
        assert (len(fake.calls), len(proxy.calls)) == (1, 0)


def test_an_answer_just_within_the_limit_is_read(fake: FakePdl) -> None:
    whole = client(fake)
    small = replace(whole, most_bytes=200)
    assert whole.ask(ABOUT_ADA, 5).people
    with pytest.raises(PermanentFailure, match="more than 200 bytes"):
        small.ask(ABOUT_ADA, 5)
