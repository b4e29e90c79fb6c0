"""The bg-assets command and its subcommands, listed by name."""

import signal
from types import FrameType
from typing import NoReturn

import click

from bg_assets import settings
from bg_assets.cli.lazy import LazyGroup
from bg_assets.domain.values.controls import visible

# Where each command is, in this folder.
_COMMANDS = {
    "up": "running:up",
    "demo": "running:demo",
    "receiver": "running:receiver",
    "migrate": "tables:migrate",
    "dsn": "tables:dsn",
    "sample": "tables:sample",
    "import": "importing:import_file",
    "headers": "headers:headers",
    "attach": "attaching:attach",
    "detach": "attaching:detach",
    "refresh": "requesting:refresh",
    "backfill": "requesting:backfill",
    "dead": "dead_letters:dead",
    "requeue": "dead_letters:requeue",
    "discard": "dead_letters:discard",
    "untrack": "requesting:untrack",
    "cancel": "cancelling:cancel",
    "doctor": "doctor:doctor",
    "alerts": "alerts:alerts",
    "resync": "resyncing:resync_command",
    "show": "reading:show",
    "why": "why:why",
    "status": "status:status",
    "kpis": "kpis:kpis",
    "webhook": "webhook.sources:webhook",
    "keys": "keys:keys",
    "titles": "titles:titles",
    "pin": "overrides:pin",
    "exclude": "overrides:exclude",
    "unpin": "overrides:unpin",
    "export": "export:export",
    "operations": "operations:operations",
    "templates": "templates:templates",
    "experiment": "experiment:experiment",
    "enrich": "enrich:enrich",
    "retention": "retention:retention",
    "backup": "backups:backup",
    "restore": "backups:restore",
    "metrics": "metrics:metrics",
    "subscriptions": "subscriptions.managing:group",
    "notifications": "subscriptions.sending:notifications",
}


def _environment() -> str:
    """Every environment variable with its default, for --help."""
    width = max(len(variable.name) for variable in settings.VARIABLES)
    lines = [
        f"  {variable.name:<{width}}  {variable.meaning} ({variable.default})"
        for variable in settings.VARIABLES
    ]
    return "\n".join(["Environment (and defaults):", *lines])


class _Group(LazyGroup):
    def invoke(self, ctx: click.Context) -> object:
        """Errors of usage repeat what was typed, which a script may have from elsewhere."""
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as err:
            raise click.UsageError(visible(err.format_message()), err.ctx) from None

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The variables, without the re-wrapping that click gives an epilog."""
        formatter.write("\n" + _environment() + "\n")
        formatter.write(
            "\nExit codes: 0 done, 1 something failed or was found, 2 usage or unknown id,\n"
            "3 database not reachable, 4 schema behind or ahead.\n"
        )


@click.group(
    cls=_Group,
    elsewhere={name: f"bg_assets.cli.{place}" for name, place in _COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="bg-assets")
def main() -> None:
    """Buyer groups, kept right: who decides at each company you sell to."""
    # So that a command which is told to stop lets go of the embedded server.
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
