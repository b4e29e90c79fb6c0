"""Companies and people as the rules see them, and what of them is kept."""

from dataclasses import replace
from datetime import date

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bg_assets.domain.groups.group import Company, Override, StaffMember, decide
from bg_assets.domain.groups.why import explain
from bg_assets.domain.titles.verdict import TitleVerdict, classify, version
from bg_assets.domain.titles.weighing import read
from bg_assets.storage import staff
from bg_assets_tests.domain.groups.people import TODAY
from bg_assets_tests.domain.groups.worlds import FINANCE, TEMPLATES, World, worlds
from bg_assets_tests.storage.rows import at, company, insert, rows, run, value

SAID = TitleVerdict("finance", "c_level", 0.9, ("cfo",), ("legal", "it"), ("vp",))
ANN = StaffMember("ann", "CFO", "Finance", "Graz", "bob", SAID, True, date(2020, 1, 2))
ACME = Company("acme", 200, 200, "US")
KEPT = (
    "select function, level, confidence, evidence, function_alternatives, level_alternatives, "
    "has_left, by_department, lexicon_version from bg.company_people order by person_id"
)


@pytest.fixture
def acme(engine: sa.Engine) -> sa.Engine:
    company(engine, "acme", ["ann", "bob"])
    company(engine, "bolt", ["cid"])
    return engine


def write(engine: sa.Engine, companies: list[str], **found: list[StaffMember]) -> None:
    with engine.begin() as conn:
        staff.write_staff(conn, companies, found)


def kept(engine: sa.Engine) -> list[tuple[str, str]]:
    found = rows(engine, "select company_id, person_id from bg.company_people order by 1, 2")
    return [(row["company_id"], row["person_id"]) for row in found]


def test_a_company_is_read_with_all_that_groups_depend_on_unless_it_is_gone(
    acme: sa.Engine,
) -> None:
    run(acme, "update bg.companies set workspace = 'w', employee_min = 5, employee_max = 9, "
        "country = 'AT', industry = 'tools' where id = 'acme'")  # fmt: skip
    run(acme, "update bg.companies set deleted_at = now() where id = 'bolt'")
    with acme.connect() as conn:
        assert staff.read_companies(conn, ["acme", "bolt", "none"]) == {
            "acme": Company("acme", 5, 9, "AT", "tools", "w", "Company acme")
        }


def test_people_are_read_by_company_and_id_without_those_who_are_gone(acme: sa.Engine) -> None:
    run(acme, "update bg.people set email = 'a@x', start_date = '2020-01-02', "
        "end_date = '2030-01-02', department = 'Finance', location = 'Graz', manager_id = 'bob' "
        "where id = 'ann'")  # fmt: skip
    insert(acme, "bg.people", id="dee", company_id="acme", status="left")
    insert(acme, "bg.people", id="eve", company_id="acme", deleted_at=at(0))
    with acme.connect() as conn:
        ann, bob, cid = staff.read_people(conn, ["bolt", "acme", "none"])
        assert [one.person_id for one in staff.read_people(conn, ["bolt"])] == ["cid"]

    assert ann == staff.Person(
        "acme", "ann", "CFO", "Finance", "Graz", "bob", date(2020, 1, 2), date(2030, 1, 2),
        "active", True, seen=value(acme, "select (observed_at at time zone 'UTC')::date "
                                   "from bg.people where id = 'ann'"),
    )  # fmt: skip
    assert ann.seen is not None
    assert (bob.person_id, bob.has_email, bob.end_date) == ("bob", False, None)
    assert (cid.company_id, cid.person_id) == ("bolt", "cid")


def test_staff_is_kept_and_read_as_it_was_judged(acme: sa.Engine) -> None:
    run(acme, "update bg.people set observed_at = '2026-03-02 01:00+02' where id = 'ann'")
    run(acme, "update bg.people set observed_at = null where id = 'bob'")
    nothing = TitleVerdict(None, None, 0.0, (), ("hr",), left=True, by_department=True)
    bob = StaffMember("bob", None, None, None, None, nothing)
    write(acme, ["acme"], acme=[bob, ANN], bolt=[replace(ANN, person_id="cid")])
    with acme.connect() as conn:
        found = staff.read_staff(conn, ["acme", "bolt"])

    assert found == {"acme": [replace(ANN, seen=date(2026, 3, 1)), bob]}


@pytest.mark.parametrize(
    "new",
    [
        {"title": "CEO"}, {"department": None}, {"location": "Linz"}, {"manager_id": None},
        {"start_date": None}, {"has_email": False},
        *({"verdict": replace(SAID, **said)} for said in (
            {"function": "it"}, {"level": "vp"}, {"confidence": 0.8}, {"reasons": ("other",)},
            {"function_alternatives": ()}, {"level_alternatives": ("head",)}, {"left": True},
            {"by_department": True},
        )),
    ],
    ids=str,
)  # fmt: skip
def test_each_column_of_staff_is_renewed(acme: sa.Engine, new: dict[str, object]) -> None:
    write(acme, ["acme"], acme=[ANN])
    changed = replace(ANN, **new)  # type: ignore[arg-type]
    write(acme, ["acme"], acme=[changed])
    with acme.connect() as conn:
        (found,) = staff.read_staff(conn, ["acme"])["acme"]

    assert replace(found, seen=None) == changed


def test_a_verdict_stands_whole_in_its_row_with_the_version_that_gave_it(acme: sa.Engine) -> None:
    write(acme, ["acme"], acme=[ANN])
    assert rows(acme, KEPT) == [{
        "function": "finance", "level": "c_level", "confidence": 0.9, "evidence": ["cfo"],
        "function_alternatives": ["legal", "it"], "level_alternatives": ["vp"], "has_left": False,
        "by_department": False, "lexicon_version": version(),
    }]  # fmt: skip


@pytest.mark.parametrize(
    "older",
    [
        "function_alternatives = null, level_alternatives = null, has_left = null, "
        "by_department = null, lexicon_version = null",
        "lexicon_version = '0-older', has_left = true",
    ],
    ids=["before verdicts were kept whole", "another version"],
)
def test_a_title_that_was_read_otherwise_is_read_anew_until_it_is_written_anew(
    acme: sa.Engine, older: str
) -> None:
    title, department = "Project Director, Moving Forward", "Finance"
    said = classify(title, department)
    assert said.by_department
    ann = replace(ANN, title=title, department=department, verdict=said)
    write(acme, ["acme"], acme=[ann])
    whole = rows(acme, KEPT)
    run(acme, f"update bg.company_people set function = 'legal', level = 'intern', {older}")
    with acme.connect() as conn:
        (found,) = staff.read_staff(conn, ["acme"])["acme"]
    assert replace(found, seen=None) == ann

    write(acme, ["acme"], acme=[ann])
    assert rows(acme, KEPT) == whole


def test_the_languages_of_a_company_are_those_of_its_country_else_of_its_titles(
    acme: sa.Engine,
) -> None:
    run(acme, "update bg.companies set country = 'Danmark' where id = 'acme'")
    titles = ["Leiter der Buchhaltung", "Geschäftsführer", "Lagerist in Teilzeit", "Leder"]
    titles += ["Sachbearbeiter im Innendienst", "Auszubildende im zweiten Jahr", "Einkäuferin"]
    people = [
        staff.Person(one, f"{one}-{at}", title, None, None, None, None, None, None, has_email=False)
        for one in ("acme", "bolt", "none")
        for at, title in enumerate(titles)
    ]
    with acme.connect() as conn:
        names, spoken = staff.read_context(conn, ["acme", "bolt"], people)
    assert names.keys() == {"acme", "bolt"}
    assert spoken == {"acme": ("da",), "bolt": ("de",), "none": ("de",)}
    write(acme, ["acme"], acme=[replace(ANN, title="Leder"), replace(ANN, person_id="bob")])
    run(acme, "update bg.company_people set lexicon_version = null")
    with acme.connect() as conn:
        found = staff.read_staff(conn, ["acme"])["acme"]
    assert found[0].verdict == classify("Leder", ANN.department, ("da",))
    assert found[0].verdict.level == "manager"


def test_of_a_row_of_this_version_no_title_is_read_again(acme: sa.Engine) -> None:
    """What it says counts, not what the title would say."""
    title = "Head of Nothing That Another Test Reads"
    other = replace(ANN, title=title, verdict=replace(SAID, function_alternatives=()))
    write(acme, ["acme"], acme=[other])
    classify.cache_clear()
    read.cache_clear()
    with acme.connect() as conn:
        people = staff.read_staff(conn, ["acme"])["acme"]
    for template in TEMPLATES:
        decide(ACME, people, template, TODAY)
    explained = explain(ACME, people, FINANCE, TODAY, (), "ann")

    assert classify.cache_info().misses == read.cache_info().misses == 0
    assert explained.because.startswith("decision maker: finance at level c_level")
    run(acme, "update bg.company_people set lexicon_version = null")
    with acme.connect() as conn:
        staff.read_staff(conn, ["acme"])
    assert classify.cache_info().misses == 1


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(worlds(), min_size=1, max_size=3))
def test_a_group_is_the_same_from_the_table_as_fresh_from_the_titles(
    engine: sa.Engine, found: list[World]
) -> None:
    """Same people, same date, same template: same group, whatever the batch."""
    staffs = {f"c{at}": one.people for at, one in enumerate(found)}
    with engine.connect() as conn:
        staff.write_staff(conn, list(staffs), staffs)
        kept = staff.read_staff(conn, list(staffs))
    for one, people in zip(found, kept.values(), strict=True):
        assert people == sorted(one.people, key=lambda person: person.person_id)
        assert replace(one, people=tuple(people)).decide() == one.decide()


def test_who_is_no_longer_on_the_staff_of_a_company_goes_and_others_stay_untouched(
    acme: sa.Engine,
) -> None:
    """The same person may be on the staff of both while a move is not seen by both."""
    cid = replace(ANN, person_id="cid")
    write(acme, ["acme", "bolt"], acme=[ANN, cid], bolt=[cid])
    standing = "select ctid::text from bg.company_people where person_id = 'ann'"
    ann = value(acme, standing)
    write(acme, ["acme"], acme=[ANN])

    assert kept(acme) == [("acme", "ann"), ("bolt", "cid")]
    assert value(acme, standing) == ann
    # Not even locked, which would be written to the disk.
    assert value(acme, standing.replace("ctid", "xmax")) == "0"
    write(acme, ["acme", "bolt"], acme=[cid], bolt=[])
    assert kept(acme) == [("acme", "cid")]


def test_what_was_known_of_a_company_is_kept_beside_its_staff_until_it_is_gone(
    acme: sa.Engine,
) -> None:
    known = "select company_id, workspace, employee_min, employee_max, country, industry, name " \
        "from bg.company_profiles order by 1"  # fmt: skip
    write(acme, ["acme", "bolt", "none"])
    assert [row["company_id"] for row in rows(acme, known)] == ["acme", "bolt"]
    run(acme, "update bg.companies set workspace = 'w', employee_min = 5, employee_max = 9, "
        "country = 'AT', industry = 'tools' where id = 'acme'")  # fmt: skip
    run(acme, "update bg.companies set deleted_at = now() where id = 'bolt'")
    write(acme, ["acme"])
    assert rows(acme, known)[0] == {
        "company_id": "acme", "workspace": "w", "employee_min": 5, "employee_max": 9,
        "country": "AT", "industry": "tools", "name": "Company acme",
    }  # fmt: skip
    assert len(rows(acme, known)) == 2
    write(acme, ["bolt"])
    assert [row["company_id"] for row in rows(acme, known)] == ["acme"]


def test_overrides_in_force_are_read_by_company_and_product(acme: sa.Engine) -> None:
    of = {"by": "jo", "reason": "met"}
    insert(acme, "bg.member_overrides", company_id="acme", product="p", person_id="bob",
           action="exclude", **of)  # fmt: skip
    insert(acme, "bg.member_overrides", company_id="acme", product="p", person_id="ann",
           action="pin", role="champion", **of)  # fmt: skip
    insert(acme, "bg.member_overrides", company_id="acme", product="q", person_id="ann",
           action="pin", removed_at=at(0), **of)  # fmt: skip
    insert(acme, "bg.member_overrides", company_id="bolt", product="p", person_id="cid",
           action="pin", **of)  # fmt: skip
    with acme.connect() as conn:
        assert staff.read_overrides(conn, ["acme"]) == {
            "acme": {"p": [Override("ann", "pin", "champion"), Override("bob", "exclude")]}
        }


def test_the_column_of_seniority_is_kept_and_read_again(acme: sa.Engine) -> None:
    run(acme, "update bg.people set seniority = 'C-Level' where id = 'ann'")
    with acme.connect() as conn:
        people = {one.person_id: one.seniority for one in staff.read_people(conn, ["acme"])}
    assert people == {"ann": "C-Level", "bob": None}
    write(acme, ["acme"], acme=[replace(ANN, seniority="C-Level")])
    with acme.connect() as conn:
        (ann,) = staff.read_staff(conn, ["acme"])["acme"]
    assert ann.seniority == "C-Level"


def test_a_row_of_another_version_is_read_without_the_companys_name_in_its_department(
    acme: sa.Engine,
) -> None:
    run(acme, "update bg.companies set name = 'Legal Services' where id = 'acme'")
    old = replace(ANN, title="Finance Director", department="Legal Services")
    write(acme, ["acme"], acme=[old])
    run(acme, "update bg.company_people set lexicon_version = 'old'")
    with acme.connect() as conn:
        (ann,) = staff.read_staff(conn, ["acme"])["acme"]
    assert ann.verdict == classify("Finance Director")
