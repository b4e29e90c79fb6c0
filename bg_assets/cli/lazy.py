"""Groups of commands of which only the one that is asked for is imported."""

import ast
import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path

import click


class LazyGroup(click.Group):
    """A group that finds its commands by name: ``elsewhere`` says in which module each is, and how
    it is called there, ``"bg_assets.cli.status:status"``.

    What `--help` says of each is read from its module's text, since to import all takes a second.
    """

    def __init__(self, *args: object, elsewhere: Mapping[str, str] | None = None, **attrs: object):
        super().__init__(*args, **attrs)  # type: ignore[arg-type]
        self.elsewhere = dict(elsewhere or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all, in order."""
        return sorted({*self.commands, *self.elsewhere})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or none."""
        place = self.elsewhere.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = place.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A line for each command, as click would write it, none of them being imported."""
        told = {name: _told(name, place) for name, place in self.elsewhere.items()}
        click.Group(commands={**self.commands, **told}).format_commands(ctx, formatter)


def _told(name: str, place: str) -> click.Command:
    """A command that says of itself what the one at that place says, and does nothing."""
    module, _, function = place.partition(":")
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    tree = ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    (node,) = (
        one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == function
    )
    short = next(_short_helps(node), None)
    return click.Command(name, help=ast.get_docstring(node), short_help=short)


def _short_helps(node: ast.FunctionDef) -> Iterator[str]:
    """What decorators of a function give as ``short_help``."""
    for decorator in node.decorator_list:
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if keyword.arg == "short_help" and isinstance(keyword.value, ast.Constant):
                yield str(keyword.value.value)
