"""`enrich` as a user types it: the plan with its price, what came of it, and clear refusals."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from bg_assets.domain.enrichment.asking import Answer, NotChecked, PermanentFailure, Question
from bg_assets_tests import enrichment
from bg_assets_tests.cli.command import Command
from bg_assets_tests.enrichment import TEMPLATE, Played, same
from bg_assets_tests.storage.rows import group, insert

PEOPLE = """\
id,company_id,name,title,email,status
ada,acme,Ada Byron,Chief Financial Officer,,active
bo,acme,Bo Lind,Head of IT,bo@acme.com,active
cy,acme,Cy Twombly,Head of IT,,active
"""


@pytest.fixture
def acme(bg: Command) -> Command:
    """A company with a group of three, two of them without an address."""
    bg.companies("acme", "bolt")
    bg.execute("update bg.companies set employee_min = 200, employee_max = 200")
    assert bg("import", "people", bg.file("people.csv", PEOPLE)).code == 0
    group(bg.engine, "acme", {})
    bg.execute("update bg.buyer_groups set product = 'asking'")
    roles = {"ada": "decision_maker", "bo": "champion", "cy": "champion"}
    for person_id, role in roles.items():
        insert(
            bg.engine, "bg.buyer_group_members", company_id="acme", product="asking",
            person_id=person_id, role=role, confidence=0.9, influence=0.5,
        )  # fmt: skip
        insert(
            bg.engine, "bg.company_people", company_id="acme", person_id=person_id,
            title="Chief Financial Officer" if person_id == "ada" else "Head of IT",
            function="finance", level="c_level", confidence=0.9,
        )  # fmt: skip
    return bg


@pytest.fixture
def vendor(acme: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    """A product that asks, and the vendor who is asked for 0.28 US dollars a person."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "asking.yaml").write_text(TEMPLATE.format(level="enrich"), encoding="utf-8")
    monkeypatch.setenv("BG_TEMPLATES", str(folder))
    monkeypatch.setenv("BG_PRODUCTS", "asking")
    monkeypatch.setenv("BG_PROVIDERS", "bg_assets_tests.enrichment:made")
    monkeypatch.setenv("BG_ENRICH_CAP_DAILY", "5")
    made = enrichment.reset()
    made.cost = Decimal("0.28")
    yield made
    enrichment.reset()


def found(question: Question) -> Answer:
    assert question.person is not None
    email = f"{question.person.id}@acme.com"
    return Answer(people=same(question, email=email).people, cost=Decimal("0.28"))


def test_a_dry_run_shows_who_why_whom_and_the_price_and_asks_nobody(
    acme: Command, vendor: Played
) -> None:
    said = acme("enrich", "--dry-run", "acme").out.splitlines()
    assert said == [
        "acme: 2 questions, 0.56 US dollars at most (budget 1.00)",
        "  played 0.28  Ada Byron (ada), Chief Financial Officer: no e-mail is known",
        "  played 0.28  Cy Twombly (cy), Head of IT: no e-mail is known",
        "together 0.56 US dollars at most; nothing was asked",
        "played: 5.00 of 5.00 US dollars left today",
    ]
    assert vendor.asked == []
    assert acme.value("select count(*) from bg.enrichment_due") == 0


def test_a_dry_run_as_a_document(acme: Command, vendor: Played) -> None:
    document = acme.json("enrich", "--dry-run", "acme", "bolt")
    first, second = document["companies"]
    assert first["items"][0] == {
        "kind": "person", "person_id": "ada", "name": "Ada Byron",
        "title": "Chief Financial Officer", "why": ["no e-mail is known"],
        "worth": first["items"][0]["worth"], "most": None,
        "offers": [{"provider": "played", "price": 0.28}],
    }  # fmt: skip
    assert (document["dry_run"], document["most"]) == (True, 0.56)
    assert (first["price"], first["most"]) == (0.56, 0.56)
    assert (second["items"], second["because"]) == ([], "its groups are not built yet")
    assert document["providers"][0]["left_today"] == 5


def test_it_asks_and_says_what_was_written_and_what_it_cost(acme: Command, vendor: Played) -> None:
    vendor.says = found
    said = acme("enrich", "acme").out.splitlines()
    assert said == [
        "acme: 2 questions, cost 0.56 US dollars",
        "  played 0.28  Ada Byron (ada), Chief Financial Officer: found",
        "  played 0.28  Cy Twombly (cy), Head of IT: found",
        "  written  ada: email",
        "  written  cy: email",
        "played: 4.44 of 5.00 US dollars left today",
    ]
    assert acme.value("select email from bg.people where id = 'ada'") == "ada@acme.com"
    assert acme("enrich", "acme").out.startswith("acme: nothing is missing or in doubt")
    assert len(vendor.asked) == 2


def test_what_was_done_as_a_document(acme: Command, vendor: Played) -> None:
    vendor.says = found
    (one,) = acme.json("enrich", "acme")["companies"]
    assert (one["cost"], one["not_done"]) == (0.56, None)
    assert [asked["outcome"] for asked in one["asked"]] == ["found", "found"]
    assert one["written"]["people"] == {"ada": ["email"], "cy": ["email"]}


def test_somebody_else_is_refused_and_told(acme: Command, vendor: Played) -> None:
    vendor.says = lambda question: same(question, name="Quentin Unrelated", email="q@acme.com")
    done = acme("enrich", "acme")
    assert done.code == 0
    assert "ada), Chief Financial Officer: not the one that was asked for: " in done.out
    assert "Unrelated" not in done.out
    assert acme.value("select count(*) from bg.people where email = 'q@acme.com'") == 0


def test_what_could_not_be_checked_is_1_and_tried_again(acme: Command, vendor: Played) -> None:
    def fail(_: Question) -> Answer:
        raise NotChecked("its lines are down")

    vendor.says = fail
    done = acme("enrich", "acme")
    assert done.code == 1
    assert "could not be checked: played: its lines are down" in done.out
    assert "not all could be asked about acme" in done.err
    assert acme.value("select due_at > now() from bg.enrichment_due")


def test_where_nothing_was_answered_it_ends_with_1_and_says_so(
    acme: Command, vendor: Played
) -> None:
    def refuse(_: Question) -> Answer:
        raise PermanentFailure("it takes no such question")

    vendor.says = refuse
    done = acme("enrich", "acme")
    assert done.code == 1
    assert done.out.count("not answered: played: it takes no such question") == 2
    said = " ".join(done.err.split())
    assert "no question about acme was answered: played: it takes no such question" in said
    assert "nothing was taken in" in said


def test_where_one_of_two_was_answered_it_ends_with_0(acme: Command, vendor: Played) -> None:
    def refuse(question: Question) -> Answer:
        if question.person is not None and question.person.id == "ada":
            raise PermanentFailure("it takes no such question")
        return found(question)

    vendor.says = refuse
    done = acme("enrich", "acme")
    assert (done.code, done.err) == (0, "")
    assert "not answered" in done.out


def test_without_a_cap_a_paid_provider_is_not_asked(
    acme: Command, vendor: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BG_ENRICH_CAP_DAILY")
    dry = acme("enrich", "--dry-run", "acme")
    assert "played: no cap is set, so that only what is free is asked" in dry.out
    assert acme("enrich", "acme").code == 1
    assert vendor.asked == []


def test_without_a_provider_it_says_what_to_do(
    acme: Command, vendor: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BG_PROVIDERS")
    done = acme("enrich", "acme")
    assert (done.code, done.out) == (2, "")
    assert "no provider is configured (BG_PROVIDERS)" in done.err
    assert "BG_PROVIDERS=csv" in done.err


def test_without_a_key_it_says_which_variable(
    acme: Command, vendor: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_PROVIDERS", "pdl")
    done = acme("enrich", "acme")
    assert (done.code, done.out) == (2, "")
    assert "set BG_PDL_KEY" in done.err


def test_where_no_template_asks_it_says_what_to_do(
    acme: Command, vendor: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_PRODUCTS", "finance_system")
    done = acme("enrich", "acme")
    assert done.code == 2
    assert "enrichment: enrich" in done.err


def test_an_unknown_company_is_2_with_near_matches(acme: Command, vendor: Played) -> None:
    done = acme("enrich", "acmee")
    assert done.code == 2
    assert "acme" in done.err


def test_what_could_not_be_asked_three_times_is_a_problem_that_status_tells(
    acme: Command, vendor: Played
) -> None:
    def fail(_: Question) -> Answer:
        raise PermanentFailure("no credit is left: buy some", whole_provider=True)

    vendor.says = fail
    for _ in range(3):
        assert acme("enrich", "acme").code == 1
    problems = acme.json("status", code=1)["problems"]
    (line,) = [one for one in problems if "could not be asked" in one]
    assert "providers could not be asked about 1 company, 3 times in a row by now" in line
    assert "no credit is left: buy some" in line
