"""The bg-assets command and its subcommands, listed by name."""

import signal
from types import FrameType
from typing import NoReturn

import click

from bg_assets import settings
from bg_assets.cli import (
    alerts,
    backups,
    cancelling,
    dead_letters,
    doctor,
    enrich,
    experiment,
    export,
    importing,
    keys,
    kpis,
    metrics,
    operations,
    overrides,
    reading,
    requesting,
    resyncing,
    running,
    status,
    tables,
    templates,
    titles,
    why,
)
from bg_assets.cli.subscriptions import managing as subscriptions
from bg_assets.cli.subscriptions import sending
from bg_assets.cli.webhook import dead, send, sources
from bg_assets.domain.values.controls import visible


def _environment() -> str:
    """Every environment variable with its default, for --help."""
    width = max(len(variable.name) for variable in settings.VARIABLES)
    lines = [
        f"  {variable.name:<{width}}  {variable.meaning} ({variable.default})"
        for variable in settings.VARIABLES
    ]
    return "\n".join(["Environment (and defaults):", *lines])


class _Group(click.Group):
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


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bg-assets")
def main() -> None:
    """Buyer groups, kept right: who decides at each company you sell to."""
    # So that a command which is told to stop lets go of the embedded server.
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


for _command in (
    running.up,
    running.demo,
    running.receiver,
    tables.migrate,
    tables.dsn,
    tables.sample,
    importing.import_file,
    requesting.refresh,
    requesting.backfill,
    dead_letters.dead,
    dead_letters.requeue,
    dead_letters.discard,
    requesting.untrack,
    cancelling.cancel,
    doctor.doctor,
    alerts.alerts,
    resyncing.resync_command,
    reading.show,
    why.why,
    status.status,
    kpis.kpis,
    sources.webhook,
    keys.keys,
    titles.titles,
    overrides.pin,
    overrides.exclude,
    overrides.unpin,
    export.export,
    operations.operations,
    templates.templates,
    experiment.experiment,
    enrich.enrich,
    backups.backup,
    backups.restore,
    metrics.metrics,
    subscriptions.group,
    sending.notifications,
):
    main.add_command(_command)

for _command in (sending.test, sending.deliveries, sending.replay):
    subscriptions.group.add_command(_command)

for _command in (send.send, dead.dead, dead.replay):
    sources.webhook.add_command(_command)
