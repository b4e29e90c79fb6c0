"""From a group that lacks something, through People Data Labs, to what is written: as users see it.

Whatever the other side does, nothing that stands is overwritten, nothing is paid twice, and a line
says what is the matter.
"""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bg_assets_tests.cli.command import Command
from bg_assets_tests.enrichment import TEMPLATE
from bg_assets_tests.providers.fake_pdl import KEY, FakePdl
from bg_assets_tests.providers.plays import Play
from bg_assets_tests.refreshing import World

STAFF = """
    insert into bg.people (id, company_id, name, title, email, observed_at) values
        ('p-ada', 'co-vane', 'Ada Quill', 'CFO', null, '2026-09-01'),
        ('p-cy', 'co-vane', 'Cy Fennimore', 'Head of IT', null, '2024-01-01')
"""


@pytest.fixture
def vane(
    bg: Command, world: World, fake: FakePdl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """A company with a group of two who lack an address, one of them last seen long ago."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "asking.yaml").write_text(TEMPLATE.format(level="enrich"), encoding="utf-8")
    for name, text in {
        "BG_TEMPLATES": str(folder), "BG_PRODUCTS": "asking", "BG_PROVIDERS": "pdl",
        "BG_PDL_KEY": KEY, "BG_PDL_URL": fake.url, "BG_ENRICH_CAP_DAILY": "5",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, text)
    world.sql(
        "insert into bg.companies (id, name, domain, country) "
        "values ('co-vane', 'Harbour Vane', 'harbourvane.com', 'PT')"
    )
    world.sql(STAFF)
    world.instance.add_dynamic_partitions("companies", ["co-vane"])
    (request,) = world.claim()
    world.run(request)
    return bg


def people(bg: Command) -> dict[str, tuple[Any, ...]]:
    """Everybody, as they stand."""
    return {row[0]: row for row in bg.rows("select * from bg.people order by id")}


def test_what_it_knows_is_written_and_the_group_follows(
    vane: Command, world: World, fake: FakePdl
) -> None:
    said = vane("enrich", "co-vane").out
    assert "co-vane: 3 questions, cost 0.66 US dollars" in said
    assert "the company, Harbour Vane: found" in said
    found = vane.rows("select email, status, end_date from bg.people order by id")
    assert found == [
        ("ada.quill@harbourvane.com", "active", None),
        ("cy@ternloom.com", "left", date(2026, 8, 31)),
    ] or found == [
        ("ada.quill@harbourvane.com", "active", None), (None, "left", date(2026, 8, 31)),
    ]  # fmt: skip
    assert vane.value("select employee_min from bg.companies") is not None
    (request,) = world.claim()
    world.run(request)
    assert "p-cy" not in world.members("co-vane")
    assert fake.billed == 3


def test_a_second_time_nothing_is_asked_and_nothing_paid(vane: Command, fake: FakePdl) -> None:
    vane("enrich", "co-vane")
    calls, billed = len(fake.calls), fake.billed
    assert vane("enrich", "co-vane").code == 0
    assert (len(fake.calls), fake.billed) == (calls, billed)


@pytest.mark.parametrize(
    ("play", "line"),
    [
        (Play.WRONG_KEY, "BG_PDL_KEY"),
        (Play.NO_CREDIT, "credit"),
        (Play.NOT_THE_API, "BG_PDL_URL"),
        (Play.REDIRECT_AWAY, "BG_PDL_URL"),
    ],
)
def test_where_every_question_would_fail_one_is_asked_and_the_line_says_what_to_do(
    vane: Command, fake: FakePdl, play: Play, line: str
) -> None:
    before = people(vane)
    fake.always = play
    done = vane("enrich", "co-vane")
    assert done.code == 1
    assert line in done.out
    assert KEY not in done.out + done.err
    assert people(vane) == before
    assert (len(fake.calls), fake.billed) == (1, 0)


@pytest.mark.parametrize(
    "play",
    [Play.OTHER_SHAPE, Play.GARBAGE, Play.NAN, Play.DEEP, Play.HTML, Play.GZIP_BOMB, Play.TWICE],
)
def test_an_answer_of_another_shape_changes_nothing_and_is_paid_once(
    vane: Command, fake: FakePdl, play: Play
) -> None:
    before = people(vane)
    fake.always = play
    said = ""
    for _ in range(4):
        done = vane("enrich", "co-vane")
        said += done.out + done.err
    assert people(vane) == before
    paid = Counter((call.path, json.dumps(call.asked)) for call in fake.calls if call.billed)
    assert set(paid.values()) <= {1}
    assert KEY not in said
    assert "Quill" not in said.replace("Ada Quill (p-ada)", "")


def test_somebody_else_changes_nothing_and_is_paid_once(vane: Command, fake: FakePdl) -> None:
    before = people(vane)
    fake.always = Play.ANOTHER
    done = vane("enrich", "co-vane")
    billed = fake.billed
    assert done.out.count("not the one that was asked for") >= 2
    vane("enrich", "co-vane")
    assert people(vane) == before
    assert fake.billed == billed


def test_nobody_found_is_an_answer_and_costs_nothing(vane: Command, fake: FakePdl) -> None:
    fake.always = Play.NOBODY
    done = vane("enrich", "co-vane")
    assert done.code == 0
    assert "nobody found" in done.out
    assert "cost 0.00" in done.out


def test_a_human_who_writes_after_it_looked_is_believed(vane: Command, fake: FakePdl) -> None:
    vane.execute("update bg.people set title = 'Chief Finance Woman' where id = 'p-ada'")
    vane.execute("update bg.people set status = 'active' where id = 'p-cy'")
    vane.execute("update bg.people set location = 'Porto' where id = 'p-cy'")
    vane("enrich", "co-vane")
    found = dict(vane.rows("select id, title from bg.people"))
    assert found["p-ada"] == "Chief Finance Woman"
    assert vane.value("select status from bg.people where id = 'p-cy'") == "active"
