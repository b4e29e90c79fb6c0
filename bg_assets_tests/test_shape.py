"""The shape of the code: files, functions and nesting stay within what can be read at a glance."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bench
import bg_assets
import bg_assets_tests

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 65
DEEPEST = 3

_FOLDERS = [Path(str(one.__file__)).parent for one in (bg_assets, bench, bg_assets_tests)]
_DEEPER = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _files() -> Iterator[tuple[str, str]]:
    for folder in _FOLDERS:
        for path in folder.rglob("*.py"):
            yield str(path.relative_to(folder.parent)), path.read_text(encoding="utf-8")


def _functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, _FUNCTIONS):
            yield node


def _depth(node: ast.AST, *, is_elif: bool = False) -> int:
    """How many blocks lie within each other here; a function or class within counts by itself."""
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        return 0
    below = [_depth(child, is_elif=_is_elif(node, child)) for child in ast.iter_child_nodes(node)]
    return max(below, default=0) + (isinstance(node, _DEEPER) and not is_elif)


def _is_elif(node: ast.AST, child: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]


def _nesting(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return max(map(_depth, function.body))


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def test_no_file_is_too_long() -> None:
    long = [(name, text.count("\n")) for name, text in _files()]
    assert [one for one in long if one[1] > MOST_LINES_OF_A_FILE] == []


def test_no_function_is_too_long() -> None:
    assert [
        (name, one.name, _length(one))
        for name, text in _files()
        for one in _functions(text)
        if _length(one) > MOST_LINES_OF_A_FUNCTION
    ] == []


def test_no_function_is_nested_too_deep() -> None:
    assert [
        (name, one.name, _nesting(one))
        for name, text in _files()
        for one in _functions(text)
        if _nesting(one) > DEEPEST
    ] == []


@pytest.mark.parametrize(
    ("body", "depth"),
    [
        ("pass", 0),
        ("x = [a for a in b if a]", 0),
        ("if a: pass", 1),
        ("if a: pass\nelif b: pass\nelif c: pass", 1),
        ("if a: pass\nelse:\n    if b: pass\n    c()", 2),
        ("for a in b:\n    while c:\n        if d: pass", 3),
        ("with a:\n    try: pass\n    except E:\n        if b: pass", 3),
        ("match a:\n    case 1:\n        if b: pass", 2),
        ("if a:\n    def f():\n        if b: pass", 1),
    ],
)
def test_nesting_is_counted_by_block(body: str, depth: int) -> None:
    text = "def f():\n" + "".join(f"    {line}\n" for line in body.splitlines())
    assert _nesting(next(_functions(text))) == depth
