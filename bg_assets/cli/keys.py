"""`keys new|rotate`: the keys that stored secrets and payloads are encrypted with."""

import click
from rich.progress import Progress

from bg_assets import encryption, settings, terminal
from bg_assets.cli import lookups, session
from bg_assets.storage import key_rotation


@click.group()
def keys() -> None:
    """The keys that stored secrets and payloads of webhooks are encrypted with."""


@keys.command()
def new() -> None:
    """Print a fresh key for BG_ENCRYPTION_KEYS. It is stored nowhere."""
    terminal.tell(encryption.new_key())


@keys.command()
@click.option("--json", "as_json", is_flag=True)
def rotate(as_json: bool) -> None:
    """Encrypt everything that is stored with the newest key, while all else runs on.

    Keys in the file of the embedded default: a new one is put in front first, and nothing has to
    be restarted. Keys in BG_ENCRYPTION_KEYS: before, put a new one in front and restart every
    process, Dagster's first, since a receiver that writes with the new key needs readers of it.
    """
    with session.opened() as engine:
        config = settings.read()
        bar = Progress(console=terminal.messages, disable=not session.is_terminal(), transient=True)
        with bar:
            task = bar.add_task("encrypting", total=None)

            def progress(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            try:
                done = key_rotation.rotate(engine, config, lookups.who_types(), progress)
            except key_rotation.RotationUnderWay:
                session.fail("keys are being rotated already: wait for that to end", session.FAILED)
    if as_json:
        terminal.print_json(done)
    else:
        secrets, payloads = _some(done.secrets, "secret"), _some(done.payloads, "payload")
        terminal.tell(f"{secrets} and {payloads} encrypted anew, with the newest key")
    if done.up_to_date:
        session.say(f"{_some(done.up_to_date, 'payload')} had it before")
    if config.encryption_keys[1:]:
        session.say(
            "once every process has been restarted with these BG_ENCRYPTION_KEYS and this command "
            "has run after that, all but the first can go"
        )
    if done.unreadable:
        session.fail(
            f"encrypted with a key that is not here, and left so: {done.unreadable} of the secrets "
            "and payloads",
            session.FAILED,
        )


def _some(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
