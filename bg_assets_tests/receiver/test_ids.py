"""Which id of an event counts, and what comes again under a known one with another body."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from bg_assets import settings
from bg_assets.encryption import Keys, new_key
from bg_assets.receiver.link import Link
from bg_assets.receiver.writer import Arrival, Stored, Unstorable, Writer
from bg_assets.storage import audit
from bg_assets.storage.webhooks import events
from bg_assets_tests.receiver.doors import Answer, Door, event, plain_signed, signed, wait_until

PATH = "/webhooks/old"


@pytest.fixture
def plain(door: Door) -> Door:
    """The door, which knows the source ``old`` of the plain scheme too."""
    door.add("old", "plain")
    return door


def test_a_captured_request_of_the_plain_scheme_counts_once_whatever_id_its_header_names(
    plain: Door,
) -> None:
    body, headers = plain_signed(event(id="evt-a"))
    assert plain.send(body, headers, PATH).status == 202
    for name in ("evt-b", "evt-a2", "EVT-A", "", "caf\xe9"):
        answer = plain.send(body, {**headers, "webhook-id": name}, PATH)
        assert (answer.status, answer.document["field"]) == (400, "webhook-id")
    assert plain.send(body, headers, PATH).document["duplicate"] is True
    assert [row.event_id for row in plain.rows()] == ["evt-a"]


def test_a_captured_request_can_not_take_the_id_of_an_event_to_come(plain: Door) -> None:
    body, headers = plain_signed(event(id="evt-1"))
    plain.send(body, {**headers, "webhook-id": "evt-2"}, PATH)
    answer = plain.send(*plain_signed(event(id="evt-2")), PATH)
    assert (answer.status, answer.document["duplicate"]) == (202, False)


@pytest.mark.parametrize("name", ["evt-a", "évt-ö"])
def test_a_header_that_names_the_id_of_the_signed_body_is_fine(plain: Door, name: str) -> None:
    body, headers = plain_signed(event(id=name))
    for told in (name.encode(), name.encode("latin-1")):
        answer = plain.send(body, {**headers, "webhook-id": told.decode("latin-1")}, PATH)
        assert answer.status in (200, 202)
    assert [row.event_id for row in plain.rows()] == [name]


@pytest.mark.parametrize("more", [{}, {"webhook-id": "evt-a"}, {"svix-id": "evt-a"}])
@pytest.mark.parametrize("kind", ["person.left", "deal.won"])
def test_in_the_plain_scheme_the_body_must_tell_the_id(
    plain: Door, more: dict[str, str], kind: str
) -> None:
    sent = event(type=kind)
    del sent["id"]
    body, headers = plain_signed(sent)
    answer = plain.send(body, {**headers, **more}, PATH)
    assert (answer.status, answer.document["field"]) == (400, "id")
    assert plain.rows() == []


def test_in_the_standard_scheme_the_signed_header_counts_and_not_the_body(door: Door) -> None:
    first = event(id="inner")
    assert door.send(*signed(first, message="outer")).document["id"] == "outer"
    assert door.send(*signed(first, message="other")).status == 202
    body, headers = signed(first, message="svix")
    named = {name.replace("webhook-", "svix-"): text for name, text in headers.items()}
    assert door.send(body, named).document["id"] == "svix"


@pytest.mark.parametrize("length", [256, 257])
def test_an_id_in_the_header_has_256_characters_at_most(door: Door, length: int) -> None:
    answer = door.send(*signed(event(), message="x" * length))
    assert (answer.status, answer.document.get("field")) == (
        (202, None) if length == 256 else (400, "id")
    )


@pytest.mark.parametrize("scheme", ["plain", "standard"])
def test_a_known_id_with_another_body_is_a_duplicate_that_differs_and_overwrites_nothing(
    plain: Door, scheme: str
) -> None:
    is_plain = scheme == "plain"
    sign: Any = plain_signed if is_plain else signed
    path = PATH if is_plain else "/webhooks/crm"

    def send(document: Any) -> Answer:
        body, headers = sign(document)
        return plain.send(body, headers, path)

    sent = event(id="evt-a", attempt=1)
    send(sent)
    (before,) = plain.rows()
    for attempt in (2, 3):
        answer = send({**sent, "attempt": attempt})
        assert (answer.status, answer.document) == (
            200,
            {"id": "evt-a", "status": "pending", "duplicate": True, "differs": True},
        )
    # Byte by byte: the same document in other words is another body.
    spaced = json.dumps(sent, indent=1).encode()
    body, headers = signed(spaced, message="evt-a") if not is_plain else plain_signed(spaced)
    assert plain.send(body, headers, path).document["differs"] is True
    again = send(sent)
    assert (again.status, "differs" in again.document) == (200, False)
    assert plain.rows() == [before]
    assert json.loads(plain.keys.decrypt(bytes(before.payload))) == sent
    assert b"bg_webhooks_differing_total 3.0" in plain.get("/metrics").body
    assert b"bg_webhooks_duplicates_total 4.0" in plain.get("/metrics").body
    wait_until(lambda: _differing(plain.engine) == 3)
    told = plain.rows(
        "select distinct actor, subject, detail from bg.audit_log"
        " where action = 'webhook.differing'"
    )
    assert [tuple(row) for row in told] == [("receiver", "old" if is_plain else "crm", {})]


def _differing(engine: Engine) -> int:
    with engine.begin() as conn:
        return audit.differing(conn)


def test_what_a_body_was_is_not_known_of_events_from_before_it_was_noted(door: Door) -> None:
    sent = event()
    door.deliver(sent)
    with door.engine.begin() as conn:
        conn.execute(sa.text("update bg.webhook_events set body_digest = null"))
    assert "differs" not in door.deliver({**sent, "more": 1}).document


def test_only_what_differed_within_a_day_is_counted(engine: Engine) -> None:
    with engine.begin() as conn:
        audit.record(conn, "receiver", audit.DIFFERING, "crm", 5)
        audit.record(conn, "receiver", "webhook.refused", "crm", 7)
        conn.execute(
            sa.text(
                "insert into bg.audit_log (at, actor, action, count)"
                " values (now() - interval '25 hours', 'receiver', 'webhook.differing', 3)"
            )
        )
    assert _differing(engine) == 5


def test_a_digest_is_known_by_any_key_that_is_here_and_never_by_another() -> None:
    old, new = new_key(), new_key()
    digest = Keys((old,)).digest(b"a body")
    for keys in (Keys((old,)), Keys((new, old))):
        assert not keys.differs(digest, b"a body")
        assert keys.differs(digest, b"another body")
    # What it was can't be told: nobody is accused.
    assert not Keys((new,)).differs(digest, b"another body")
    assert Keys((new,)).digest(b"a body") != digest
    assert Keys((new, old)).digest(b"a body") == Keys((new,)).digest(b"a body")


# What comes together goes into one statement.


@pytest.fixture
def link(database_url: str) -> Iterator[Link]:
    """The way to the database."""
    made = Link(settings.read({"BG_DATABASE_URL": database_url}))
    yield made
    made.close()


def _arrival(event_id: str, body: bytes, ignored: str | None = None) -> Arrival:
    at = "2026-01-31T09:30:00Z"
    return Arrival("crm", event_id, "person.left", "c", "p", at, ignored, body)


def _together(link: Link, engine: Engine, arrivals: list[Arrival]) -> list[Any]:
    """What becomes of events that are in one batch for sure: the writer is kept busy till then."""
    keys = Keys((new_key(),))

    async def run() -> list[Any]:
        writer = Writer(link, keys, 20)
        writer.start()
        with engine.connect() as holding:
            holding.execute(sa.text("lock table bg.webhook_events in exclusive mode"))
            first = asyncio.ensure_future(writer.store(_arrival("first", b"1")))
            while not _waits(engine):
                await asyncio.sleep(0.01)
            tasks = [asyncio.ensure_future(writer.store(one)) for one in arrivals]
            await asyncio.sleep(0)
            holding.rollback()
        assert await first == Stored("pending", duplicate=False)
        found = await asyncio.gather(*tasks, return_exceptions=True)
        await writer.stop()
        return found

    return asyncio.run(run())


def _waits(engine: Engine) -> bool:
    waiting = "select exists (select from pg_locks where not granted and database = (select oid"
    with engine.begin() as conn:
        found = conn.execute(
            sa.text(f"{waiting} from pg_database where datname = current_database()))")
        )
        return bool(found.scalar_one())


def test_of_those_that_come_together_the_first_counts_and_the_others_are_its_duplicates(
    link: Link, engine: Engine
) -> None:
    arrivals = [
        _arrival("a", b"one"), _arrival("a", b"one"), _arrival("a", b"two"), _arrival("b", b"two"),
        _arrival("c", b"x", "unknown type"), _arrival("c", b"x"), _arrival("first", b"1"),
        _arrival("first", b"2"),
    ]  # fmt: skip
    assert _together(link, engine, arrivals) == [
        Stored("pending", duplicate=False),
        Stored("pending", duplicate=True),
        Stored("pending", duplicate=True, differs=True),
        Stored("pending", duplicate=False),
        Stored("ignored", duplicate=False),
        Stored("ignored", duplicate=True),
        Stored("pending", duplicate=True),
        Stored("pending", duplicate=True, differs=True),
    ]
    with engine.begin() as conn:
        found = events.find(conn, [("crm", "a"), ("crm", "nobody"), ("hr", "b")])
        kept = conn.execute(sa.text("select count(*) from bg.webhook_events")).scalar_one()
    assert list(found) == [("crm", "a")]
    assert kept == 4


def test_what_postgresql_refuses_spoils_nobody_else_in_its_batch(
    link: Link, engine: Engine
) -> None:
    arrivals = [_arrival("a", b"1"), _arrival("x" * 257, b"2"), _arrival("b", b"3")]
    first, refused, last = _together(link, engine, arrivals)
    assert first == last == Stored("pending", duplicate=False)
    assert isinstance(refused, Unstorable)
