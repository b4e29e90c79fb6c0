"""Which of PostgreSQL's programs dump a server, and what is said where none does."""

import os
from pathlib import Path

import pytest

from bg_assets.embedded import clients
from bg_assets.embedded.clients import Clients, NoClients


def _found(*majors: int) -> list[Clients]:
    return [Clients(Path(f"/{major}"), major) for major in majors]


@pytest.mark.parametrize(
    ("here", "server", "made_by", "chosen"),
    [
        ((15, 16, 18), 15, 0, 15),
        ((18, 16), 15, 0, 16),
        ((16, 18), 18, 0, 18),
        ((18,), 17, 0, 18),
        # What 18 wrote, 16 can't read.
        ((16, 17, 18), 17, 18, 18),
        ((15, 16), 15, 16, 16),
    ],
)
def test_the_oldest_programs_that_fit_are_chosen(
    here: tuple[int, ...], server: int, made_by: int, chosen: int
) -> None:
    assert clients.choose(_found(*here), server, made_by).major == chosen


@pytest.mark.parametrize(
    ("here", "server", "made_by", "told"),
    [
        ((15, 16), 18, 0, "of version 18, and here are: 15, 16. Install postgresql-client-18"),
        # Their scripts set what PostgreSQL 15 does not know.
        ((18,), 15, 0, "of version 15, and here are: 18"),
        ((), 16, 0, "here are: none"),
        ((15, 18), 15, 18, "restore it into PostgreSQL 18 or newer"),
        ((16,), 18, 18, "Install postgresql-client-18"),
    ],
)
def test_where_none_fits_the_message_says_which_would(
    here: tuple[int, ...], server: int, made_by: int, told: str
) -> None:
    with pytest.raises(NoClients, match=told):
        clients.choose(_found(*here), server, made_by)


def test_programs_are_found_on_path_and_in_the_wheel(tmp_path: Path) -> None:
    in_wheel = clients.installed(str(tmp_path))
    assert in_wheel
    for name in clients.NAMES:
        (tmp_path / name).symlink_to(in_wheel[0].path(name))
    on_path = clients.installed(f"/nowhere{os.pathsep}{tmp_path}")
    assert on_path == [Clients(tmp_path, in_wheel[0].major), *in_wheel]


def test_a_folder_with_only_some_of_the_programs_is_passed_by(tmp_path: Path) -> None:
    in_wheel = clients.installed(str(tmp_path))
    for name in ("pg_dump", "psql"):
        (tmp_path / name).symlink_to(in_wheel[0].path(name))
    assert clients.installed(str(tmp_path)) == in_wheel
