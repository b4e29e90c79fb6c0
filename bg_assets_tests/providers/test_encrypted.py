"""Over TLS the key goes to whoever has a certificate for that host, and time is bounded too."""

import ipaddress
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bg_assets.domain.enrichment.asking import TemporaryFailure
from bg_assets.providers import calling
from bg_assets.providers.pdl import PeopleDataLabs
from bg_assets_tests.providers.fake_pdl import KEY, fake_pdl
from bg_assets_tests.providers.plays import Play
from bg_assets_tests.providers.questions import ABOUT_ADA, client


def _certificate(folder: Path, *names: x509.GeneralName) -> Path:
    """A file with a key and a certificate that it signed itself, for these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "invented")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def _context(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


def test_a_certificate_that_is_accepted_brings_the_answer_and_time_stays_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _certificate(tmp_path, LOOPBACK)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(path))
    with fake_pdl(tls=_context(path)) as fake:
        assert client(fake).ask(ABOUT_ADA, 5).people[0].key == "inv-0001"
        fake.play(Play.DRIP)
        began = time.monotonic()
        with pytest.raises(TemporaryFailure, match="within"):
            client(fake).ask(ABOUT_ADA, 0.3)
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("trusted", [False, True])
def test_who_signed_for_themselves_or_for_another_host_gets_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    path = _certificate(tmp_path, x509.DNSName("another.example") if trusted else LOOPBACK)
    if trusted:
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(path))
    with fake_pdl(tls=_context(path)) as fake:
        with pytest.raises(TemporaryFailure, match="certificate") as failed:
            client(fake).ask(ABOUT_ADA, 5)
        assert fake.calls == []
    assert failed.value.billed == 0


def test_one_who_never_shakes_hands_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        provider = PeopleDataLabs(KEY, f"https://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(TemporaryFailure, match="within"):
            provider.ask(ABOUT_ADA, 0.3)
        until = time.monotonic() + 5
        while any(one.name == calling._THREAD for one in threading.enumerate()):
            assert time.monotonic() < until, "a thread still shakes hands"
            time.sleep(0.01)
