"""Whether the code of the project has changed on the disk since this process imported it."""

import contextlib
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from bg_assets import settings

# Files of the project's packages: path -> time of the last change in ns, and size in bytes.
Fingerprint = dict[str, tuple[int, int]]


def roots() -> list[str]:
    """The folders of the imported packages that are not installed ones, and single modules.

    And the folder of one's own templates, from which the definitions take a code version.
    """
    found = [str(path.parent if path.name == "__init__.py" else path) for path in _own().values()]
    with contextlib.suppress(settings.BadSetting):
        templates = settings.read().templates
        found += [str(templates)] if templates else []
    return sorted(found)


def forget(kept: set[str]) -> None:
    """Undo an import that failed half-way: drop the project's modules that are not in ``kept``."""
    own = _own()
    for name in set(sys.modules) - kept:
        if name.partition(".")[0] in own:
            del sys.modules[name]


def fingerprint(places: list[str]) -> Fingerprint:
    """The state of all files below ``roots()``; data files too, since many are read at import."""
    found: Fingerprint = {}
    for place in places:
        for path in _files(place):
            try:
                status = os.stat(path)  # noqa: PTH116 - a path object for each costs more than this
            except FileNotFoundError:
                continue
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


def _own() -> dict[str, Path]:
    """The imported packages and modules of the first level that are not installed: name -> file."""
    installed = tuple(
        str(Path(sysconfig.get_path(kind)).resolve())
        for kind in ("stdlib", "platstdlib", "purelib", "platlib")
    )
    found = {}
    for name in {name.partition(".")[0] for name in list(sys.modules)} - {"__main__"}:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and not str(path := Path(file).resolve()).startswith(installed):
            found[name] = path
    return found


def _files(place: str) -> Iterator[str]:
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                yield from _files_of(entry)
    except NotADirectoryError:
        yield place
    except FileNotFoundError:
        return


def _files_of(entry: os.DirEntry[str]) -> Iterator[str]:
    if entry.name.startswith(".") or entry.name == "__pycache__":
        return
    if entry.is_dir():
        yield from _files(entry.path)
    else:
        yield entry.path
