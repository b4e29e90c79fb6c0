"""`import`: who was erased comes back by no later list, unless somebody asks for that."""

import pytest
import sqlalchemy as sa

from bg_assets.storage.webhooks import forgetting
from bg_assets_tests.cli.command import Command, rejects_of
from bg_assets_tests.storage import told

PEOPLE = "Contact ID,Name,Company,Job Title,Email\n7,Ann Smith,Acme,CFO,ann@acme.com\n"
OTHERS = "8,Bob Ng,Acme,CEO,bob@acme.com\n"
WHY = "was erased here: repeat with --allow-erased if this person may come back"


def erase(bg: Command, name: str) -> str:
    """As a source's request does; gives the id that the person had."""
    person_id = str(bg.value("select id from bg.people where name = :name", name=name))
    with bg.engine.begin() as conn:
        forgetting.forget(conn, {person_id: None}, set(), [])
    return person_id


@pytest.fixture
def erased(bg: Command) -> str:
    """Ann, 7 of the crm, at Acme with Bob; she was erased."""
    bg.json("import", "people", bg.file("crm.csv", PEOPLE + OTHERS), "--source", "crm")
    return erase(bg, "Ann Smith")


LISTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("the source's id", "Contact ID,Name,Company\n7,Ann Miller,Acme\n", ("--source", "crm")),
    ("the address", "Name,Company,Email\nA. Miller,Acme,Ann@Acme.com\n", ()),
    ("the address elsewhere", "Name,Company,Email\nAnn Smith,Bolt,ann@acme.com\n", ()),
    ("company and name", 'Name,Company\n"SMITH, Ann",ACME Inc.\n', ()),
    ("another source's list", "Contact ID,Name,Company\n99,Ann Smith,Acme\n", ("--source", "x")),
)


@pytest.mark.parametrize(("by", "content", "source"), LISTS, ids=[one[0] for one in LISTS])
def test_a_later_list_does_not_bring_back_who_was_erased(
    bg: Command, erased: str, by: str, content: str, source: tuple[str, ...]
) -> None:
    path = bg.file("later.csv", content)
    dry = bg.json("import", "people", path, "--create-companies", *source, "--dry-run", code=1)
    assert dry["rejects"] == [{"line": 2, "reason": WHY}]
    done = bg.json("import", "people", path, "--create-companies", *source, code=1)
    assert (done["rejected"], done["inserted"]) == (1, 0)
    assert rejects_of(path)[0][1] == WHY
    assert bg.rows("select name from bg.people") == [("Bob Ng",)]


def test_the_erased_in_a_full_snapshot_make_nobody_a_leaver_and_do_not_forbid_it(
    bg: Command, erased: str
) -> None:
    for content, source in (
        (PEOPLE + OTHERS, ("--source", "crm")),
        ("Name,Company\nAnn Smith,Acme\nBob Ng,Acme\n", ()),
    ):
        path = bg.file("later.csv", content)
        done = bg.json("import", "people", path, *source, "--full-snapshot")
        assert (done["left"], done["rejected"], done["inserted"]) == (0, 1, 0)


def test_a_list_with_our_ids_does_not_bring_them_back_either(bg: Command) -> None:
    bg.companies("a")
    whole = bg.file("p.csv", "id,company_id,name,email\np1,a,Ann,ann@a.com\np2,a,Bob,bob@a.com\n")
    bg.json("import", "people", whole)
    assert erase(bg, "Ann") == "p1"
    done = bg.json("import", "people", whole, "--full-snapshot")
    assert (done["rejected"], done["unchanged"], done["left"]) == (1, 1, 0)
    other_id = bg.file("q.csv", "id,company_id,name,email\np3,a,Ann,ANN@a.com\n")
    assert bg.json("import", "people", other_id, code=1)["rejected"] == 1
    assert bg.json("import", "people", whole, "--allow-erased")["inserted"] == 1


def test_who_may_come_back_is_known_from_then_on_as_others_are(bg: Command, erased: str) -> None:
    path = bg.file("crm.csv", PEOPLE + OTHERS)
    back = bg.json("import", "people", path, "--source", "crm", "--allow-erased")
    assert (back["inserted"], back["unchanged"], back["rejected"]) == (1, 1, 0)
    again = bg.json("import", "people", path, "--source", "crm")
    assert (again["unchanged"], again["rejected"]) == (2, 0)
    assert bg.value("select count(*) from bg.people where id = :id", id=erased) == 0
    lifted = "select count from bg.audit_log where action = 'person.erasure_lifted'"
    assert bg.value(lifted) > 0


def test_others_of_that_name_elsewhere_or_of_a_shared_address_are_not_the_erased(
    bg: Command,
) -> None:
    rows = "Ann Smith,Acme,office@acme.com\nBob Ng,Acme,office@acme.com\n"
    bg.json("import", "people", bg.file("p.csv", "Name,Company,Email\n" + rows))
    erase(bg, "Ann Smith")
    more = "Name,Company,Email\nAnn Smith,Bolt,\nCy Roe,Acme,office@acme.com\nBob Ng,Acme,\n"
    path = bg.file("q.csv", more)
    bg.json("import", "people", path, "--create-companies")
    reasons = [row[1] for row in rejects_of(path)]
    assert WHY not in reasons
    assert ("Ann Smith",) in bg.rows("select name from bg.people")


def test_an_event_that_erases_somebody_keeps_them_out_of_later_lists(bg: Command) -> None:
    bg.json("import", "people", bg.file("crm.csv", PEOPLE + OTHERS), "--source", "crm")
    told.source(bg.engine, "crm")
    assert told.one(bg.engine, "person.erased", {"id": "7"}) == told.APPLIED
    path = bg.file("later.csv", "Name,Company,Email\nAnn Smith,Acme,ann@acme.com\n")
    assert bg.json("import", "people", path, code=1)["rejected"] == 1


def test_of_the_erased_only_digests_are_kept_which_no_other_installation_makes(
    bg: Command, erased: str
) -> None:
    digests = {bytes(row[0]) for row in bg.rows("select digest from bg.erased_people")}
    assert {len(one) for one in digests} == {32}
    plain = bg.rows(
        "select sha256(convert_to(x, 'UTF8')) from unnest(array["
        "'email ann@acme.com', 'ann@acme.com', 'id ' || :id]) as x",
        id=erased,
    )
    assert digests.isdisjoint(bytes(row[0]) for row in plain)
    assert len(bg.value("select salt from bg.erasure_salt")) == 32
    with pytest.raises(sa.exc.IntegrityError):
        bg.execute("insert into bg.erasure_salt (salt) values ('x')")


def test_a_file_of_many_looks_for_the_erased_all_at_once(bg: Command, erased: str) -> None:
    rows = "".join(f"Person {number} Xy,Acme,p{number}@acme.com\n" for number in range(3000))
    path = bg.file("many.csv", f"Name,Company,Email\n{rows}Ann Smith,Acme,\n")
    done = bg.json("import", "people", path)
    assert (done["inserted"], done["rejected"]) == (3000, 1)
