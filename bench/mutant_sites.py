"""Where faults can be planted in a module, which of them are planted, and what each is called."""

import ast
import difflib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from bench import mutant_operators

_OPERATORS = mutant_operators.operators()
_LOGGED = {"debug", "info", "warning", "error", "exception", "critical", "log"}


@dataclass(frozen=True, slots=True)
class Site:
    """A fault that could be planted: in this module, of this kind, the n-th there, at this line."""

    module: str
    operator: str
    occurrence: int
    line: int


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault and the module's code with it.

    ``place`` is the function, class or constant that it is in; ``was`` and ``becomes`` are the
    lines that differ, with single spaces. Together they name it, wherever the lines move.
    """

    module: str
    place: str
    operator: str
    line: int
    was: str
    becomes: str
    code: str
    diff: str

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What it is known by in the list of equivalents."""
        return self.module, self.place, self.was, self.becomes


@dataclass(frozen=True, slots=True)
class Quota:
    """How many faults to plant: in all, and in each of these modules at least."""

    total: int
    each: int
    important: tuple[str, ...]


def sites(module: str, source: str) -> list[Site]:
    """All faults that could be planted, but for what is said to people and to the type checker."""
    silent = _silent_lines(ast.parse(source))
    lines = source.splitlines()
    nodes = list(ast_nodes(get_ast(source)))
    found = []
    for name, operator in _OPERATORS.items():
        positions = [place for node in nodes for place in operator.mutation_positions(node)]
        for number, ((line, column), _) in enumerate(positions):
            said = any(first <= (line, column) < last for first, last in silent)
            # The star of a signature is no product.
            star = lines[line - 1][column : column + 2] == "*,"
            if not said and not star:
                found.append(Site(module, name, number, line))
    return found


def choose(modules: Mapping[str, str], quota: Quota, seed: int) -> list[Mutant]:
    """Mutants of these modules (name to source), in an order in which it is fair to stop early.

    Each line is as likely as another; a second fault of a line comes when all lines had one. The
    same seed and source give the same choice, and a change of one module leaves the others' be.
    """
    queues = {name: _in_order(name, source, seed) for name, source in modules.items()}
    first = [name for name in modules if name in quota.important]
    chosen: list[Mutant] = []
    for _ in range(quota.each):
        chosen += [one for name in first if (one := next(queues[name], None))]
    dice = random.Random(seed)
    weights = {name: source.count("\n") for name, source in modules.items()}
    while weights and len(chosen) < quota.total:
        (name,) = dice.choices(list(weights), list(weights.values()))
        one = next(queues[name], None)
        if one is None:
            del weights[name]
        else:
            chosen.append(one)
    return chosen


def _in_order(module: str, source: str, seed: int) -> Iterator[Mutant]:
    dice = random.Random(f"{seed}:{module}")
    by_line: dict[int, list[Site]] = {}
    for site in sites(module, source):
        by_line.setdefault(site.line, []).append(site)
    seen: set[str] = set()
    while by_line:
        for line in dice.sample(list(by_line), len(by_line)):
            rest = by_line[line]
            mutant = mutate(rest.pop(dice.randrange(len(rest))), source)
            if not rest:
                del by_line[line]
            if mutant and mutant.code not in seen:
                seen.add(mutant.code)
                yield mutant


def mutate(site: Site, source: str) -> Mutant | None:
    """The fault planted; None where it changes nothing or is no Python."""
    code = mutate_code(source, _OPERATORS[site.operator], site.occurrence)
    try:
        tree = ast.parse(code) if code else None
    except SyntaxError:
        return None
    if tree is None or ast.dump(tree) == ast.dump(ast.parse(source)):
        return None
    differing = list(
        difflib.unified_diff(source.splitlines(), code.splitlines(), n=0, lineterm="")
    )[2:]
    was, becomes = _joined(differing, "-"), _joined(differing, "+")
    return Mutant(
        module=site.module,
        place=place_of(ast.parse(source), site.line),
        operator=site.operator,
        line=site.line,
        was=was,
        becomes=becomes,
        code=code,
        diff="\n".join(line for line in differing if not line.startswith("@@")),
    )


def place_of(tree: ast.Module, line: int) -> str:
    """The function, method, class or constant that a line belongs to, with dots between."""
    names: list[str] = []
    body: Sequence[ast.stmt] = tree.body
    while True:
        within = next((one for one in body if _first(one) <= line <= (one.end_lineno or 0)), None)
        if isinstance(within, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(within.name)
            body = within.body
            continue
        if within is not None and not any(isinstance(one, ast.FunctionDef) for one in body):
            names += _assigned(within) if not names or body is tree.body else []
        elif within is not None and body is tree.body:
            names += _assigned(within)
        return ".".join(names) or "module"


def _assigned(statement: ast.stmt) -> list[str]:
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return [one.id for one in targets if isinstance(one, ast.Name)][:1]


def _first(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    lines: list[int] = [node.lineno, *(one.lineno for one in decorators)]
    return min(lines)


def _joined(differing: Sequence[str], sign: str) -> str:
    lines = [line[1:] for line in differing if line.startswith(sign)]
    return " ".join(" ".join(lines).split())


def _silent_lines(tree: ast.Module) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """From where to where the code is for readers: types, decorators, asserts, errors' texts."""
    found: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found += [*node.decorator_list, *([node.returns] if node.returns else [])]
        elif isinstance(node, ast.ClassDef):
            found += node.decorator_list
        elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            found.append(node.annotation)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            found += [*node.exc.args, *(one.value for one in node.exc.keywords)]
        elif isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and _logs(node)):
            found.append(node)
    return [_span(node) for node in found]


def _logs(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in _LOGGED


def _span(node: ast.AST) -> tuple[tuple[int, int], tuple[int, int]]:
    line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
    return (line, column), (getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0))


def modules_of(root: Path, patterns: Sequence[str]) -> dict[str, str]:
    """The modules below the package that these patterns name, with their source."""
    files = sorted(path for pattern in patterns for path in (root / "bg_assets").glob(pattern))
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in files
        if path.name != "__init__.py"
    }
