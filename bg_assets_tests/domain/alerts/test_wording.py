"""What messages say: the alert, what to do, where the remedy stands; no address, no password."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bg_assets.domain.alerts.kinds import CRITICAL
from bg_assets.domain.alerts.lives import Alert
from bg_assets.domain.alerts.telling import Told, What
from bg_assets.domain.alerts.wording import MOST_SAID, cleaned, message_of, trial_message

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 13, 30, tzinfo=UTC)
ALERT = Alert("disk-full", "db1 /data", CRITICAL, "it is full", "free some space", NOW, NOW, NOW)


def test_a_message_says_what_is_wrong_since_when_what_to_do_and_where_more_stands() -> None:
    told = message_of(ALERT, What.RAISED, Told(), "prod", NOW)
    assert told.headline == "[prod] critical: a disk is full"
    assert told.lines == [
        "it is full",
        "what to do: free some space",
        "since 2026-03-02 12:00 UTC",
        "disk-full:db1 /data; see docs/alerts.md#disk-full",
    ]
    assert message_of(ALERT, What.AGAIN, Told(NOW), "prod", NOW).headline.startswith(
        "[prod] still critical"
    )


def test_the_end_says_from_when_to_when() -> None:
    over = replace(ALERT, resolved_at=LATER)
    told = message_of(over, What.OVER, Told(NOW), "prod", LATER)
    assert told.headline == "[prod] over: a disk is full"
    assert told.lines[:2] == [
        "it was: it is full", "from 2026-03-02 12:00 UTC to 2026-03-02 13:30 UTC",
    ]  # fmt: skip


def test_a_trial_says_that_nothing_is_wrong() -> None:
    told = trial_message("prod", "ops", NOW)
    assert told.headline == "[prod] test: a message to try it"
    assert told.lines == ["alerts reach ops; nothing is wrong"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail to ann.b@example.co.uk failed", "mail to (an address) failed"),
        ("postgresql://bg:s3cret@db/x is away", "postgresql://bg:…@db/x is away"),
        ("two\nlines", r"two\nlines"),
        ("x" * 700, "x" * (MOST_SAID - 1) + "…"),
    ],
)
def test_what_leaves_the_house_has_no_address_no_password_and_an_end(text: str, shown: str) -> None:
    assert cleaned(text) == shown


def test_a_message_that_is_tried_again_has_its_id_and_the_next_one_another() -> None:
    first = message_of(ALERT, What.RAISED, Told(), "prod", NOW)
    again = message_of(ALERT, What.RAISED, Told(tries=3, error="503"), "prod", LATER)
    repeated = message_of(ALERT, What.AGAIN, Told(NOW), "prod", LATER)
    later = message_of(ALERT, What.AGAIN, Told(LATER), "prod", LATER)
    assert first.id == again.id
    assert len({first.id, repeated.id, later.id}) == 3
