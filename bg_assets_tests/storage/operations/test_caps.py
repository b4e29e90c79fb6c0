"""What a provider may cost: reserved before the call, settled after it, never passed."""

from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bg_assets.domain.enrichment.asking import (
    NotChecked,
    PermanentFailure,
    TemporaryFailure,
)
from bg_assets.domain.enrichment.policy import DAY, Policy
from bg_assets_tests.storage.operations.conftest import Asker
from bg_assets_tests.storage.operations.playing import ANN, Played
from bg_assets_tests.storage.rows import rows, run, value


def caps(daily: str | None = None, monthly: str | None = None, **of: str) -> Policy:
    """A policy with caps for all providers, and daily ones for some."""
    each = {name: Decimal(amount) for name, amount in of.items()}
    return Policy(
        daily=each if daily is None else {"": Decimal(daily), **each},
        monthly={} if monthly is None else {"": Decimal(monthly)},
    )


def paid(price: str, cost: str | None = None, name: str = "pdl") -> Played:
    answer = replace(ANN, cost=Decimal(cost or price))
    return Played([answer], name=name, costs=Decimal(price))


def test_without_a_cap_nothing_that_has_a_price_is_asked(ask: Asker) -> None:
    provider = paid("0.28")
    with pytest.raises(NotChecked, match=r"^pdl: .*0\.28 US dollars and no cap .*BG_ENRICH_CAP_"):
        ask(provider, policy=Policy())
    assert provider.calls == []
    assert value(ask.engine, "select count(*) from bg.pipeline_operations") == 0
    assert value(ask.engine, "select refused_price from bg.provider_health") == Decimal("0.28")
    assert not ask(Played(name="csv"), policy=Policy()).cached


@pytest.mark.parametrize("cap", [caps("1"), caps(monthly="1"), caps("5", monthly="1")])
def test_a_cap_is_reached_and_not_passed(ask: Asker, cap: Policy) -> None:
    provider = paid("0.3")
    for who in ("p1", "p2", "p3"):
        ask(provider, who, cap)
    with pytest.raises(NotChecked, match=r"of the 1\.00 US dollars a .* 0\.90 US dollars are"):
        ask(provider, "p4", cap)
    assert len(provider.calls) == 3
    assert ask(provider, "p1", cap).cached
    # What is left is enough for something cheaper.
    ask(paid("0.1"), "p4", cap)


def test_a_cap_of_nothing_lets_only_what_is_free_through(ask: Asker) -> None:
    with pytest.raises(NotChecked):
        ask(paid("0.01"), policy=caps("0"))
    ask(Played(), policy=caps("0"))


def test_a_provider_has_a_cap_of_its_own_before_that_of_all(ask: Asker) -> None:
    cap = caps("1", pdl="3", csv="0")
    ask(paid("2"), policy=cap)
    for name in ("csv", "other"):
        with pytest.raises(NotChecked):
            ask(paid("2", name=name), policy=cap)


def test_caps_are_reckoned_with_what_was_really_paid(ask: Asker) -> None:
    ask(paid("1", cost="0.1"), "p1", caps("1.1"))
    ask(paid("1", cost="0"), "p2", caps("1.1"))
    ask(paid("1", cost="1"), "p3", caps("1.1"))
    with pytest.raises(NotChecked, match=r"1\.10 US dollars are"):
        ask(paid("1"), "p4", caps("1.1"))


def test_more_than_the_price_is_on_the_bill_too(ask: Asker) -> None:
    ask(paid("1", cost="1.5"), policy=caps("2"))
    assert value(ask.engine, "select cost from bg.provider_costs") == Decimal("1.5")
    assert value(ask.engine, "select cost from bg.pipeline_operations") == Decimal("1.5")


def test_a_failure_may_have_been_paid_each_time(ask: Asker) -> None:
    failure = TemporaryFailure("cut off", billed=Decimal("0.4"))
    provider = Played([failure], costs=Decimal("0.4"))
    with pytest.raises(TemporaryFailure):
        ask(provider, policy=caps("1"))
    # The third try could have passed the cap.
    assert len(provider.calls) == 2
    assert value(ask.engine, "select cost from bg.provider_costs") == Decimal("0.8")
    (row,) = rows(ask.engine, "select status, cost, reserved, leased_until "
                  "from bg.pipeline_operations")  # fmt: skip
    assert row == {
        "status": "failed", "cost": Decimal("0.8"), "reserved": None, "leased_until": None,
    }  # fmt: skip
    told = ask(paid("0.2", name="pdl"), "p2", caps("1"))
    assert told.answer.cost == Decimal("0.2")


def test_the_cost_that_is_told_has_that_of_tries_that_failed(ask: Asker) -> None:
    cut_off = TemporaryFailure("cut off", billed=Decimal("0.4"))
    script = (cut_off, replace(ANN, cost=Decimal("0.3")))
    told = ask(Played(script, costs=Decimal("0.4")), policy=caps("5"))
    assert told.answer.cost == Decimal("0.7")
    with pytest.raises(PermanentFailure):
        ask(Played([PermanentFailure("odd", billed=Decimal("0.3"))], costs=Decimal(1)), "p2",
            caps("5"))  # fmt: skip
    assert value(ask.engine, "select sum(cost) from bg.provider_costs") == 1


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
def test_days_and_months_are_those_of_utc_wherever_the_server_is(ask: Asker, zone: str) -> None:
    database = ask.engine.url.database
    run(ask.engine, f"alter database {database} set timezone to '{zone}'")
    ask.engine.dispose()
    ask.time.zone = ZoneInfo(zone)
    # From START, noon on 2 March 2026, it is 28.5 days to the 31st.
    ask.time.seconds = 28.5 * DAY - 1
    ask(paid("1"), "p1", caps("1"))
    with pytest.raises(NotChecked, match="a day"):
        ask(paid("1"), "p2", caps("1"))
    ask.time.seconds = 28.5 * DAY
    ask(paid("1"), "p2", caps("1"))
    ask.time.seconds = 29.5 * DAY - 1
    with pytest.raises(NotChecked, match="a month"):
        ask(paid("1"), "p3", caps(monthly="2"))
    ask.time.seconds = 29.5 * DAY
    ask(paid("1"), "p3", caps("1", monthly="2"))
    billed = rows(ask.engine, "select day::text from bg.provider_costs order by day")
    assert [row["day"] for row in billed] == ["2026-03-30", "2026-03-31", "2026-04-01"]


def test_what_is_reserved_counts_while_the_call_is_under_way(ask: Asker) -> None:
    def other() -> None:
        with pytest.raises(NotChecked, match=r"1\.00 US dollars are spent or reserved"):
            ask(paid("1"), "p2", caps("1.5"))

    ask(replace(paid("1", cost="0.2"), while_asked=other), "p1", caps("1.5"))
    ask(paid("1"), "p2", caps("1.5"))


def test_a_question_that_is_asked_anew_adds_to_its_bill(ask: Asker) -> None:
    for day in range(3):
        ask.time.seconds = day * DAY
        ask(paid("0.5"), policy=caps("1"))
    assert value(ask.engine, "select cost from bg.pipeline_operations") == Decimal("1.5")
    assert rows(ask.engine, "select found, cost from bg.provider_costs order by day") == [
        {"found": 1, "cost": Decimal("0.5")}] * 3  # fmt: skip
