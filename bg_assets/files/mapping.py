"""The user's mapping from our columns to theirs: ``--map title="Job Title"`` and ``--map-file``."""

from collections.abc import Iterable
from pathlib import Path

import yaml

from bg_assets.files.header import BadHeader

_LARGEST = 1_000_000


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
    """Mapping of a YAML (or JSON) file of lines like ``title: "Job Title"``.

    Every value is taken as text. Raises BadHeader with the line that is wrong.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as err:
        raise BadHeader(f"{path} can't be read: {err.strerror}") from None
    if len(content) > _LARGEST:
        raise BadHeader(f"{path} is too large for a mapping of columns")
    example = 'it takes lines like title: "Job Title"'
    try:
        root = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise BadHeader(f"{path} is not UTF-8: {example}") from None
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
