"""The signed events of the demo: a source in each scheme, whose event goes to the door."""

import json
import secrets
import uuid
from contextlib import closing
from datetime import UTC, datetime

import sqlalchemy as sa

from bg_assets import encryption, settings
from bg_assets.domain.webhooks import secrets as webhook_secrets
from bg_assets.domain.webhooks.secrets import Scheme
from bg_assets.sending import Answer, Sender, Signer
from bg_assets.storage import database
from bg_assets.storage.webhooks import sources
from bg_assets.storage.webhooks.sources import Source

_TRIES = 10


class NotTaken(Exception):
    """The door did not take an event; the message says what it answered."""


def send(
    engine: sa.Engine, scheme: Scheme, kind: str, person: str, company: str, **told: str
) -> None:
    """Send an event of this kind from a new source of the scheme. Raises NotTaken.

    ``told`` is what it says of the person.
    """
    config = settings.read()
    source = f"demo-{scheme}"
    key = _add_source(engine, config, source, scheme)
    event = {
        "id": str(uuid.uuid4()),
        "type": kind,
        "timestamp": datetime.now(UTC).isoformat(),
        "person": {"id": person, "name": "Somebody Invented", **told},
        "company": {"id": company, "name": "An Invented Company"},
    }
    url = f"http://127.0.0.1:{config.receiver_port}/webhooks/{source}"
    with closing(Sender(url, Signer(scheme, key), _TRIES)) as sender:
        answer: Answer = sender.send(str(event["id"]), json.dumps(event).encode())
    if not answer.taken:
        raise NotTaken(f"the webhook door answered {answer.code}: {answer.detail}")


def _add_source(engine: sa.Engine, config: settings.Settings, name: str, scheme: Scheme) -> bytes:
    """Add the source; returns the key that its secret stands for."""
    source = Source(name, scheme, "default", False, ("127.0.0.0/8",), 500, 2000)
    secret = webhook_secrets.from_random(scheme, secrets.token_bytes(32))
    with database.connect(engine) as conn:
        sources.add_source(conn, encryption.load(config), source, secret, "demo")
    key = webhook_secrets.key_of(scheme, secret)
    assert key is not None
    return key
