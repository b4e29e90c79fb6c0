"""What is stored encrypted, looked through for keys that are not here: nothing of it is kept."""

from collections.abc import Callable

import sqlalchemy as sa

from bg_assets.encryption import CannotDecrypt, Keys

_SECRETS = sa.text("""
    select secret as token from bg.webhook_secrets
    union all
    select secret from bg.subscription_secrets
""")
# A look through all events, 0.3 s a million: a digest begins with the name of the key that wrote
# it, and the payload beside it. An empty payload has been let go of.
_NAMES = sa.text("""
    select substring(body_digest from 1 for :length) as name, count(*) as events, max(id) as last
    from bg.webhook_events where payload <> '' group by 1 order by 1
""")
# Served by the primary key.
_PAYLOAD = sa.text("select payload as token from bg.webhook_events where id = :id")
_ANYTHING = sa.text("""
    select exists (select from bg.webhook_secrets) or exists (
            select from bg.webhook_events where payload <> '')
        or exists (select from bg.subscription_secrets)
""")


def anything(conn: sa.Connection) -> bool:
    """Whether anything is stored that a key is needed for."""
    return bool(conn.execute(_ANYTHING).scalar())


def unreadable(conn: sa.Connection, keys: Keys) -> tuple[int, int]:
    """How many secrets, and payloads of events, none of the keys opens.

    Of all payloads that were written with one key, the last is opened: they count together.
    """
    secrets = conn.execute(_SECRETS).scalars().all()
    payloads = 0
    known = keys.names()
    length = len(next(iter(known)))
    for row in conn.execute(_NAMES, {"length": length}).all():
        foreign = row.name is not None and bytes(row.name) not in known
        token = conn.execute(_PAYLOAD, {"id": row.last}).scalar_one()
        if foreign or not _opens(keys.decrypt, token):
            payloads += row.events
    return sum(not _opens(keys.decrypt, token) for token in secrets), payloads


def _opens(decrypt: Callable[[bytes], bytes], token: memoryview) -> bool:
    try:
        decrypt(bytes(token))
    except CannotDecrypt:
        return False
    return True
