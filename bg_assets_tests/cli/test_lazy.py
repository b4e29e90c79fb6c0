"""Commands are found by name, each in its own module, and only the one asked for is imported."""

import subprocess
import sys

import click
import pytest

from bg_assets.cli.lazy import LazyGroup
from bg_assets.cli.main import main

_HEAVY = "{'sqlalchemy', 'bg_assets.storage', 'bg_assets.health', 'structlog'}"


def _groups() -> list[LazyGroup]:
    ctx = click.Context(main)
    below = (main.get_command(ctx, name) for name in main.list_commands(ctx))
    return [main, *(one for one in below if isinstance(one, LazyGroup))]


def test_every_command_is_where_its_group_says_and_has_the_name_it_is_called_by() -> None:
    groups = _groups()
    assert {group.name for group in groups} == {"main", "subscriptions", "webhook"}
    for group in groups:
        ctx = click.Context(group)
        names = group.list_commands(ctx)
        assert len(names) > 3
        assert [getattr(group.get_command(ctx, name), "name", None) for name in names] == names


def test_an_unknown_command_is_none() -> None:
    assert main.get_command(click.Context(main), "nothing") is None


def test_help_says_of_each_command_what_click_would_say_of_it() -> None:
    for group in _groups():
        ctx = click.Context(group, info_name=group.name, terminal_width=100)
        ours, clicks = ctx.make_formatter(), ctx.make_formatter()
        group.format_commands(ctx, ours)
        click.Group.format_commands(group, ctx, clicks)
        assert ours.getvalue() == clicks.getvalue()
        assert len(ours.getvalue().splitlines()) > len(group.list_commands(ctx))


@pytest.mark.parametrize("arguments", [["--version"], ["nothing"], ["--help"]])
def test_what_is_no_command_imports_none(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from bg_assets.cli.main import main\n"
        "try:\n    main()\n"
        f"finally:\n    assert not {_HEAVY} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert "AssertionError" not in done.stderr
    assert done.returncode == (2 if arguments == ["nothing"] else 0)
