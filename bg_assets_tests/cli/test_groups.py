"""`show`: the document of the contract, the text for people, and ids that nobody knows."""

import json
import re
from datetime import UTC, datetime

import pytest

from bg_assets.storage import claims, refreshes
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh, refresh_what_is_due, take

GROUP = {
    "product", "template_hash", "as_of", "completeness", "confidence", "cohesion",
    "cohesion_reason", "coverage", "gaps", "members", "diff",
}  # fmt: skip
MEMBER = {
    "person_id", "name", "title", "department", "function", "level", "role", "confidence",
    "influence", "pinned", "reasons",
}  # fmt: skip
PEOPLE = """id,company_id,name,title,department
acme:1,acme,Ann [red]Smith,Chief Financial Officer,Finance
acme:2,acme,محمد,Finance Director :boom:,Finance
acme:3,acme,,Head of Procurement,
acme:4,acme,,,
"""


@pytest.fixture
def acme(bg: Command) -> Command:
    """A company of four people without a group yet."""
    bg("import", "companies", bg.file("c.csv", "id,name,employee_count\nacme,Acme,51-100\n"))
    bg("import", "people", bg.file("p.csv", PEOPLE))
    return bg


def test_a_company_not_refreshed_yet_has_pending_changes_and_no_group(acme: Command) -> None:
    assert acme.json("show", "acme") == {
        "company": {
            "id": "acme",
            "workspace": "default",
            "name": "Acme",
            "employee_min": 51,
            "employee_max": 100,
        },
        "refresh": None,
        "next_refresh": None,
        "pending_changes": 5,
        "groups": [],
    }
    assert "not refreshed yet" in acme("show", "acme").out


def test_a_group_is_shown_in_the_shape_of_the_contract(acme: Command) -> None:
    refresh(acme, "acme")
    document = acme.json("show", "acme")
    assert set(document) == {"company", "refresh", "next_refresh", "pending_changes", "groups"}
    assert set(document["refresh"]) == {"id", "status", "not_before", "finished_at"}
    assert document["refresh"]["status"] == "completed"
    finished = datetime.fromisoformat(document["refresh"]["finished_at"])
    assert document["refresh"]["finished_at"].endswith("Z")
    assert abs((datetime.now(UTC) - finished).total_seconds()) < 60
    assert document["pending_changes"] == 0
    (group,) = document["groups"]
    assert set(group) == GROUP
    assert group["product"] == "finance_system"
    assert group["as_of"] == finished.date().isoformat()
    assert (group["cohesion"] is None) != (group["cohesion_reason"] is None)
    assert set(group["diff"]) == {"joined", "left", "role_changed"}
    assert sorted(group["diff"]["joined"]) == sorted(one["person_id"] for one in group["members"])
    for gap in group["gaps"]:
        assert set(gap) == {"role", "function", "reason"}
    for member in group["members"]:
        assert set(member) == MEMBER
        assert member["reasons"]
        assert isinstance(member["confidence"], float)
    first = group["members"][0]
    assert (first["person_id"], first["role"]) == ("acme:1", "decision_maker")
    assert first["name"] == "Ann [red]Smith"


def test_people_read_names_and_titles_as_they_are(acme: Command) -> None:
    refresh(acme, "acme")
    done = acme("show", "acme")
    assert (done.code, done.err) == (0, "")
    assert "Ann [red]Smith (acme:1)" in done.out
    assert "decision maker" in done.out
    if "acme:2" in done.out:
        assert "Finance Director :boom:" in done.out


def test_a_company_without_people_has_an_empty_group_with_the_gap_named(bg: Command) -> None:
    bg.companies("empty")
    refresh(bg, "empty")
    (group,) = bg.json("show", "empty")["groups"]
    assert group["members"] == []
    assert "decision_maker" in {gap["role"] for gap in group["gaps"]}
    assert all(gap["reason"] for gap in group["gaps"])
    assert "gap: no decision maker" in bg("show", "empty").out


def test_what_happened_since_is_counted_as_pending(acme: Command) -> None:
    refresh(acme, "acme")
    acme.execute("update bg.people set title = 'Clerk' where id = 'acme:1'")
    document = acme.json("show", "acme")
    assert document["pending_changes"] == 1
    assert document["groups"][0]["members"][0]["title"] == "Chief Financial Officer"
    refresh(acme, "acme")
    document = acme.json("show", "acme")
    assert document["pending_changes"] == 0
    assert "acme:1" not in {
        one["person_id"]
        for one in document["groups"][0]["members"]
        if one["role"] == "decision_maker"
    }


def test_a_deferred_change_says_until_when_why_and_what_renews_it_now(acme: Command) -> None:
    refresh(acme, "acme")
    acme.execute("update bg.people set title = 'Clerk' where id = 'acme:1'")
    assert refresh_what_is_due(acme) == 1
    acme.execute("update bg.people set title = 'Cook' where id = 'acme:4'")
    out = " ".join(acme("show", "acme").out.split())
    assert "1 change is not in the group yet" in out
    assert re.search(r"renewal: at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, in (1 h|59 min)", out)
    assert "it was renewed because of changes at" in out
    assert "that is done once in 1 h" in out
    assert "renew it now: `bg-assets refresh acme`" in out
    later = datetime.fromisoformat(acme.json("show", "acme")["refresh"]["not_before"])
    assert 3500 < (later - datetime.now(UTC)).total_seconds() <= 3600

    acme("refresh", "acme")
    out = " ".join(acme("show", "acme").out.split())
    assert "2 changes are not in the group yet renewal: it is due" in out
    assert acme.json("show", "acme")["refresh"]["not_before"] is None


def test_the_departure_of_a_member_is_not_said_to_wait(acme: Command) -> None:
    refresh(acme, "acme")
    acme.execute("update bg.people set title = 'Clerk' where id = 'acme:4'")
    assert refresh_what_is_due(acme) == 1
    acme.execute("update bg.people set status = 'left' where id = 'acme:1'")
    assert "renewed because of changes" not in acme("show", "acme").out


def test_a_changed_template_is_not_said_to_wait(acme: Command) -> None:
    refresh(acme, "acme")
    acme.execute("update bg.people set title = 'Clerk' where id = 'acme:4'")
    assert refresh_what_is_due(acme) == 1
    acme.execute("insert into bg.changes (company_id, kind, source) "
                 "values ('acme', 'resync', 'template')")  # fmt: skip
    out = acme("show", "acme").out
    assert "renewal: " in out
    assert "renewed because of changes" not in out


def test_an_untouched_company_says_nothing_of_renewal(acme: Command) -> None:
    refresh(acme, "acme")
    assert "renew" not in acme("show", "acme").out
    assert acme.json("show", "acme")["refresh"]["not_before"] is None


def test_when_a_company_is_refreshed_without_news_is_told_with_the_reason(
    acme: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(acme, "acme")
    then = acme.json("show", "acme")["next_refresh"]
    days = (datetime.fromisoformat(then["at"]) - datetime.now(UTC)).total_seconds() / 86400

    assert then["rhythm"] == "monthly"
    assert 14.9 < days < 45.1
    assert then["because"].startswith("monthly: none of 3 members have been in their role for over")
    at = then["at"][:16].replace("T", " ")
    assert f"without news refreshed at {at} UTC; {then['because']}" in acme("show", "acme").out

    monkeypatch.setenv("BG_REFRESH_WITHOUT_NEWS", "0")
    assert acme.json("show", "acme")["next_refresh"] is None
    assert "without news" not in acme("show", "acme").out


def test_a_refresh_under_way_and_a_dead_one_are_told(acme: Command) -> None:
    take(acme, "acme")
    assert "renewal: it is being renewed now, by run " in acme("show", "acme").out
    with acme.engine.begin() as conn:
        (held,) = refreshes.under_way(conn)
        now = claims.database_now(conn)
        refreshes.release(conn, held.refreshes, "the run is gone", now, 1)
    out = acme("show", "acme").out
    assert "renewal: its refresh failed for good after 1 attempt: the run is gone" in out
    assert "renew it now: `bg-assets requeue acme`" in out


NEAR: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("acme-hodling", ("acme-holding",)),
    ("ACME-HOLDING", ("acme-holding",)),
    ("holding", ("acme-holding",)),
    ("bcme-holding", ("acme-holding",)),
    ("Globex", ("gx:1 (Globex Corporation)",)),
    ("zzz", ()),
    ("", ()),
    ("[bold]", ()),
    ("%", ()),
    ("acme\\", ()),
    ("😀", ()),
    ("x" * 10_000, ()),
)


@pytest.mark.parametrize(("wanted", "near"), NEAR, ids=[one[0][:12] or "empty" for one in NEAR])
def test_an_unknown_company_is_named_with_near_matches(
    bg: Command, wanted: str, near: tuple[str, ...]
) -> None:
    path = bg.file("c.csv", "id,name\nacme-holding,Acme Holding\ngx:1,Globex Corporation\n")
    bg("import", "companies", path)
    done = bg("show", wanted)
    assert (done.code, done.out) == (2, "")
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    assert done.err == f"error: no company {wanted}{hint}\n"


@pytest.mark.parametrize("command", ["refresh", "untrack", "backfill"])
def test_one_unknown_company_of_several_stops_all(bg: Command, command: str) -> None:
    bg.companies("a", "b")
    bg.execute("delete from bg.changes")
    done = bg(command, "a", "nobody", "b", "none")
    assert (done.code, done.err) == (2, "error: no company nobody\nno company none\n")
    assert bg.changes() == 0


def test_with_json_an_error_leaves_standard_output_empty(bg: Command) -> None:
    done = bg("show", "nobody", "--json")
    assert (done.code, done.out) == (2, "")


def test_a_document_holds_any_script_as_it_is(acme: Command) -> None:
    refresh(acme, "acme")
    out = acme("show", "acme", "--json").out
    names = {one["name"] for one in json.loads(out)["groups"][0]["members"]}
    assert "محمد" not in names or "محمد" in out
