"""`why`: the rule that decided on somebody, in the command's words and document."""

import json

import pytest

from bg_assets.products import files, in_force
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh

PEOPLE = """id,company_id,name,title,department,status
acme-1,acme,Wilma Quartz,Chief Financial Officer,Finance,active
acme-2,acme,Otto Basalt,Finance Director,Finance,active
acme-3,acme,Rosa Gneiss,Head of Procurement,Procurement,active
acme-4,acme,Karl Slate,Forklift Driver,Warehouse,active
acme-5,acme,Nora Flint,Financial Controller,Finance,left
bolt-1,bolt,Ines Marble,Chief Financial Officer,Finance,active
"""


@pytest.fixture
def acme(bg: Command) -> Command:
    """Two companies with their groups."""
    companies = "id,name,employee_count\nacme,Acme,200\nbolt,Bolt,200\n"
    bg("import", "companies", bg.file("c.csv", companies))
    bg("import", "people", bg.file("p.csv", PEOPLE))
    refresh(bg, "acme", "bolt")
    return bg


@pytest.mark.parametrize(
    ("person", "rule", "member", "said"),
    [
        ("acme-1", "chosen", True, "decision maker: finance at level c_level"),
        ("acme-4", "no-fit", False, "no role of the template asks"),
        ("acme-5", "gone", False, "the status says left"),
        ("bolt-1", "elsewhere", False, "works at bolt, not at acme"),
    ],
)
def test_the_rule_that_decided_is_named(
    acme: Command, person: str, rule: str, member: bool, said: str
) -> None:
    document = acme.json("why", "acme", person)
    (group,) = document["groups"]
    assert (group["rule"], group["member"], group["in_group"]) == (rule, member, member)
    assert said in group["because"]
    printed = acme("why", "acme", person).out.replace("\n", " ")
    assert said in " ".join(printed.split())
    assert "Quartz" not in printed


@pytest.mark.parametrize(
    ("title", "rule", "said"),
    [
        (
            "Finance & Investment Director", "never-title",
            "the template makes nobody with 'investment' in the title decision maker",
        ),
        ("Fractional CFO", "outsider", "an outsider"),
    ],
)  # fmt: skip
def test_of_a_role_that_somebody_has_not_the_rule_is_named_that_decided(
    acme: Command, title: str, rule: str, said: str
) -> None:
    acme("import", "people", acme.file("o.csv", f"id,company_id,title\nacme-8,acme,{title}\n"))
    refresh(acme, "acme")
    (group,) = acme.json("why", "acme", "acme-8")["groups"]
    maker = next(one for one in group["roles"] if one["role"] == "decision_maker")
    assert maker["obstacle"]["rule"] == rule
    assert maker["score"] is None
    assert said in " ".join(acme("why", "acme", "acme-8").out.split())


def test_why_and_show_call_the_title_and_the_membership_by_their_names(acme: Command) -> None:
    """How sure a membership is hangs on more than the title."""
    document = acme.json("why", "acme", "acme-2")
    (group,) = acme.json("show", "acme")["groups"]
    (member,) = (one for one in group["members"] if one["person_id"] == "acme-2")
    title, membership = document["title_confidence"], document["groups"][0]["membership"]
    assert membership == member["confidence"] != title
    assert acme.json("why", "acme", "acme-4")["groups"][0]["membership"] is None
    why = " ".join(acme("why", "acme", "acme-2").out.split())
    assert f"title read with {title:.0%}" in why
    assert f"in the group (membership {membership:.0%})" in why
    show = acme("show", "acme").out
    head, line = (
        next(line for line in show.splitlines() if said in line)
        for said in ("who and why", "Finance Director")
    )
    assert head.split()[-1] == "membership"
    assert line.split()[-1] == f"{membership:.0%}"
    assert f"title read with {title:.0%}" in " ".join(show.split())


def test_what_else_is_missing_than_a_role_is_shown_and_exported_as_such(acme: Command) -> None:
    voice = "no technical voice in the group: a deal of 120,000 US dollars needs one"
    (group,) = acme.json("show", "acme")["groups"]
    assert {"role": None, "function": "it", "reason": voice} in group["gaps"]
    show = " ".join(acme("show", "acme").out.split())
    assert f"gap: {voice}" in show
    assert "no stakeholder: no" not in show
    exported = json.loads(acme("export", "--format", "json", "--roles", "salesforce", "-").out)
    roles = {gap["role"] for gap in exported[0]["gaps"] if "voice" in gap["reason"]}
    assert roles == {None}


@pytest.fixture
def books(acme: Command, monkeypatch: pytest.MonkeyPatch) -> str:
    """A template of one's own, the only product; gives its text, which is not written yet."""
    monkeypatch.setenv("BG_TEMPLATES", str(acme.folder))
    monkeypatch.setenv("BG_PRODUCTS", "books")
    text = (files.SHIPPED / "finance_system.yaml").read_text(encoding="utf-8")
    return text.replace("name: finance_system", "name: books")


def test_a_company_where_the_product_is_not_sold_is_told_so(acme: Command, books: str) -> None:
    acme.file("books.yaml", f"{books}\nregions: [GB]\n")
    acme.execute("update bg.companies set country = 'FR'")
    (group,) = acme.json("why", "acme", "acme-1")["groups"]
    assert (group["rule"], group["member"]) == ("not-sold", False)
    assert group["because"] == "not sold in FR, only in GB"


def test_while_a_template_is_bad_the_last_good_one_explains(acme: Command, books: str) -> None:
    acme.file("books.yaml", books)
    in_force.keep(acme.engine, acme.folder, ["books"])
    (before,) = acme.json("why", "acme", "acme-1")["groups"]
    acme.file("books.yaml", "name: [")
    done = acme("why", "acme", "acme-1", "--json")
    assert json.loads(done.out)["groups"] == [before]
    assert "the last good one is used for books" in done.err


def test_each_role_has_its_score_and_its_reason(acme: Command) -> None:
    (group,) = acme.json("why", "acme", "acme-2")["groups"]
    roles = {one["role"]: one for one in group["roles"]}
    assert set(roles) == {"decision_maker", "champion", "blocker", "stakeholder", "introducer"}
    assert 0 < roles["champion"]["score"] <= 1
    assert roles["blocker"]["score"] is None
    assert all(one["because"] for one in group["roles"])
    assert group["would_change"]


def test_what_would_become_of_the_group_without_a_member_is_told(acme: Command) -> None:
    acme("import", "people", acme.file(
        "q.csv", "id,company_id,title,department\nacme-6,acme,Procurement Manager,Procurement\n"
    ))  # fmt: skip
    refresh(acme, "acme")
    (group,) = acme.json("why", "acme", "acme-3")["groups"]
    assert group["without"]
    out = " ".join(acme("why", "acme", "acme-3").out.split())
    assert f"without this person: {group['without']}" in out


def test_an_override_is_named_with_who_and_why(acme: Command) -> None:
    acme("exclude", "acme", "acme-1", "--reason", "retires", "--by", "jo")
    document = acme.json("why", "acme", "acme-1")
    (group,) = document["groups"]
    assert (group["rule"], group["member"], group["in_group"]) == ("excluded", False, True)
    assert (group["override"]["by"], group["override"]["reason"]) == ("jo", "retires")
    assert document["pending_changes"] == 1
    out = acme("why", "acme", "acme-1").out
    assert "exclude by jo: retires" in out
    assert "\n1 change is not in the group yet" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("acne", "acme-1"), "did you mean acme?"),
        (("acme", "acme-9"), "did you mean acme-"),
        (("acme", "quartz"), "did you mean acme-1?"),
        (("acme", "acme-1", "--product", "finance"), "did you mean finance_system?"),
    ],
)
def test_whom_or_what_nobody_knows_has_near_matches(
    acme: Command, arguments: tuple[str, ...], said: str
) -> None:
    done = acme("why", *arguments)
    assert done.code == 2
    assert said in done.err


def test_before_the_first_refresh_it_says_so(acme: Command) -> None:
    acme("import", "people", acme.file("n.csv", "id,company_id,title\nacme-7,acme,Treasurer\n"))
    document = acme.json("why", "acme", "acme-7")
    (group,) = document["groups"]
    assert (group["rule"], document["pending_changes"]) == ("unread", 1)


def test_rows_from_before_verdicts_were_kept_whole_are_explained_by_their_titles(
    acme: Command,
) -> None:
    acme("import", "people", acme.file("o.csv", "id,company_id,title,department\n"
         "acme-9,acme,Head of Section,Finance\n"))  # fmt: skip
    refresh(acme, "acme")
    before = [acme.json("why", "acme", person) for person in ("acme-2", "acme-9")]
    acme.execute(
        "update bg.company_people set function = null, level = null, function_alternatives = null, "
        "level_alternatives = null, has_left = null, by_department = null, lexicon_version = null"
    )
    assert [acme.json("why", "acme", person) for person in ("acme-2", "acme-9")] == before
    assert any("by the department" in one["because"] for one in before[1]["groups"][0]["roles"])
