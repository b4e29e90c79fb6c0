"""The domain reads and writes nothing: no file, no process, no network, no stream, no environment.

Four modules read the table that is shipped beside each, and no other file.
"""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from bg_assets import domain

DOMAIN = Path(domain.__file__).parent
# What these read stands beside them, under this name.
SHIPPED = {
    "enrichment/nicknames.py": {"nicknames.csv"},
    "titles/beside.py": {"beside.csv"},
    "titles/languages.py": {"languages.npz"},
    "titles/lexicon.py": {"lexicon.csv"},
    "titles/tail.py": {"tail.npz"},
    "values/countries.py": {"countries.csv"},
    "webhooks/vendors/table.py": {"hubspot.toml", "pipedrive.toml", "salesforce.toml"},
}

_MODULES = frozenset({
    "asyncio", "fileinput", "glob", "http", "importlib", "io", "linecache", "logging",
    "multiprocessing", "os", "pathlib", "pkgutil", "shutil", "signal", "socket", "sqlite3",
    "subprocess", "sys", "tempfile", "threading", "urllib.request", "zipfile",
})  # fmt: skip
_BUILT_IN = frozenset({"open", "input", "print", "exec", "eval", "__import__"})
_METHODS = frozenset({
    "absolute", "chmod", "cwd", "exists", "expanduser", "glob", "hardlink_to", "home", "is_dir",
    "is_fifo", "is_file", "is_symlink", "iterdir", "lstat", "mkdir", "open", "owner", "read_bytes",
    "read_text", "readlink", "rename", "resolve", "rglob", "rmdir", "samefile", "stat",
    "symlink_to", "touch", "unlink", "walk", "write_bytes", "write_text",
})  # fmt: skip


def outside(source: str, *, reads: Collection[str] | None = None) -> Iterator[str]:
    """What a module does outside of its own memory, a line and a name each.

    reads: the file beside it that it may open.
    """
    may = {"pathlib", "open"} if reads else set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found = [module for alias in names for module in _within(alias.name)]
            case ast.ImportFrom(module=str(module), names=names):
                found = [one for alias in names for one in _within(f"{module}.{alias.name}")]
            case ast.Call(func=ast.Name(id=name)) if name in _BUILT_IN:
                found = [f"{name}()"]
            case ast.Attribute(attr=name) if name in _METHODS:
                found = [name]
            case _:
                continue
        yield from (f"line {node.lineno}: {name}" for name in found if name not in may)


def _within(name: str) -> Iterator[str]:
    """The module of those above that a name is, or is in."""
    return (module for module in _MODULES if f"{name}.".startswith(f"{module}."))


def paths(source: str) -> set[str]:
    """The names beside it of which a module makes paths, as they are written; "" for others."""
    made = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="Path")) as path, attr=what),
                args=[ast.Constant(value=str(name))],
            ) if what == "with_name" and ast.unparse(path) == "Path(__file__)":
                made.add(name)
            case ast.Call(func=ast.Name(id="Path")) if ast.unparse(node) != "Path(__file__)":
                made.add("")
    return made


@pytest.mark.parametrize(
    "name", sorted(path.relative_to(DOMAIN).as_posix() for path in DOMAIN.rglob("*.py"))
)
def test_a_module_of_the_domain_opens_nothing_but_the_table_beside_it(name: str) -> None:
    source = (DOMAIN / name).read_text(encoding="utf-8")
    assert list(outside(source, reads=SHIPPED.get(name))) == []


@pytest.mark.parametrize(("name", "tables"), SHIPPED.items())
def test_a_table_is_read_from_beside_its_module_alone(name: str, tables: set[str]) -> None:
    path = DOMAIN / name
    assert paths(path.read_text(encoding="utf-8")) == tables
    assert all(path.with_name(table).is_file() for table in tables)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("open('x')", "open()"),
        ("print(1)", "print()"),
        ("def f(path):\n    return path.read_text()", "read_text"),
        ("def f(folder):\n    yield from folder.glob('*')", "glob"),
        ("def f(path):\n    return path.exists()", "exists"),
        ("def f(paths):\n    return map(Path.read_bytes, paths)", "read_bytes"),
        ("def f():\n    from pathlib import Path", "pathlib"),
        ("import os.path as where", "os"),
        ("from importlib.resources import files", "importlib"),
        ("from urllib import request", "urllib.request"),
    ],
)
def test_whoever_does_is_seen(source: str, found: str) -> None:
    (said,) = outside(source)
    assert said.endswith(f": {found}")


def test_what_only_looks_like_it_is_none_of_it() -> None:
    assert list(outside("import re\nfrom urllib.parse import urlsplit\nis_open = 1\n")) == []


def test_a_path_to_anywhere_else_is_seen() -> None:
    assert paths("Path(__file__).with_name('a.csv')\nPath(name).open()") == {"a.csv", ""}


def test_who_reads_the_table_beside_it_may_do_nothing_more() -> None:
    reader = "from pathlib import Path\nwith Path(__file__).with_name('a.csv').open() as f: pass\n"
    assert list(outside(reader, reads="a.csv")) == []
    assert len(list(outside(reader))) == 2
    assert list(outside(f"{reader}f.write_text('')", reads="a.csv")) == ["line 3: write_text"]
