"""Groups of commands of which only the one that is asked for is imported."""

import importlib
from collections.abc import Mapping

import click


class LazyGroup(click.Group):
    """A group that finds its commands by name: ``elsewhere`` says in which module each is, and how
    it is called there, ``"bg_assets.cli.status:status"``.

    `--help` imports all of them, since it prints what each does.
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
