"""A message by which somebody tries whether a subscription works: sent once, and noted nowhere."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from bg_assets.domain.notifications import messages
from bg_assets.domain.notifications.schedule import Answer
from bg_assets.domain.notifications.targets import Allowed
from bg_assets.notifications.posting import Poster
from bg_assets.notifications.sender import headers
from bg_assets.storage.notifications.subscriptions import Subscription


def send(one: Subscription, keys: Sequence[bytes]) -> Answer:
    """Send it, signed with these keys, and tell what came of it."""
    content = {"subscription": one.id, "workspace": one.workspace}
    body = messages.body(messages.TEST_TYPE, datetime.now(UTC), content)
    message_id = messages.webhook_id(str(uuid.uuid4()), one.id)
    allowed = Allowed(one.insecure, one.private)
    return Poster().post(one.url, allowed, headers(keys, message_id, body), body)
