"""`python -m bg_assets.instance.program dagster …`: a program of Dagster, which logs as we do."""

import sys
from importlib.metadata import entry_points
from pathlib import Path

from bg_assets import settings
from bg_assets.instance.private import speaking
from bg_assets.logs import setup


def main(arguments: list[str]) -> None:
    """Run the program by these arguments, the first being its own name or path."""
    name = "code" if "grpc" in arguments else Path(arguments[0]).name
    try:
        setup.begin(name, settings.read())
    except settings.BadSetting as err:
        sys.stderr.write(f"{err}\n")
        sys.exit(2)
    speaking.through_ours()
    sys.argv = arguments
    (program,) = entry_points(group="console_scripts", name=Path(arguments[0]).name)
    program.load()()


if __name__ == "__main__":
    main(sys.argv[1:])
