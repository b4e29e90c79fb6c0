"""The user's mapping from our columns to theirs: ``--map title="Job Title"`` and ``--map-file``.

Where several columns of theirs are joined: ``--map name="First Name"+"Last Name"``.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from bg_assets.files.header import BadHeader

_LARGEST = 1_000_000
# A line as --map takes it; those of YAML have a colon after the name.
_AS_OPTION = re.compile(r"\s*\w*\s*=.*")


def parse_options(options: Iterable[str]) -> dict[str, str]:
    """Mapping of ``title=Job Title`` options. Raises BadHeader for what is not one."""
    mapping: dict[str, str] = {}
    for option in options:
        name, sign, column = (part.strip() for part in option.partition("="))
        if not (name and sign and column):
            raise BadHeader('--map takes OURS=YOURS, like --map title="Job Title"')
        if name in mapping:
            raise BadHeader(f"--map {name}= is given twice: choose one of them")
        mapping[name] = column
    return mapping


def read_file(path: Path) -> dict[str, str]:
    """Mapping of a file of lines like ``title="Job Title"``, or of a YAML (or JSON) mapping.

    Lines are as --map takes them, quotes make no difference, and ``#`` begins a remark. Every value
    is taken as text. Raises BadHeader with the line that is wrong.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as err:
        raise BadHeader(f"{path} can't be read: {err.strerror}") from None
    if len(content) > _LARGEST:
        raise BadHeader(f"{path} is too large for a mapping of columns")
    example = 'it takes lines like title="Job Title" or title: "Job Title"'
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadHeader(f"{path} is not UTF-8: {example}") from None
    lines = [line for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
    if lines and _AS_OPTION.fullmatch(lines[0]):
        return _of_lines(path, text)
    return _of_yaml(path, text, example)


def _of_lines(path: Path, text: str) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        try:
            ((name, column),) = parse_options([line]).items()
        except BadHeader as err:
            raise BadHeader(f"{path}, line {number}: {err}") from None
        if name in mapping:
            raise BadHeader(f"{path}, line {number} maps {name} a second time: choose one of them")
        mapping[name] = _unquoted(column)
    return mapping


def _unquoted(column: str) -> str:
    """As a shell gives it: without quotes around a name, or around each that is joined."""
    return re.sub(r'"([^"]*)"|\'([^\']*)\'', lambda found: found[1] or found[2] or "", column)


def _of_yaml(path: Path, text: str, example: str) -> dict[str, str]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as err:
        mark = getattr(err, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise BadHeader(f"{path}{where} is not YAML: {example}") from None
    if not isinstance(root, yaml.MappingNode):
        raise BadHeader(f"{path} is not a mapping: {example}")
    mapping: dict[str, str] = {}
    for key, value in root.value:
        where = f"{path}, line {key.start_mark.line + 1}"
        plain = isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode)
        if not plain or not key.value.strip() or not value.value.strip():
            raise BadHeader(f"{where} is not one name for one name: {example}")
        name = key.value.strip()
        if name in mapping:
            raise BadHeader(f"{where} maps {name} a second time: choose one of them")
        mapping[name] = value.value.strip()
    return mapping
