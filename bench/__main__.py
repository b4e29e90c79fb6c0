"""`python -m bench [NAME …] [OPTION …]`: run benches one after another and print their figures.

Options go to the bench, so that they take one name. Without a name all are run that measure.
"""

import ast
import difflib
import importlib
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import bench

_SKIPPED = 77
# Half an hour, and no measure of this machine.
_BY_NAME_ONLY = {"mutants"}
_FOLDER = Path(__file__).parent


def main(arguments: Sequence[str]) -> int:
    """Run the benches; returns the exit code: 1 where one failed, 2 for an unknown name."""
    names = list(itertools.takewhile(lambda one: not one.startswith("-"), arguments))
    options = list(arguments[len(names) :])
    known = _names()
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known
            _say(f"no bench {name}: there are {', '.join(near)}")
            return 2
    if options == ["--list"] and not names:
        for name in known:
            sys.stdout.write(f"{name:<12} {_description(name)}\n")
        return 0
    if options and len(names) != 1:
        _say("options go behind the name of one bench, or --list alone")
        return 2
    if len(names) == 1:
        return _run(names[0], options)
    return _run_each(names or [name for name in known if name not in _BY_NAME_ONLY])


def _run_each(names: Sequence[str]) -> int:
    """Each in a process of its own, so that none finds what another left in its environment."""
    results = {}
    for name in names:
        sys.stdout.write(f"\n== {name}: {_description(name)}\n")
        sys.stdout.flush()
        began = time.monotonic()
        code = subprocess.run([sys.executable, "-m", "bench", name], check=False).returncode
        word = {0: "done", _SKIPPED: "skipped"}.get(code, "FAILED")
        results[name] = word
        sys.stdout.write(f"== {name}: {word} after {time.monotonic() - began:.0f} s\n")
    sys.stdout.write(f"\n{', '.join(f'{name} {word}' for name, word in results.items())}\n")
    return 1 if "FAILED" in results.values() else 0


def _run(name: str, options: Sequence[str]) -> int:
    run: Callable[[Sequence[str]], None] = importlib.import_module(f"bench.{name}").main
    try:
        run(options)
    except bench.Skipped as reason:
        _say(f"skipped: {reason}")
        return _SKIPPED
    return 0


def _names() -> list[str]:
    """The modules beside this one that have a main; read, since to import them takes seconds."""
    return sorted(
        path.stem
        for path in _FOLDER.glob("[!_]*.py")
        if any(getattr(one, "name", "") == "main" for one in _parsed(path).body)
    )


def _description(name: str) -> str:
    docstring = ast.get_docstring(_parsed(_FOLDER / f"{name}.py")) or ""
    return docstring.split("\n", 1)[0]


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
