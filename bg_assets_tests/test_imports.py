"""Imports run one way, from the top of the house to its ground, and each room is named here.

Which room of ours knows which is read from the source, what a function imports when it is called
included. What a room brings along from outside, through whatever library, is seen by importing it
whole in a fresh interpreter.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import bg_assets

PACKAGE = Path(bg_assets.__file__).parent
TESTS = Path(__file__).parent

# From the ground up: the rooms and files at the top, and which of those above them each may import.
ROOMS = {
    "variables": "",
    "settings": "variables",
    "writing": "",
    "process": "",
    "domain": "",
    "domain.values": "",
    "domain.titles": "domain domain.values",
    "domain.enrichment": "domain.values",
    "domain.products": "domain domain.values domain.enrichment",
    "domain.groups": "domain domain.values domain.titles domain.products",
    "domain.experiments": "domain.products domain.groups",
    "domain.webhooks": "domain.values domain.enrichment",
    "domain.kpis": "domain",
    "domain.notifications": "",
    "domain.alerts": "domain.values",
    "terminal": "domain.values",
    "logs": "settings domain.values",
    "tracing": "settings process logs",
    "encryption": "settings writing",
    "embedded": "settings logs",
    "files": "writing domain.values",
    "sample": "writing files",
    "providers": "settings domain.values domain.enrichment domain.webhooks files",
    "storage": "settings domain domain.values domain.titles domain.enrichment domain.groups "
    "domain.experiments domain.webhooks domain.kpis domain.notifications domain.alerts logs "
    "tracing encryption embedded",
    "sending": "domain.webhooks",
    "products": "domain.values domain.products domain.experiments storage",
    "enriching": "settings domain.values domain.enrichment domain.products domain.groups embedded "
    "providers storage products",
    "receiver": "settings process domain.values domain.webhooks logs tracing encryption embedded "
    "storage",
    "notifications": "settings process domain.webhooks domain.notifications logs tracing "
    "encryption embedded storage",
    "instance": "settings process domain.titles logs tracing embedded storage",
    "backups": "settings writing encryption embedded storage instance",
    "web": "settings logs instance",
    "metrics": "settings process domain domain.alerts domain.kpis logs embedded storage instance",
    "local": "settings process domain.kpis domain.webhooks terminal logs tracing encryption "
    "embedded files sample storage sending products instance",
    "health": "settings process domain domain.enrichment domain.kpis domain.alerts tracing "
    "encryption embedded providers storage products instance local",
    "alerting": "settings process domain.values domain.webhooks domain.alerts logs embedded "
    "storage instance health",
    "cli": "settings writing domain domain.values domain.titles domain.enrichment domain.products "
    "domain.groups domain.experiments domain.webhooks domain.kpis domain.notifications "
    "domain.alerts terminal logs encryption embedded files sample storage sending products "
    "enriching receiver notifications instance backups metrics local health alerting",
    "partitions": "",
    "resources": "storage instance partitions",
    "assets": "settings domain domain.values domain.titles domain.enrichment domain.products "
    "domain.groups domain.experiments domain.kpis logs tracing embedded storage products "
    "enriching instance partitions resources",
    "jobs": "",
    "faults": "settings storage instance",
    "repair": "storage instance faults",
    "ticks": "settings domain domain.products tracing embedded storage enriching instance "
    "partitions assets",
    "sensors": "settings domain logs tracing encryption storage products instance partitions "
    "resources assets jobs repair ticks",
    "schedules": "settings storage instance resources jobs",
    "definitions": "resources assets jobs sensors schedules",
}

DAGSTER = frozenset({"dagster", "dagster_postgres", "dagster_webserver", "dagster_shared", "grpc"})
DATABASE = frozenset({"sqlalchemy", "psycopg2", "alembic"})
TERMINAL = frozenset({"click", "rich"})
TABLES = frozenset({"pandas", "numpy"})
OUTSIDE = frozenset({"requests", "psutil"})
_PURE = DAGSTER | DATABASE | TERMINAL | TABLES | OUTSIDE

# What rooms may not bring along; every other one knows Dagster.
NOT_FOREIGN = {
    "settings": _PURE,
    "writing": _PURE,
    "process": _PURE - OUTSIDE,
    "tracing": DAGSTER | DATABASE | TERMINAL | TABLES,
    "domain": _PURE,
    "terminal": _PURE - TERMINAL,
    "logs": _PURE,
    "encryption": _PURE,
    "embedded": DAGSTER | TERMINAL | TABLES,
    "files": _PURE,
    "sample": _PURE,
    "providers": _PURE - {"requests"},
    "storage": DAGSTER | TERMINAL | TABLES,
    "sending": DAGSTER | DATABASE | TERMINAL | TABLES,
    "products": DAGSTER | TERMINAL | TABLES,
    "backups": DAGSTER | TERMINAL | TABLES,
    # uvicorn loads click.
    "receiver": DAGSTER | TABLES | {"rich"},
    "notifications": DAGSTER | TABLES | TERMINAL,
    "web.guard": _PURE,
    "metrics": DAGSTER | TERMINAL | TABLES,
    "local": DAGSTER | TABLES,
    "health": DAGSTER | TERMINAL | TABLES,
    "alerting": DAGSTER | TERMINAL | TABLES,
    "cli": DAGSTER | TABLES,
}

# Modules that run something when they are imported are left out.
_IMPORT_ALL = """
import importlib, json, pkgutil, sys
room = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(getattr(room, "__path__", []), room.__name__ + "."):
    if not found.name.endswith(("__main__", "migrations.env")):
        importlib.import_module(found.name)
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


@cache
def _modules() -> dict[str, Path]:
    """All our modules by their name without the package's; a package's is its own."""
    files = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


@cache
def _imports(module: str) -> frozenset[str]:
    """Those of our modules that this one imports, wherever it does so."""
    known = _modules()
    found = set()
    for node in ast.walk(ast.parse(known[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name[10:] in known else str(node.module) for name in names]
        else:
            continue
        found |= {name[10:] for name in names if name.startswith("bg_assets.")}
    return frozenset(found - {module})


def _room(module: str) -> str:
    """The room a module is in: the one named most closely."""
    names = module.split(".")
    return next(
        (name for end in (2, 1) if (name := ".".join(names[:end])) in ROOMS), f"none for {module}"
    )


def _arrows() -> Iterator[tuple[str, str]]:
    for module in _modules():
        for other in _imports(module):
            yield module, other


def test_every_module_is_in_a_room_that_is_named_here() -> None:
    rooms = {_room(module) for module in _modules() if module}
    assert rooms == set(ROOMS)


def test_no_room_imports_one_that_stands_above_it() -> None:
    order = list(ROOMS)
    for room, imports in ROOMS.items():
        assert all(order.index(one) < order.index(room) for one in imports.split()), room


def test_a_room_imports_the_rooms_that_are_named_for_it_and_no_other() -> None:
    found: dict[str, set[str]] = {room: set() for room in ROOMS}
    for module, other in _arrows():
        if _room(module) != _room(other):
            found[_room(module)].add(_room(other))
    assert found == {room: set(imports.split()) for room, imports in ROOMS.items()}


def test_no_module_imports_itself_through_others() -> None:
    TopologicalSorter({module: _imports(module) for module in _modules()}).prepare()


def test_no_test_module_is_imported_by_another() -> None:
    """What several tests need lies in fixtures and in modules without tests."""
    known = {path.stem for path in TESTS.rglob("test_*.py")}
    importers = {
        path.relative_to(TESTS).as_posix(): names
        for path in TESTS.rglob("*.py")
        if (names := known & _parts_imported(path))
    }
    assert importers == {}


def _parts_imported(path: Path) -> set[str]:
    """The parts of all dotted names that a file imports."""
    parts = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            parts |= {part for name in names for part in name.split(".")}
    return parts


@pytest.fixture(scope="module")
def loaded() -> dict[str, Future[set[str]]]:
    """What importing each room loads, found out two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return {room: pool.submit(_loaded, room) for room in NOT_FOREIGN}


def _loaded(room: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL, f"bg_assets.{room}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("name", NOT_FOREIGN)
def test_a_room_brings_nothing_along_that_it_may_not_know(
    loaded: dict[str, Future[set[str]]], name: str
) -> None:
    assert NOT_FOREIGN[name].isdisjoint(loaded[name].result())


def test_the_map_of_the_readme_names_every_room_and_every_file_at_the_top() -> None:
    shown = (PACKAGE.parent / "README.md").read_text(encoding="utf-8").split("## Map")[1]
    for room in ROOMS:
        name = room.split(".")[-1]
        assert re.search(rf"\b{name}(/|\.py)", shown), f"{room} is not in the README's map"


def test_the_files_that_readme_and_architecture_point_to_are_there() -> None:
    for page in ("README.md", "docs/architecture.md"):
        folder = PACKAGE
        text = (PACKAGE.parent / page).read_text(encoding="utf-8")
        for found in re.findall(r"`([a-z_/*]+\.(?:py|csv|yaml))`", text):
            # A name alone lies beside the file that was named before it, or at the top.
            places = [PACKAGE.parent, PACKAGE, *([] if "/" in found else [folder])]
            assert any(list(place.glob(found)) for place in places), f"{page} names {found}"
            folder = (PACKAGE / found).parent if "/" in found else folder
