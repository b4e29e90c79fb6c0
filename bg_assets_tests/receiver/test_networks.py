"""Where a request comes from, behind proxies that are trusted or not."""

import ipaddress
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from bg_assets.receiver.networks import allowed, client_address, networks
from bg_assets_tests.receiver.doors import event, on_a_thread, signed

PROXIES = networks(["10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.7, 10.2.2.2"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7, fd00::5"], "198.51.100.7"),
        ("10.0.0.1", ["10.9.9.9, 10.2.2.2"], "10.9.9.9"),
        ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7, unknown"], None),
        ("10.0.0.1", ["198.51.100.7,"], None),
        ("10.0.0.1", [""], None),
        (None, ["198.51.100.7"], None),
        ("not an address", [], None),
    ],
)
def test_the_client_is_the_rightmost_address_that_no_trusted_proxy_has(
    peer: str | None, forwarded: Sequence[str], client: str | None
) -> None:
    found = client_address(peer, forwarded, PROXIES)
    assert (None if found is None else str(found)) == client


def test_nobody_is_trusted_by_default() -> None:
    assert str(client_address("127.0.0.1", ["198.51.100.7"], ())) == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "among", "may"),
    [
        ("192.0.2.1", [], True),
        ("192.0.2.1", ["192.0.2.0/24"], True),
        ("192.0.3.1", ["192.0.2.0/24"], False),
        ("192.0.2.1", ["::ffff:192.0.2.0/120"], True),
        ("192.0.2.1", ["2001:db8::/32", "192.0.2.1/32"], True),
        ("2001:db8::5", ["192.0.2.0/24"], False),
        ("2001:db8::5", ["2001:db8::/32"], True),
        (None, ["0.0.0.0/0"], False),
        (None, [], True),
    ],
)
def test_an_address_is_allowed_in_any_of_the_networks(
    address: str | None, among: list[str], may: bool
) -> None:
    found = ipaddress.ip_address(address) if address else None
    assert allowed(found, networks(among)) is may


def test_a_trusted_proxy_tells_the_door_where_a_request_comes_from(
    database_url: str, engine: Engine
) -> None:
    with on_a_thread(database_url, engine, trusted=("127.0.0.0/8",)) as door:
        door.add("far", allow=("198.51.100.0/24",))
        for told, status in (("198.51.100.7", 202), ("203.0.113.9", 403), ("who knows", 403)):
            body, headers = signed(event())
            answer = door.send(body, {**headers, "x-forwarded-for": told}, "/webhooks/far")
            assert answer.status == status
