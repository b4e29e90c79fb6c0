"""An attempt ends in time and goes nowhere but to an allowed address, whatever it meets."""

import contextlib
import email.utils
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bg_assets.domain.notifications.schedule import Answer
from bg_assets.domain.notifications.targets import Allowed
from bg_assets.notifications import posting
from bg_assets.notifications.posting import Poster
from bg_assets_tests.notifications.receivers import Got, Receiver, Said, receiving

PRIVATE = Allowed(private=True)
BODY = b'{"type":"buyer_group.test"}'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def _wait(asked: str, got: Got, handler: BaseHTTPRequestHandler) -> Said:
    return Said(503, {"retry-after": asked})


def post(url: str, allowed: Allowed = PRIVATE, seconds: float = 5) -> Answer:
    return Poster(seconds).post(url, allowed, {"x-test": "yes"}, BODY)


def test_a_message_arrives_as_it_was_sent(receiver: Receiver) -> None:
    assert post(receiver.url) == Answer(204)
    (got,) = receiver.got
    assert (got.path, got.body, got.headers["x-test"]) == ("/in?a=b", BODY, "yes")
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    ("status", "error"),
    [(200, ""), (202, ""), (299, ""), (400, "HTTP 400"), (404, "HTTP 404"),
     (410, "HTTP 410: gone"), (500, "HTTP 500"), (503, "HTTP 503")],
)  # fmt: skip
def test_any_2xx_is_taken_and_nothing_else(receiver: Receiver, status: int, error: str) -> None:
    receiver.answer = lambda got, handler: Said(status)
    answer = post(receiver.url)
    assert (answer.code, answer.error, answer.accepted) == (status, error, not error)
    assert answer.gone is (status == 410)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(receiver: Receiver, status: int) -> None:
    with receiving() as other:
        receiver.answer = lambda got, handler: Said(status, {"location": other.url})
        answer = post(receiver.url)
        assert other.got == []
    assert (answer.code, answer.accepted) == (status, False)
    assert "no redirect is followed" in answer.error


def test_what_a_receiver_asks_to_wait_is_read_as_seconds_or_as_a_date(receiver: Receiver) -> None:
    later = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    found = []
    nonsense = ("soon", "nan", "inf", "-5", "Sat, 31 Jan 99999 12:00:30 GMT")
    for asked in ("7", later, *nonsense):
        receiver.answer = partial(_wait, asked)
        found.append(post(receiver.url).retry_after)
    assert found[0] == 7
    assert found[1] == pytest.approx(100, abs=5)
    assert found[2:] == [None] * len(nonsense)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_address_of_a_private_network_is_sent_to_unless_allowed(
    receiver: Receiver, host: str
) -> None:
    """The address that a name stands for is what counts."""
    answer = post(receiver.url.replace("127.0.0.1", host), Allowed(insecure=True))
    assert "an address of a private network" in answer.error
    assert (answer.code, receiver.got) == (None, [])
    assert post(receiver.url.replace("127.0.0.1", host)).accepted


def test_of_a_host_with_several_addresses_only_those_that_are_allowed_are_sent_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server may say this and then that: the address that was looked at is the one used."""
    looked: list[str] = []

    def resolve(host: str, port: int, *rest: Any, **options: Any) -> list[Any]:
        if host == "127.0.0.1":
            return [(socket.AF_INET, 1, 6, "", (host, port))]
        looked.append(host)
        addresses = ("169.254.169.254", "127.0.0.1") if len(looked) == 1 else ("169.254.169.254",)
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    url = f"http://hooks.example:{receiver.port}/"
    assert post(url, Allowed(private=True)).accepted
    assert receiver.got[0].headers["host"] == f"hooks.example:{receiver.port}"
    assert "never sent to" in post(url, Allowed(private=True)).error
    assert looked == ["hooks.example"] * 2


def test_a_host_without_an_address_is_said_to_have_none() -> None:
    assert post("https://no-such-host.invalid/").error == "its host has no address"


def test_nobody_listening_is_no_connection() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert post(url) == Answer(None, "no connection")


def test_no_proxy_of_the_environment_is_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(receiver.url).accepted


@contextlib.contextmanager
def talking(*texts: bytes, pause: float = 0.0) -> Iterator[str]:
    """Somebody who reads a request and then says these, again and again the last; its URL."""
    stop = threading.Event()

    def talk(conn: socket.socket) -> None:
        with conn, contextlib.suppress(OSError):
            conn.recv(65536)
            for text in texts:
                conn.sendall(text)
            while pause and not stop.wait(pause):
                conn.sendall(texts[-1])

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("drip", "answer"),
    [(b"HTTP/1.1 200 OK\r\n", Answer(200)), (b"HTTP/1.1 200 OK\r\nx-a: ", Answer(200)),
     (b"", Answer(None, "no answer in time"))],
    ids=["of headers", "of one header", "of nothing"],
)  # fmt: skip
def test_an_answer_that_drips_is_cut_off_in_time_and_its_first_line_counts(
    drip: bytes, answer: Answer
) -> None:
    with talking(drip, b"x" if drip else b"", pause=0.02) as url:
        began = time.monotonic()
        assert post(url, seconds=0.4) == answer
        assert time.monotonic() - began < 3


def test_an_answer_without_an_end_is_left_once_its_first_line_is_known() -> None:
    with talking(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 60_000, pause=0.001) as url:
        assert post(url) == Answer(200)


@pytest.mark.parametrize("text", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00\xff"])
def test_what_is_no_http_is_no_answer(text: bytes) -> None:
    with talking(text) as url:
        answer = post(url)
        assert (answer.code, answer.error) == (None, "no whole answer")


def test_a_connection_is_used_again_and_a_stale_one_is_not(receiver: Receiver) -> None:
    poster = Poster()
    for _ in range(3):
        assert poster.post(receiver.url, PRIVATE, {}, BODY).accepted
    assert len({got.peer for got in receiver.got}) == 1

    def closes(got: Got, handler: BaseHTTPRequestHandler) -> Said:
        handler.close_connection = True
        return Said()

    receiver.answer = closes
    for _ in range(3):
        assert poster.post(receiver.url, PRIVATE, {}, BODY).accepted


def certificate(folder: Path, host: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context for a host, and the file of the authority that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, secret)
    return context, cert


@pytest.mark.parametrize(
    ("host", "trusted", "error"),
    [("localhost", True, ""), ("localhost", False, "no trust in its certificate, or no TLS"),
     ("else.example", True, "no trust in its certificate, or no TLS")],
)  # fmt: skip
def test_a_certificate_must_be_trusted_and_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool, error: str
) -> None:
    context, authority = certificate(tmp_path, host)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    posting._trust.cache_clear()
    try:
        with receiving(tls=context) as made:
            answer = post(made.url.replace("127.0.0.1", "localhost"))
        assert (answer.error, len(made.got)) == (error, 0 if error else 1)
    finally:
        posting._trust.cache_clear()


def test_where_no_tls_is_spoken_there_is_no_trust(receiver: Receiver) -> None:
    answer = post(receiver.url.replace("http:", "https:"))
    assert answer.error == "no trust in its certificate, or no TLS"
