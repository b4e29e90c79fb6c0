"""What events about companies lead to, in whatever order they come."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from bg_assets.domain.webhooks.applying import Pending, Verdict, fold
from bg_assets.domain.webhooks.events import Event, Party
from bg_assets.domain.webhooks.known import Company, Known, Person, Source

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def known() -> Known:
    """Three companies of long ago, somebody at the first, and the one source that there is."""
    return Known(
        sources={"crm": Source("default", True, alone=True)},
        companies={
            name: Company(name, "default", name.title(), f"{name}.example")
            for name in ("acme", "globex", "initech")
        },
        people={"ada": Person("ada", "acme", "Ada Vance", "CFO", "Finance")},
        by_domain={("default", "acme.example"): ("acme",)},
    )


def about(
    company: str, seconds: float = 0, kind: str = "company.changed", into: str | None = None,
    domain: str | None = None, **values: Any,
) -> Event:  # fmt: skip
    at = NOON + timedelta(seconds=seconds)
    return Event("e", "crm", kind, at, Party(company, domain=domain), values=values, into=into)


def after(*events: Event) -> tuple[Known, list[Verdict]]:
    return fold(known(), [Pending(n, "crm", one) for n, one in enumerate(events)])


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_properties_of_a_company_end_the_same_in_whatever_order_they_come(
    order: tuple[int, ...],
) -> None:
    events = (
        about("acme", 1, name="Acme AG"), about("acme", 2, industry="Mining"),
        about("acme", 3, name="Acme SE"), about("acme", 4, industry=None),
    )  # fmt: skip
    found = after(*(events[n] for n in order))[0].companies["acme"]
    assert (found.name, found.industry, found.domain) == ("Acme SE", None, "acme.example")
    assert found.observed_at == NOON + timedelta(seconds=4)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_last_word_on_whether_a_company_is_there_counts(order: tuple[int, ...]) -> None:
    events = (
        about("acme", 1, "company.deleted"), about("acme", 2, "company.restored"),
        about("acme", 3, "company.deleted"),
    )  # fmt: skip
    assert after(*(events[n] for n in order))[0].companies["acme"].deleted


def test_a_domain_that_a_company_no_longer_has_leads_there_no_more() -> None:
    moved = about("acme", 1, industry="Mining")
    gone = Event(
        "e", "crm", "company.changed", NOON, Party("acme"), values={"domain": "new.example"}
    )
    by_old = about("500", 5, domain="acme.example", name="Somebody else")
    by_new = about("501", 6, domain="new.example", name="Acme SE")
    done, _ = after(gone, moved, by_old, by_new)
    assert (done.companies["acme"].name, done.companies["500"].name) == ("Acme SE", "Somebody else")


def test_a_chain_of_mergers_leads_to_its_end_and_a_merger_told_twice_changes_nothing() -> None:
    chain = (
        about("acme", 1, "company.merged", into="globex"),
        about("globex", 2, "company.merged", into="initech"),
        about("acme", 1, "company.merged", into="globex"),
        about("globex", 3, "company.merged", into="acme"),
        about("acme", 4, industry="Mining"),
    )
    title = Event("e", "crm", "person.changed", NOON + timedelta(seconds=9), Party(None),
                  Party("ada"), {"title": "CEO"})  # fmt: skip
    done, verdicts = after(*chain, title)
    assert [one.status for one in verdicts] == ["applied"] * 6
    assert done.companies["initech"].industry == "Mining"
    assert [done.companies[name].deleted for name in ("acme", "globex", "initech")] == [
        True, True, False,
    ]  # fmt: skip
    ada = done.people["ada"]
    assert (ada.company_id, ada.title, ada.department) == ("initech", "CEO", "Finance")


def test_what_is_tracked_goes_on_being_so_under_the_id_that_stays() -> None:
    done, _ = after(
        about("globex", 1, "company.deleted"), about("acme", 2, "company.merged", into="globex")
    )
    assert (done.companies["acme"].deleted, done.companies["globex"].deleted) == (True, False)
