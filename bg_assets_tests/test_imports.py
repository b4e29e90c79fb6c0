"""Imports run one way: no room brings along what it may not know, whichever of its modules is used.

Each room is imported whole in a fresh interpreter. What a function imports when it is called is
not seen here.
"""

import json
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

DAGSTER = frozenset({"dagster", "dagster_postgres", "dagster_webserver", "dagster_shared", "grpc"})
DATABASE = frozenset({"sqlalchemy", "psycopg2", "alembic"})
TERMINAL = frozenset({"click", "rich"})
TABLES = frozenset({"pandas", "numpy"})
OUTSIDE = frozenset({"requests", "psutil"})

# Modules that run something when they are imported are left out.
_IMPORT_ALL = """
import importlib, json, pkgutil, sys
room = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(getattr(room, "__path__", []), room.__name__ + "."):
    if not found.name.endswith(("__main__", "migrations.env")):
        importlib.import_module(found.name)
names = [name.split(".") for name in sys.modules]
print(json.dumps({
    "foreign": sorted({name[0] for name in names}),
    "ours": sorted({name[1] for name in names if name[0] == "bg_assets" and len(name) > 1}),
}))
"""


@dataclass(frozen=True, slots=True)
class Room:
    """What a room may not load, and which rooms of ours it may."""

    not_foreign: frozenset[str]
    ours: frozenset[str]


_PURE = DAGSTER | DATABASE | TERMINAL | TABLES | OUTSIDE
_STORAGE = frozenset({"settings", "domain", "embedded", "storage", "writing"})
_DAGSTER = _STORAGE | {"instance", "partitions", "products", "resources", "versions", "assets"}

ROOMS = {
    "settings": Room(_PURE, frozenset({"settings"})),
    "domain": Room(_PURE, frozenset({"domain"})),
    "writing": Room(_PURE, frozenset({"writing"})),
    "files": Room(_PURE, frozenset({"domain", "files", "writing"})),
    "sample": Room(_PURE, frozenset({"domain", "files", "sample", "sample_posts", "writing"})),
    "embedded": Room(DAGSTER | TERMINAL | TABLES, frozenset({"settings", "embedded"})),
    "storage": Room(DAGSTER | TERMINAL | TABLES, _STORAGE),
    # uvicorn loads click.
    "receiver": Room(DAGSTER | TABLES | {"rich"}, _STORAGE | {"receiver"}),
    "sending": Room(DAGSTER | DATABASE | TERMINAL | TABLES, frozenset({"domain", "sending"})),
    "cli": Room(DAGSTER | TABLES, _STORAGE | {"files", "local", "products", "sending", "cli"}),
    "instance": Room(TABLES, _STORAGE | {"instance"}),
    "web.guard": Room(_PURE, frozenset({"web"})),
    "web": Room(TABLES, _STORAGE | {"instance", "web"}),
    "assets": Room(TABLES, _DAGSTER),
    "definitions": Room(
        TABLES,
        _DAGSTER
        | {"checks", "sensors", "patience", "repair", "faults", "upkeep", "mirror", "restoring"}
        | {"jobs", "definitions"},
    ),
}


@pytest.fixture(scope="module")
def loaded() -> dict[str, Future[dict[str, list[str]]]]:
    """What importing each room loads, found out two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return {room: pool.submit(_loaded, room) for room in ROOMS}


def _loaded(room: str) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL, f"bg_assets.{room}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_loads_nothing_that_it_may_not_know(
    loaded: dict[str, Future[dict[str, list[str]]]], name: str
) -> None:
    room, found = ROOMS[name], loaded[name].result()
    assert room.not_foreign.isdisjoint(found["foreign"])
    assert room.ours.issuperset(found["ours"])
