"""Why companies are refreshed, as analysts read it."""

import pytest

from bg_assets.domain.causes import (
    EXPERIMENT,
    NEW_PRODUCT,
    Cause,
    because,
    cleaned,
    number,
    purpose,
    reasons,
)

IMPORT = Cause("resync", "import", "people.csv", people=12)
TITLE = Cause("role_change", "webhook", "crm", people=1, person_id="p-17", title="CFO")


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (IMPORT, "import people.csv: 12 people"),
        (Cause("resync", "import", people=1), "import: 1 person"),
        (Cause("person_joined", "import", "a.csv", changes=6, people=6),
         "import a.csv: 6 people joined"),
        (Cause("company_profile_change", "import", "companies.csv"),
         "import companies.csv: the company's profile"),
        (TITLE, "webhook crm: new title, p-17 (CFO)"),
        (Cause("role_change", "webhook", "crm or erp", people=1, person_id="p", title="CFO"),
         "webhook crm or erp: new title, p (CFO)"),
        (Cause("role_change", "webhook", people=1, person_id="p"),
         "webhook: new details of a role, p"),
        (Cause("promotion", "people_table", changes=2, people=2, title="CFO"),
         "direct write: 2 promotions"),
        (Cause("person_left", "people_table", departure=True, people=1, members=1,
               person_id="p-3", title="CTO"),
         "direct write: a member left, p-3 (CTO)"),
        (Cause("person_left", "my-job", departure=True, changes=3, people=3, members=1),
         "my-job: 2 people left and a member left"),
        (Cause("person_left", "schedule", departure=True, people=1, person_id="p"),
         "a date that came: somebody left, p"),
        (Cause("company_change", "people_table", departure=True, people=1, members=1),
         "direct write: a member moved to another company"),
        (Cause("company_change", "people_table", people=1),
         "direct write: somebody came from another company"),
        (Cause("role_change", "provider:pdl", people=1, title="CFO"), "provider pdl: new title"),
        (Cause("company_deleted", "company_table"),
         "direct write: the company is no longer tracked"),
        (Cause("resync", "manual"), "refresh by hand"),
        (Cause("resync", "manual", asked="pin"), "somebody was pinned"),
        (Cause("resync", "manual", asked="seven,\nup"), "seven up by hand"),
        (Cause("resync", "template", products="finance_system"),
         "a template changed: finance_system"),
        (Cause("resync", "template", asked=NEW_PRODUCT, products="hr_system"),
         "a new product: hr_system"),
        (Cause("resync", "template", asked=EXPERIMENT, products="hr_system"),
         "an experiment: hr_system"),
        (Cause("resync", "schedule", asked="monthly"), "no news for about 30 days"),
        (Cause("resync", "webhook", "crm"), "webhook crm: a refresh was asked for"),
        (Cause("resync", "people_table"), "direct write: what was not seen before"),
        (Cause("something_new", "import", "a.csv", changes=2), "import a.csv: 2 x something_new"),
    ],
)  # fmt: skip
def test_a_cause_is_told_in_words_with_who_wrote_it(cause: Cause, said: str) -> None:
    assert because([cause]) == said


def test_several_causes_are_told_largest_first_and_the_rest_is_counted() -> None:
    hand = Cause("resync", "manual")
    old = Cause("resync", "schedule", asked="daily")
    many = Cause("promotion", "people_table", changes=3, people=3, title="CFO")
    assert because([hand, TITLE, IMPORT, many]) == (
        "import people.csv: 12 people; direct write: 3 promotions; refresh by hand, and 1 more"
    )
    assert because([hand, TITLE, IMPORT, many, old]).endswith("; no news for a day, and 2 more")


def test_what_one_writer_did_is_one_cause_with_the_people_counted() -> None:
    causes = [
        Cause("person_joined", "import", "a.csv", changes=2, people=2),
        Cause("role_change", "import", "a.csv", changes=3, people=3, title="CFO"),
    ]
    assert because(causes) == "import a.csv: 3 new titles and 2 people joined"
    causes.append(Cause("person_left", "import", "a.csv", departure=True, people=1, members=1))
    causes.append(Cause("company_profile_change", "import", "a.csv"))
    assert because(causes) == ("import a.csv: 6 people, a member left and the company's profile")


def test_a_run_is_named_by_its_company_and_tells_of_no_single_person() -> None:
    assert purpose("Acme Ltd", {"acme": [TITLE]}, []) == "Acme Ltd: webhook crm: new title"
    assert purpose("Acme\nLtd", {}, ["role_change", "by hand"]) == "Acme Ltd: new titles; by hand"


def test_a_batch_is_named_by_how_many_companies_it_has_and_by_what_most_of_them_wait_for() -> None:
    hand = Cause("resync", "manual")
    causes = {"a": [IMPORT, hand], "b": [IMPORT], "c": [TITLE]}
    assert purpose(3, causes, []) == (
        "3 companies: import people.csv; refresh by hand; webhook crm"
    )
    causes["d"] = [Cause("promotion", "my-job"), Cause("resync", "schedule", asked="daily")]
    assert purpose(12000, causes, []).startswith("12,000 companies: import people.csv; ")
    assert purpose(4, causes, []).endswith(", and 2 more")
    assert purpose(2, {}, ["role_change"]) == "2 companies: new titles"


def test_the_reasons_of_a_run_count_its_companies() -> None:
    causes = {
        "a": [TITLE, Cause("resync", "manual", asked="pin")],
        "b": [TITLE, IMPORT],
        "c": [Cause("company_change", "people_table", departure=True, people=1)],
    }
    assert reasons(causes) == {
        "webhook crm: new titles": 2,
        "direct write: people moved to others": 1,
        "import people.csv: several people": 1,
        "somebody was pinned": 1,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("my-job", "my-job"),
        ("a, b,,c", "a b c"),
        ("two\nlines\t\x1b[31m\x7f\u202e", "two lines [31m"),
        ("of zq@example.com.csv", "of …"),
        ("Übersee/CRM: 1", "Übersee/CRM: 1"),
        ("w" * 61, "w" * 59 + "…"),
        (None, ""),
    ],
)
def test_what_somebody_calls_something_is_one_bounded_line(text: str | None, said: str) -> None:
    assert cleaned(text) == said


def test_whatever_writers_call_themselves_a_cause_stays_bounded() -> None:
    causes = [Cause("role_change", f"{n}" * 300, people=1, person_id="p" * 200) for n in range(9)]
    assert len(because(causes)) < 420
    assert len(purpose("n" * 500, {"a": causes}, [])) < 520


def test_counts_agree_with_their_noun() -> None:
    assert number(1, "company", "companies") == "1 company"
    assert number(12000, "company", "companies") == "12,000 companies"
