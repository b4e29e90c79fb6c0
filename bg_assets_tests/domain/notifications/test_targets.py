"""Where messages may go: the address counts, in whatever form it comes."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.notifications.targets import Allowed, problem, refusal, target

NOTHING, ALL = Allowed(), Allowed(insecure=True, private=True)

PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.1", "192.0.2.1",
    "::1", "fc00::1", "fd12::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1",
    "2002:0a00:0001::1", "2001:db8::1",
]  # fmt: skip
NEVER = ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254",
         "0.0.0.0", "::", "224.0.0.1", "ff02::1"]  # fmt: skip
PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::93.184.215.14"]


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_are_for_those_who_say_so(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert "private network" in refusal(True, address, NOTHING)
    assert refusal(True, address, Allowed(private=True)) == ""


@pytest.mark.parametrize("text", NEVER)
def test_link_local_addresses_and_those_of_nobody_are_never_sent_to(text: str) -> None:
    assert "never sent to" in refusal(True, ipaddress.ip_address(text), ALL)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_sent_to_by_https(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert refusal(True, address, NOTHING) == ""
    assert "with http anybody" in refusal(False, address, Allowed(private=True))
    assert refusal(False, address, Allowed(insecure=True)) == ""


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_judged_as_itself(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.ip_address(f"::ffff:{address}")
    nat64 = ipaddress.ip_address(int(ipaddress.ip_address("64:ff9b::")) + int(address))
    plain = refusal(True, address, NOTHING)
    assert (
        bool(plain) == bool(refusal(True, mapped, NOTHING)) == bool(refusal(True, nat64, NOTHING))
    )


@pytest.mark.parametrize(
    ("url", "allowed", "said"),
    [
        ("https://hooks.example/in?a=b", NOTHING, ""),
        ("https://hooks.example:8443", NOTHING, ""),
        ("http://hooks.example/", NOTHING, "with http"),
        ("http://hooks.example/", Allowed(private=True), "with http"),
        ("http://hooks.example/", Allowed(insecure=True), ""),
        ("http://localhost:9000/", NOTHING, "--private"),
        ("http://localhost:9000/", Allowed(private=True), ""),
        ("http://[::1]:9000/", Allowed(private=True), ""),
        ("http://10.0.0.1/", Allowed(private=True), "with http"),
        ("https://10.0.0.1/", Allowed(private=True), ""),
        ("https://u@hooks.example/", NOTHING, "leave it out"),
        ("https://hooks.example/#x", NOTHING, "goes nowhere"),
        ("https:///path", NOTHING, "starts with https://"),
        ("file:///etc/passwd", NOTHING, "starts with https://"),
        ("https://hooks.example:0/", NOTHING, "a port"),
        ("https://hooks.example:99999/", NOTHING, "no URL"),
        ("https://[::1/", NOTHING, "no URL"),
        ("https://hooks.example/a b", NOTHING, "no spaces"),
        ("https://hooks.exämple/", NOTHING, "ASCII"),
        ("https://hooks.example/" + "x" * 2000, NOTHING, "characters at most"),
    ],
)
def test_what_is_wrong_with_a_url(url: str, allowed: Allowed, said: str) -> None:
    found = problem(url, allowed)
    assert said in found
    assert bool(found) == bool(said)


@pytest.mark.parametrize(
    ("url", "shown", "path"),
    [
        ("https://hooks.example/in/token?key=x", "https://hooks.example", "/in/token?key=x"),
        ("https://hooks.example:443", "https://hooks.example", "/"),
        ("http://[::1]:9000?x=y", "http://[::1]:9000", "/?x=y"),
    ],
)
def test_a_target_is_shown_without_its_path(url: str, shown: str, path: str) -> None:
    assert (target(url).shown, target(url).path) == (shown, path)
