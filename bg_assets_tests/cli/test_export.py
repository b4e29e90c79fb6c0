"""`export`: what stands in the file, in which order, and what happens when it can't be written."""

import csv
import io
import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from bg_assets.cli import export, export_formats
from bg_assets.domain.vocabulary import EXPORTED_ROLES, ROLES
from bg_assets.storage.reports import export as exporting
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh

PEOPLE = """id,company_id,name,title,department,email
b-1,bolt,Ines Marble,Chief Financial Officer,Finance,im@bolt.example
a-1,acme,Wilma Quartz,Chief Financial Officer,Finance,wq@acme.example
a-2,acme,=HYPERLINK(0),Financial Controller,"\u200b=Group, Finance",
a-3,acme,"Rosa ""Ro"" Gneiss",Head of Procurement,Procurement,
a-4,acme,石川,IT Director,IT,
"""


@pytest.fixture
def world(bg: Command) -> Command:
    """Two companies with their groups, in two workspaces."""
    for company, workspace in (("acme", "north"), ("bolt", "south")):
        path = bg.file("c.csv", f"id,name,employee_count\n{company},{company} Ltd,200\n")
        assert bg("import", "companies", path, "--workspace", workspace).code == 0
    bg("import", "people", bg.file("p.csv", PEOPLE))
    refresh(bg, "acme", "bolt")
    return bg


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_each_member_is_a_row_in_a_stable_order(world: Command) -> None:
    done = world("export", "-")
    assert done.code == 0
    found = rows(done.out)
    assert [row["company_id"] for row in found] == sorted(row["company_id"] for row in found)
    order = [(row["company_id"], ROLES.index(row["role"])) for row in found]
    assert order == sorted(order)
    first = found[0]
    assert (first["person_id"], first["name"], first["email"], first["role"]) == (
        "a-1", "Wilma Quartz", "wq@acme.example", "decision_maker",
    )  # fmt: skip
    assert float(first["confidence"]) > 0.5
    assert world("export").out == done.out
    assert "Quartz" not in done.err


def test_no_cell_is_a_formula(world: Command) -> None:
    found = {row["person_id"]: row for row in rows(world("export").out)}
    assert found["a-2"]["name"] == "'=HYPERLINK(0)"
    assert found["a-2"]["department"] == "'\u200b=Group, Finance"
    assert found["a-3"]["name"] == 'Rosa "Ro" Gneiss'
    assert found["a-4"]["name"] == "石川"


@pytest.mark.parametrize("number", [-5, -0.25, None])
def test_numbers_are_no_text_and_stay_as_they_are(number: float | None) -> None:
    assert export_formats._cell(number) == number


def test_json_has_each_group_with_its_gaps_and_members(world: Command, tmp_path: Path) -> None:
    path = tmp_path / "groups.json"
    assert world("export", path).code == 0
    groups: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    assert [group["company_id"] for group in groups] == ["acme", "bolt"]
    assert {"name", "role", "confidence", "reasons"} <= set(groups[0]["members"][0])
    assert groups[0]["members"][0]["reasons"]
    assert groups[1]["gaps"]
    assert any(member["name"] == "=HYPERLINK(0)" for member in groups[0]["members"])


@pytest.mark.parametrize("system", EXPORTED_ROLES)
def test_roles_have_the_names_of_the_system_asked_for(world: Command, system: str) -> None:
    ours = rows(world("export").out)
    theirs = rows(world("export", "--roles", system).out)
    assert [EXPORTED_ROLES[system][row["role"]] for row in ours] == [row["role"] for row in theirs]
    assert set(EXPORTED_ROLES[system]) == set(ROLES)


@pytest.mark.parametrize(
    ("options", "companies"),
    [
        (("--workspace", "south"), {"bolt"}),
        (("--company", "acme"), {"acme"}),
        (("--company", "acme", "--company", "bolt"), {"acme", "bolt"}),
        (("--product", "finance_system"), {"acme", "bolt"}),
    ],
)
def test_a_part_can_be_asked_for(
    world: Command, options: tuple[str, ...], companies: set[str]
) -> None:
    assert {row["company_id"] for row in rows(world("export", *options).out)} == companies


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--workspace", "sout"), "did you mean south?"),
        (("--company", "acne"), "did you mean acme?"),
        (("--product", "finance"), "did you mean finance_system?"),
        (("--roles", "sap"), "'sap' is not one of"),
        (("--format", "xml"), "'xml' is not one of"),
    ],
)
def test_what_nobody_knows_is_refused_and_nothing_is_written(
    world: Command, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    done = world("export", tmp_path / "out.csv", *options)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "out.csv").exists()


def test_a_file_that_is_there_stays_until_the_new_one_is_whole(
    world: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")

    def full(value: object) -> object:
        raise OSError(28, "No space left on device", "disk")

    monkeypatch.setattr("bg_assets.cli.export_formats._cell", full)
    done = world("export", path)
    assert (done.code, "No space left" in done.err) == (1, True)
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.glob(".out*")] == []


def test_a_pipe_is_written_through(world: Command, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    done = world("export", path)
    assert done.code == 0, done.err
    assert path.is_fifo()
    assert os.read(reader, 1 << 16).decode() == world("export").out
    os.close(reader)


def test_a_device_stays_a_device(world: Command, tmp_path: Path) -> None:
    # One of the test's own, which swallows everything.
    path = tmp_path / "node"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        path.open("w").close()
    except PermissionError:
        pytest.skip("devices can't be made or opened here")
    done = world("export", path)
    assert done.code == 0, done.err
    assert stat.S_ISCHR(path.stat().st_mode)


def test_a_link_stays_one_and_its_target_gets_the_groups(world: Command, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "link.csv").symlink_to("other/real.csv")
    for _ in ("made", "replaced"):
        assert world("export", tmp_path / "link.csv").code == 0
        assert (tmp_path / "link.csv").is_symlink()
        assert (tmp_path / "other" / "real.csv").read_text() == world("export").out
        assert [one.name for one in (tmp_path / "other").iterdir()] == ["real.csv"]


def test_the_file_is_for_its_owner_alone_unless_it_was_opened_before(
    world: Command, tmp_path: Path
) -> None:
    path = tmp_path / "out.csv"
    world("export", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    world("export", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("folder", "is a folder"),
        ("loop.csv", "symbolic links"),
        ("socket", "is a socket"),
    ],
)
def test_what_can_not_be_written_is_one_clear_line(
    world: Command, tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    with socket.socket(socket.AF_UNIX) as listening:
        # The name of a socket is short: relative to where we are.
        with pytest.MonkeyPatch.context() as monkey:
            monkey.chdir(tmp_path)
            listening.bind("socket")
        done = world("export", tmp_path / name)
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert f"{tmp_path / name}: " in line
    assert said in line


def test_a_folder_that_is_not_there_is_one_clear_line(world: Command, tmp_path: Path) -> None:
    done = world("export", tmp_path / "nowhere" / "out.csv")
    assert done.code == 1
    assert "nowhere" in done.err


def test_groups_are_read_some_companies_at_a_time_as_of_one_moment(
    world: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_CHUNK", 1)
    before = world("export")
    renamed = export._renamed

    def change_and_rename(group: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
        world.execute("update bg.people set name = 'Later'")
        world.execute("update bg.companies set deleted_at = now() where id = 'bolt'")
        return renamed(group, names)

    monkeypatch.setattr(export, "_renamed", change_and_rename)
    assert world("export").out == before.out
    assert "2 groups with" in before.err
    after = world("export")
    assert {row["company_id"] for row in rows(after.out)} == {"acme"}
    assert {row["name"] for row in rows(after.out)} == {"Later"}
    count = len(rows(after.out))
    assert after.err == f"1 group with {count} members written\n"
    assert world("export", "--format", "json").err == after.err


def test_lists_and_truths_are_in_words_in_csv(world: Command) -> None:
    world("pin", "acme", "a-4", "--reason", "asked for", "--role", "champion")
    refresh(world, "acme")
    found = {row["person_id"]: row for row in rows(world("export").out)}
    assert (found["a-4"]["pinned"], found["a-1"]["pinned"]) == ("true", "false")
    (group,) = json.loads(world("export", "--format", "json", "--company", "acme").out)
    for member in group["members"]:
        assert found[member["person_id"]]["reasons"] == "; ".join(member["reasons"])
        assert len(member["reasons"]) > 1


@pytest.mark.parametrize("system", EXPORTED_ROLES)
def test_gaps_have_the_role_names_of_the_system_asked_for_too(world: Command, system: str) -> None:
    ours, theirs = (
        json.loads(world("export", "--format", "json", "--roles", roles).out)
        for roles in ("ours", system)
    )
    told = [gap["role"] for group in ours for gap in group["gaps"]]
    assert any(told)
    assert [gap["role"] for group in theirs for gap in group["gaps"]] == [
        role and EXPORTED_ROLES[system][role] for role in told
    ]


def test_without_groups_there_is_the_header_alone(bg: Command) -> None:
    done = bg("export")
    assert (done.code, len(done.out.splitlines())) == (0, 1)
    assert json.loads(bg("export", "--format", "json").out) == []
