"""What was read of a title stands, while nothing changes that the verdict hangs on."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bg_assets.assets import runs
from bg_assets.domain.groups.group import StaffMember
from bg_assets.domain.titles.verdict import classify
from bg_assets.storage import staff, standing_verdicts
from bg_assets_tests.refreshing import World


@pytest.fixture
def read(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str | None]]:
    """A company in Austria, whose people were judged; judges them anew and gives what was read."""
    world.add("acme")
    world.sql("update bg.companies set country = 'AT'")
    runs.rejudge(world.engine, ["acme"])
    said: list[str | None] = []

    def counting(title: str | None, department: str | None, spoken: tuple[str, ...]) -> object:
        said.append(title)
        return classify(title, department, spoken)

    def again() -> list[str | None]:
        said.clear()
        runs.rejudge(world.engine, ["acme"])
        return sorted(said, key=str)

    monkeypatch.setattr("bg_assets.domain.titles.verdict.classify", counting)
    return again


def kept(engine: sa.Engine) -> dict[str, StaffMember]:
    with engine.connect() as conn:
        return {one.person_id: one for one in staff.read_staff(conn, ["acme"])["acme"]}


def test_no_title_is_read_that_was_read_before_and_who_is_new_is(
    world: World, read: Callable[[], list[str | None]]
) -> None:
    before = kept(world.engine)
    assert read() == []
    assert kept(world.engine) == before
    world.sql("insert into bg.people (id, company_id, name, title) "
              "values ('acme-new', 'acme', 'Some One', 'Head of Tax')")  # fmt: skip
    assert read() == ["Head of Tax"]
    assert {*kept(world.engine)} - {*before} == {"acme-new"}
    assert read() == []


@pytest.mark.parametrize(
    ("change", "titles"),
    [
        ("update bg.people set title = 'Treasurer' where id = 'acme-fd'", ["Treasurer"]),
        ("update bg.people set title = null where id = 'acme-fd'", [None]),
        ("update bg.people set department = 'IT' where id = 'acme-fd'", ["Finance Director"]),
        ("update bg.people set location = 'Graz', email = null where id = 'acme-fd'", []),
        ("update bg.companies set employee_min = 5, industry = 'bank'", []),
    ],
)
def test_a_title_is_read_anew_where_it_or_the_department_differs_and_for_nothing_else(
    world: World, read: Callable[[], list[str | None]], change: str, titles: list[str | None]
) -> None:
    world.sql(change)
    assert read() == titles
    assert read() == []


@pytest.mark.parametrize(
    "change",
    [
        "update bg.companies set name = 'Finance Director'",
        "update bg.companies set country = 'DE'",
        "update bg.companies set country = null",
        "update bg.company_people set lexicon_version = 'older'",
        "update bg.company_people set lexicon_version = null, has_left = null",
        "delete from bg.company_profiles",
    ],
)
def test_all_titles_are_read_anew_where_a_verdict_hangs_on_more_than_them(
    world: World, read: Callable[[], list[str | None]], change: str
) -> None:
    everybody = len(kept(world.engine))
    world.sql(change)
    assert len(read()) == everybody


def test_where_the_country_is_unknown_no_verdict_stands(world: World) -> None:
    """One title more may make another language of all of them."""
    world.add("acme")
    runs.rejudge(world.engine, ["acme"])
    with world.engine.connect() as conn:
        found = standing_verdicts.read(conn, ["acme"])
        (first, *_) = staff.read_people(conn, ["acme"])
        assert found.rows[("acme", first.person_id)].verdict is not None
        assert found.of("acme", first.person_id, first.title, first.department) is None
        assert standing_verdicts.read(conn, ["none"]).rows == {}
