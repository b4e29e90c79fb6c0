"""Subscriptions: where messages go and which, their secrets, kept encrypted, and every change.

A secret signs while its end has not come, by the database's clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bg_assets.domain.webhooks.secrets import key_of
from bg_assets.encryption import CannotDecrypt, Keys
from bg_assets.logs import log
from bg_assets.storage import audit

LOG = log.logger(__name__)

_ADD = sa.text("""
    insert into bg.subscriptions (url, workspace, products, kinds, names, insecure, private)
    values (:url, :workspace, :products, :kinds, :names, :insecure, :private) returning id
""")
_ADD_SECRET = sa.text("""
    insert into bg.subscription_secrets (subscription_id, secret) values (:id, :secret)
""")
# Served by the primary key, and subscription_secrets_by_subscription.
_READ = sa.text("""
    select s.id, s.url, s.workspace, s.products, s.kinds, s.names, s.insecure, s.private, s.status,
        s.status_reason, s.status_since, s.created_at, s.last_success_at, s.failing_since,
        s.paused_until, (
            select count(*) from bg.subscription_secrets as k
            where k.subscription_id = s.id
                and (k.expires_at is null or k.expires_at > clock_timestamp())) as secrets
    from bg.subscriptions as s
    where s.status <> 'removed' and (cast(:id as bigint) is null or s.id = :id)
    order by s.id
""")
_LOCK = sa.text("""
    select status from bg.subscriptions where id = :id and status <> 'removed' for no key update
""")
_SWITCH = sa.text("""
    update bg.subscriptions set status = :status, status_reason = :reason,
        status_since = clock_timestamp(), failing_since = null, paused_until = null
    where id = :id
""")
# Served by deliveries_due. What waited meanwhile is tried as if it were new.
_WAKE = sa.text("""
    update bg.deliveries
    set attempts = 0, lease = null, next_attempt_at = clock_timestamp()
    where subscription_id = :id and finished_at is null
""")
# All of these are served by subscription_secrets_by_subscription.
_SECRETS = sa.text("""
    select id, secret from bg.subscription_secrets
    where subscription_id = :id and (expires_at is null or expires_at > clock_timestamp())
    order by id desc
""")
_END_SECRETS = sa.text("""
    update bg.subscription_secrets set expires_at = least(expires_at, clock_timestamp() + :keep)
    where subscription_id = :id and (expires_at is null or expires_at > clock_timestamp())
""")
_FORGET_SECRETS = sa.text("""
    delete from bg.subscription_secrets where subscription_id = :id
        and (cast(:everything as boolean) or expires_at <= clock_timestamp())
""")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody subscribes to. Empty products or kinds mean all; the rest: see Allowed."""

    url: str
    workspace: str
    products: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    names: bool = False
    insecure: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class Subscription:
    """What may be told of a subscription; ``secrets``: how many of them sign.

    status: active, disabled (by hand) or failed (by us, with ``status_reason``).
    """

    id: int
    url: str
    workspace: str
    products: Sequence[str]
    kinds: Sequence[str]
    names: bool
    insecure: bool
    private: bool
    status: str
    status_reason: str | None
    status_since: datetime
    created_at: datetime
    last_success_at: datetime | None
    failing_since: datetime | None
    paused_until: datetime | None
    secrets: int


class NoSuchSubscription(Exception):
    """There is no subscription of this number, or it was removed."""


class SecretInUse(Exception):
    """The subscription signs with this very secret already."""


def add(conn: sa.Connection, keys: Keys, wish: Wish, secret: str, actor: str) -> int:
    """Subscribe, with a first secret; returns the number."""
    values = {
        "url": wish.url,
        "workspace": wish.workspace,
        "products": list(wish.products),
        "kinds": list(wish.kinds),
        "names": wish.names,
        "insecure": wish.insecure,
        "private": wish.private,
    }
    number = int(conn.execute(_ADD, values).scalar_one())
    conn.execute(_ADD_SECRET, {"id": number, "secret": keys.encrypt(secret.encode())})
    # A path may hold a token.
    told = {name: value for name, value in values.items() if name != "url"}
    audit.record(conn, actor, "subscription.added", str(number), detail=told)
    return number


def read(conn: sa.Connection, number: int | None = None) -> list[Subscription]:
    """All subscriptions that are not removed, or the one of this number if there is one."""
    return [Subscription(**row) for row in conn.execute(_READ, {"id": number}).mappings()]


def lock(conn: sa.Connection, number: int) -> str:
    """The status of a subscription, for which nobody else claims, replays or changes anything now.

    Until the transaction ends. Raises NoSuchSubscription.
    """
    status = conn.execute(_LOCK, {"id": number}).scalar()
    if status is None:
        raise NoSuchSubscription(number)
    return str(status)


def enable(conn: sa.Connection, number: int, actor: str) -> bool:
    """Send again, what waits first; returns whether it had been off. Raises NoSuchSubscription."""
    if lock(conn, number) == "active":
        return False
    conn.execute(_SWITCH, {"id": number, "status": "active", "reason": None})
    conn.execute(_WAKE, {"id": number})
    audit.record(conn, actor, "subscription.enabled", str(number))
    return True


def disable(conn: sa.Connection, number: int, actor: str, reason: str | None = None) -> bool:
    """Send nothing and note nothing for it; returns whether it was on. Raises NoSuchSubscription.

    What waits stays.
    """
    if lock(conn, number) == "disabled":
        return False
    conn.execute(_SWITCH, {"id": number, "status": "disabled", "reason": reason})
    audit.record(conn, actor, "subscription.disabled", str(number), detail={"reason": reason})
    return True


def remove(conn: sa.Connection, number: int, actor: str) -> None:
    """End a subscription; its secrets go at once, the rest soon. Raises NoSuchSubscription."""
    lock(conn, number)
    conn.execute(_SWITCH, {"id": number, "status": "removed", "reason": None})
    conn.execute(_FORGET_SECRETS, {"id": number, "everything": True})
    audit.record(conn, actor, "subscription.removed", str(number))


def rotate(
    conn: sa.Connection, keys: Keys, number: int, secret: str, keep: timedelta, actor: str
) -> int:
    """Give it a new secret and its others an end, ``keep`` from now at the latest.

    Until then messages are signed with both. Returns how many of them still sign. Raises
    NoSuchSubscription, SecretInUse.
    """
    lock(conn, number)
    if secret in secrets(conn, keys, number):
        raise SecretInUse(number)
    ended = conn.execute(_END_SECRETS, {"id": number, "keep": keep}).rowcount
    conn.execute(_FORGET_SECRETS, {"id": number, "everything": False})
    conn.execute(_ADD_SECRET, {"id": number, "secret": keys.encrypt(secret.encode())})
    detail = {"keep_seconds": keep.total_seconds(), "kept": ended if keep else 0}
    audit.record(conn, actor, "subscription.rotated", str(number), detail=detail)
    return int(ended) if keep else 0


def secrets(conn: sa.Connection, keys: Keys, number: int) -> list[str]:
    """The texts of the secrets that sign, newest first; what no key opens is left out, and logged.

    Each once.
    """
    found = []
    for row in conn.execute(_SECRETS, {"id": number}).all():
        try:
            found.append(keys.decrypt(bytes(row.secret)).decode())
        except CannotDecrypt as err:
            # Negative, so as not to be taken for a secret of a source. It is read again and again.
            if -row.id not in keys.told_of:
                keys.told_of.add(-row.id)
                LOG.warning(
                    "signing_secret_unreadable", subscription=number, secret=row.id, reason=str(err)
                )
    return found


def signing_keys(conn: sa.Connection, keys: Keys, number: int) -> list[bytes]:
    """What the secrets that sign stand for, newest first."""
    found = (key_of("standard", text) for text in secrets(conn, keys, number))
    return [key for key in found if key is not None]
