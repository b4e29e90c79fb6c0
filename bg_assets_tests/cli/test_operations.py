"""`operations` tells what providers were asked and what it cost; `purge` keeps the bill."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from bg_assets.domain.enrichment.asking import (
    Answer,
    Failure,
    FoundCompany,
    Kind,
    PermanentFailure,
)
from bg_assets.storage.operations import answering, asking, calls
from bg_assets_tests.cli.command import Command
from bg_assets_tests.storage.operations.playing import ANN, POLICY, Played, about

WRONG_KEY = PermanentFailure("the key is wrong", whole_provider=True)
PRICE = Decimal("0.28")

Ask = Callable[..., None]


@pytest.fixture
def ask(bg: Command, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask providers; those that cost something may cost five dollars a day, pdl one."""
    monkeypatch.setenv("BG_ENRICH_CAP_DAILY", "5,pdl=1")
    policy = replace(POLICY, daily={"": Decimal(5), "pdl": Decimal(1)}, tries=1)

    def go(who: str, does: Answer | BaseException = ANN, name: str = "pdl",
           price: Decimal = PRICE, kind: Kind = Kind.PERSON) -> None:  # fmt: skip
        if isinstance(does, Answer):
            does = replace(does, cost=price)
        provider = Played([does], name=name, costs=price)
        try:
            answering.answer(bg.engine, provider, about(who, kind), policy)
        except Failure:
            assert isinstance(does, Failure) or not provider.calls

    return go


def test_before_anything_was_asked_there_is_nothing_to_tell(bg: Command) -> None:
    assert bg("operations").out == "no provider was ever called\n"
    assert bg.json("operations") == {
        "days": 30, "providers": [], "operations": [], "failures": [],
    }  # fmt: skip
    assert bg.json("status")["providers"] == []


def test_calls_cost_cache_and_failures_are_told_by_provider(bg: Command, ask: Ask) -> None:
    for who, does in (("p1", ANN), ("p1", ANN), ("p2", Answer()), ("p3", WRONG_KEY)):
        ask(who, does)
    ask("p1", name="csv", price=Decimal(0))
    csv, pdl = bg.json("operations")["providers"]
    assert (csv["provider"], csv["cost"]["month"], csv["caps"]["daily"]) == ("csv", 0, 5)
    assert pdl["calls"] == {"found": 1, "not_found": 1, "failed": 1, "lost": 0, "running": 0}
    assert pdl["hits"] == 1
    assert pdl["cost"] == {"today": 0.56, "month": 0.56, "reserved": 0, "uncertain": 0}
    assert pdl["caps"] == {"daily": 1, "monthly": None, "left": 0.44}
    assert (pdl["capped"], pdl["breaker"]["state"]) == (None, "closed")
    assert (pdl["breaker"]["failures"], pdl["breaker"]["error"]) == (1, "pdl: the key is wrong")
    (day,) = pdl["days"]
    assert (day["found"], day["cost"], day["hits"]) == (1, 0.56, 1)

    document = bg.json("operations", "--provider", "pdl")
    assert [one["person_id"] for one in document["operations"]] == ["p3", "p2", "p1"]
    assert [one["status"] for one in document["operations"]] == ["failed", "not_found", "found"]
    assert [one["error"] for one in document["failures"]] == ["pdl: the key is wrong"]
    told = bg("operations").out
    assert "pdl: calls of 30 days: 1 found, 1 not found, 1 failed; 1 from the cache\n" in told
    assert "  today   0.56 US dollars of 1.00 US dollars\n" in told
    assert "pdl person acme p3 failed, 0.00 US dollars: pdl: the key is wrong\n" in told
    assert "Ann" not in told
    assert "acme.example" not in told


def test_calls_can_be_told_of_one_company_or_of_some_days(bg: Command, ask: Ask) -> None:
    bg.companies("quiet")
    ask("p1")
    ask("bolt", Answer(company=FoundCompany()), kind=Kind.COMPANY)
    document = bg.json("operations", "--company", "bolt")
    assert [one["kind"] for one in document["operations"]] == ["company"]
    assert bg.json("operations", "--company", "quiet")["operations"] == []
    assert len(bg.json("operations", "--limit", 1)["operations"]) == 1
    bg.execute("update bg.provider_costs set day = day - 10")
    bg.execute("update bg.pipeline_operations set started_at = started_at - interval '10 days'")
    for days, calls_told in ((5, 0), (20, 2)):
        document = bg.json("operations", "--days", days)
        assert document["providers"][0]["calls"]["found"] == calls_told
        assert len(document["operations"]) == calls_told


def test_of_a_company_only_its_own_questions_are_counted_and_paid(bg: Command, ask: Ask) -> None:
    ask("bolt", Answer(company=FoundCompany()), kind=Kind.COMPANY)
    for who, does in (("p1", ANN), ("p3", WRONG_KEY), ("p2", ANN)):
        ask(who, does)
    (of_bolt,) = bg.json("operations", "--company", "bolt")["providers"]
    (of_other,) = bg.json("operations", "--company", "acme")["providers"]
    nothing = {"found": 0, "not_found": 0, "failed": 0, "lost": 0, "running": 0}
    assert of_bolt["calls"] == {**nothing, "found": 1}
    assert of_other["calls"] == {**nothing, "found": 2, "failed": 1}
    assert (of_bolt["cost"]["so_far"], of_other["cost"]["so_far"]) == (0.28, 0.56)
    assert (of_bolt["cost"]["today"], of_bolt["hits"], of_bolt["days"]) == (None, None, None)
    assert of_bolt["caps"]["daily"] == of_other["caps"]["daily"] == 1
    said = bg("operations", "--company", "bolt").out
    assert said.startswith(
        "pdl: questions about bolt of 30 days: 1 found\n  cost    0.28 US dollars"
    )
    bg.companies("quiet")
    said = bg("operations", "--company", "quiet").out
    assert said == "nobody was asked about quiet in 30 days\n"


def test_what_nobody_knows_is_refused_with_what_is_near(bg: Command, ask: Ask) -> None:
    bg.companies("acme-1")
    ask("p1")
    done = bg("operations", "--company", "acme-2")
    assert (done.code, done.err) == (2, "error: no company acme-2; did you mean acme-1?\n")
    done = bg("operations", "--provider", "pld")
    assert done.code == 2
    assert done.err == "error: no provider pld was ever called; did you mean pdl?\n"
    for wrong in (("--days", 0), ("purge", "--older-than", "soon"), ("purge", "--person", "nix"),
                  ("purge", "--all", "--older-than", "1d")):  # fmt: skip
        assert bg("operations", *wrong).code == 2


def test_a_breaker_that_is_open_is_told_by_status_and_is_no_fault_of_ours(
    bg: Command, ask: Ask
) -> None:
    for number in range(5):
        ask(f"p{number}", WRONG_KEY)
    (note,) = bg.json("status", code=0)["providers"]
    assert note.startswith("provider pdl is left alone since 2")
    assert "after 5 failures in a row (pdl: the key is wrong)" in note
    assert f"{note}\n" in bg("status").out
    assert bg.json("operations")["providers"][0]["breaker"]["state"] == "open"
    assert "  breaker open since 2" in bg("operations").out
    bg.execute("update bg.provider_health set opened_at = opened_at - interval '1 minute'")
    assert bg.json("operations")["providers"][0]["breaker"]["state"] == "half_open"
    assert "the next call is the probe" in bg("operations").out
    ask("p9")
    assert bg.json("status")["providers"] == []


def test_a_cap_that_is_reached_is_told_until_it_is_raised_or_the_day_is_over(
    bg: Command, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        ask(f"p{number}")
    (note,) = bg.json("status")["providers"]
    assert note.startswith("provider pdl is not asked: it costs up to 0.28 US dollars, and of the ")
    assert "BG_ENRICH_CAP_DAILY" in note
    (pdl,) = bg.json("operations")["providers"]
    assert (pdl["capped"]["cap"], pdl["caps"]["left"]) == ("daily", 0.16)
    assert "  not asked: it costs up to 0.28 US dollars" in bg("operations").out
    with monkeypatch.context() as raised:
        raised.setenv("BG_ENRICH_CAP_DAILY", "2")
        assert bg.json("status")["providers"] == []
        assert bg.json("operations")["providers"][0]["capped"] is None
    bg.execute("update bg.provider_costs set day = day - 1")
    assert bg.json("status")["providers"] == []


def test_a_provider_without_a_cap_is_told_to_want_one(
    bg: Command, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("p1", price=Decimal(6))
    monkeypatch.delenv("BG_ENRICH_CAP_DAILY")
    (note,) = bg.json("status")["providers"]
    assert "no cap is set for it: set BG_ENRICH_CAP_DAILY" in note


def test_purging_lets_go_of_answers_that_have_expired_and_the_bill_stays(
    bg: Command, ask: Ask
) -> None:
    for who in ("p1", "p2", "p3"):
        ask(who, price=Decimal("0.2"))
    expire = "update bg.pipeline_operations set expires_at = now() - cast(:ago as interval) "
    bg.execute(expire + "where person_id = 'p1'", ago="100 days")
    bg.execute(expire + "where person_id = 'p2'", ago="1 minute")
    kept = "select person_id from bg.pipeline_operations where output is not null order by 1"
    before = bg.json("operations")["providers"]
    assert bg.json("operations", "purge", "--older-than", "90d") == {
        "purged": 1,
        "closed": 0,
        "lifted": 0,
    }
    assert bg.rows(kept) == [("p2",), ("p3",)]
    assert bg("operations", "purge").out == "1 answer let go of; the bill is as it was\n"
    assert bg.rows(kept) == [("p3",)]
    assert bg.json("operations", "purge")["purged"] == 0
    assert bg.json("operations", "purge", "--all")["purged"] == 1
    assert bg.json("operations")["providers"] == before
    assert bg.value("select sum(cost) from bg.pipeline_operations") == Decimal("0.6")
    audited = bg.rows("select action, count, actor from bg.audit_log order by id")
    assert [(action, count) for action, count, _ in audited] == [("operations.purged", 1)] * 3
    # What was let go of before it had expired is asked again.
    ask("p3", price=Decimal("0.2"))
    assert bg.json("operations")["providers"][0]["calls"]["found"] == 4


def test_purging_a_person_lets_go_of_all_that_may_hold_them(bg: Command, ask: Ask) -> None:
    bg.companies("acme", "bolt")
    people = bg.file("p.csv", "id,company_id,title\np1,acme,CFO\np9,bolt,CFO\n")
    assert bg("import", "people", people).code == 0
    ask("p1")
    ask("p2")
    for company in ("acme", "bolt", "cove"):
        ask(company, kind=Kind.DISCOVERY, name="csv", price=Decimal(0))
        ask(company, kind=Kind.COMPANY, name="csv", price=Decimal(0))
    gone = "select kind, company_id, person_id from bg.pipeline_operations where output is null "
    assert bg.json("operations", "purge", "--person", "p1") == {
        "purged": 2,
        "closed": 0,
        "lifted": 0,
    }
    assert bg.rows(gone + "order by 1") == [("discovery", "acme", None), ("person", "acme", "p1")]
    assert bg.json("operations", "purge", "--person", "p9")["purged"] == 1
    assert bg.value("select count(*) from bg.pipeline_operations where output is null") == 3
    assert bg.rows("select subject from bg.audit_log where action = 'operations.purged' "
                   "order by id") == [("p1",), ("p9",)]  # fmt: skip


def test_a_call_whose_process_is_gone_is_told_as_lost_and_closed_by_a_purge(
    bg: Command, ask: Ask
) -> None:
    asked = asking.asked(Played(costs=PRICE), about())
    with bg.engine.begin() as conn:
        call = calls.begin(conn, asked, "gone", POLICY, answering.CLOCK)
    assert isinstance(call, calls.Call)
    (pdl,) = bg.json("operations")["providers"]
    assert (pdl["calls"]["running"], pdl["cost"]["reserved"]) == (1, 0.28)
    past = "update bg.pipeline_operations set leased_until = leased_until - interval '2 hours'"
    bg.execute(past)
    document = bg.json("operations")
    assert document["operations"][0]["status"] == "lost"
    assert document["providers"][0]["calls"]["running"] == 0
    assert document["providers"][0]["cost"]["reserved"] == 0.28
    assert "0.28 US dollars reserved for calls that are not settled" in bg("operations").out
    done = bg("operations", "purge")
    assert done.out.endswith("1 call closed: gone without a word; the bill has the price\n")
    (pdl,) = bg.json("operations")["providers"]
    assert (pdl["calls"]["lost"], pdl["cost"]["uncertain"], pdl["cost"]["reserved"]) == (1, 0.28, 0)
    assert pdl["caps"]["left"] == 0.72
    assert bg.json("operations", "purge")["closed"] == 0


def test_a_process_that_is_gone_between_two_tries_is_closed_too(bg: Command) -> None:
    asked = asking.asked(Played(costs=PRICE), about())
    with bg.engine.begin() as conn:
        call = calls.begin(conn, asked, "gone", POLICY, answering.CLOCK)
        assert isinstance(call, calls.Call)
        failed = calls.NotAnswered("temporary", "pdl: down", 1.0, again=1.0)
        assert calls.settle_failed(conn, call, failed, POLICY, answering.CLOCK)
    assert bg.json("operations", "purge")["closed"] == 0
    bg.execute("update bg.pipeline_operations set leased_until = now() - interval '2 hours'")
    assert bg.json("operations", "purge")["closed"] == 1
    document = bg.json("operations")
    assert document["providers"][0]["calls"] == {
        "found": 0, "not_found": 0, "failed": 1, "lost": 0, "running": 0,
    }  # fmt: skip
    assert document["operations"][0]["error"] == "pdl: down"


def test_purging_everything_lets_what_was_paid_in_vain_be_asked_again(
    bg: Command, ask: Ask
) -> None:
    ask("p1", PermanentFailure("an odd answer", billed=PRICE))
    (failed,) = bg.json("operations")["failures"]
    assert failed["expires_at"] > failed["finished_at"]
    ask("p1")
    assert bg.json("operations")["providers"][0]["calls"]["found"] == 0
    assert bg.json("operations", "purge")["lifted"] == 0
    assert bg("operations", "purge", "--all").out == (
        "0 answers let go of; the bill is as it was\n"
        "1 question that failed and was paid may be asked again\n"
    )
    ask("p1")
    assert bg.json("operations")["providers"][0]["calls"]["found"] == 1
