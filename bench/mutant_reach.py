"""Which tests run a line: what coverage noted of one run of all tests, test by test."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import coverage

# A fixture of the session is set up once, for all that come after; a process that a test started
# may serve the others of its file.
SHARED = "shared"
PROCESS = "process:"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Reach:
    """Tests by the lines that they run, how long each took, and which failed untouched.

    ``sources`` are the modules as they were when the tests ran.
    """

    sources: Mapping[str, str]
    lines: Mapping[str, Mapping[int, frozenset[str]]]
    seconds: Mapping[str, float]
    failed: frozenset[str]
    _users: dict[tuple[str, str], list[tuple[str, int]]] = field(default_factory=dict)

    def tests(self, module: str, line: int, room: Iterable[str]) -> list[str]:
        """The room's tests that reach this line, those of the module's own file first.

        Of a constant: those that reach a line which names it. Where only what is shared reaches
        it, all of the room's.
        """
        candidates = [
            test
            for test in self.seconds
            if test not in self.failed and any(test.startswith(path) for path in room)
        ]
        noted = self._contexts(module, line)
        files = {one.removeprefix(PROCESS).split("::")[0] for one in noted if PROCESS in one}
        every = SHARED in noted
        reached = [
            test for test in candidates if test in noted or every or test.split("::")[0] in files
        ]
        stem = Path(module).stem
        cost: dict[str, float] = defaultdict(float)
        for test in reached:
            cost[test.split("::")[0]] += self.seconds[test]

        def order(test: str) -> tuple[bool, bool, bool, float]:
            file = test.split("::")[0]
            return (
                f"test_{stem}" not in file,
                f"test_{stem.split('_')[0]}" not in file,
                # Of shared code, which all run: those first that also run it themselves.
                test not in noted,
                cost[file],
            )

        return sorted(reached, key=order)

    def _contexts(self, module: str, line: int) -> frozenset[str]:
        tree = ast.parse(self.sources[module])
        function = _innermost(tree, line)
        if function is not None:
            return self._on(module, _statement_lines(function, line))
        names = _constant(tree, line)
        used = [place for name in names for place in self._uses(module, name)]
        found = frozenset[str]().union(*(self._on(file, [number]) for file, number in used))
        return found or frozenset[str]().union(*self.lines.get(module, {}).values())

    def _on(self, module: str, lines: Iterable[int]) -> frozenset[str]:
        noted = self.lines.get(module, {})
        return frozenset[str]().union(*(noted.get(line, frozenset()) for line in lines))

    def _uses(self, module: str, name: str) -> list[tuple[str, int]]:
        """The lines that name a constant, directly or by way of another constant."""
        known = self._users.get((module, name))
        if known is not None:
            return known
        self._users[module, name] = []
        found: list[tuple[str, int]] = []
        files = [module] if name.startswith("_") else list(self.lines)
        for file in files:
            source = self.sources[file]
            if not re.search(rf"\b{name}\b", source):
                continue
            tree = ast.parse(source)
            for number, text in enumerate(source.splitlines(), 1):
                if name not in _WORD.findall(text):
                    continue
                if _innermost(tree, number) is not None:
                    found.append((file, number))
                elif file == module:
                    others = [one for one in _constant(tree, number) if one != name]
                    found += [place for one in others for place in self._uses(file, one)]
        self._users[module, name] = found
        return found


def read(data: Path, root: Path, seconds: Mapping[str, float], failed: Iterable[str]) -> Reach:
    """What the run left in coverage's file."""
    noted = coverage.CoverageData(str(data))
    noted.read()
    lines: dict[str, dict[int, frozenset[str]]] = {}
    for name in noted.measured_files():
        path = Path(name)
        if not path.is_relative_to(root):
            continue
        by_line = noted.contexts_by_lineno(name)
        lines[path.relative_to(root).as_posix()] = {
            line: frozenset(one for one in contexts if one) for line, contexts in by_line.items()
        }
    sources = {name: (root / name).read_text(encoding="utf-8") for name in lines}
    return Reach(sources, lines, dict(seconds), frozenset(failed))


def _innermost(tree: ast.AST, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function whose body runs this line; None for what runs at import."""
    found = None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            inside = first <= line <= (node.end_lineno or 0)
            if inside and (found is None or node.lineno >= found.lineno):
                found = node
    return found


def _statement_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, line: int) -> range:
    """The lines of the smallest statement there: of one with a body only what stands before it.

    What belongs to no statement of the body is the signature: then all of the body.
    """
    best = range(function.body[0].lineno, (function.end_lineno or 0) + 1)
    for node in ast.walk(function):
        if not isinstance(node, ast.stmt | ast.excepthandler | ast.match_case) or node is function:
            continue
        body = getattr(node, "body", None)
        start = getattr(node, "lineno", None) or node.body[0].lineno  # type: ignore[union-attr]
        end = getattr(node, "end_lineno", start)
        if isinstance(body, list) and body:
            end = max(start, body[0].lineno - 1)
        if start <= line <= end and end - start < len(best):
            best = range(start, end + 1)
    return best


def _constant(tree: ast.Module, line: int) -> list[str]:
    """What the statement at the top is called: a constant, or a class."""
    for node in tree.body:
        if node.lineno <= line <= (node.end_lineno or 0):
            if isinstance(node, ast.ClassDef):
                return [node.name]
            targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
            return [one.id for one in targets if isinstance(one, ast.Name)]
    return []
