"""Servers of this machine that stand for the vendors: HTTP, and SMTP with and without TLS."""

import asyncio
import contextlib
import datetime
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Request:
    """What came: the path, the headers by lower-case name, and the body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as a document."""
        return json.loads(self.body)


@dataclass
class Web:
    """An HTTP server; ``answers`` are used up one by one, then all is well (200).

    An answer is a status with headers; status 0 never answers.
    """

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def documents(self) -> list[Any]:
        """The bodies that came, in order."""
        return [one.json for one in self.requests]


@contextlib.contextmanager
def web() -> Iterator[Web]:
    """A server that runs until the block ends."""
    made = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.requests.append(Request(self.path, headers, body))
            status, more = made.answers.pop(0) if made.answers else (200, {})
            if status == 0:
                made.closing.wait(30)
                return
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Post:
    """An SMTP server: the letters that came, who logged in, and what it says to RCPT."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    tls: list[bool] = field(default_factory=list)
    recipient: str = "250 ok"


@contextlib.contextmanager
def post(certificate: Path | None, *, at_once: bool = False) -> Iterator[Post]:
    """A server that runs until the block ends; with a certificate it offers STARTTLS.

    ``at_once``: it speaks TLS from the beginning.
    """
    made = Post()
    loop = asyncio.new_event_loop()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    async def start() -> asyncio.Server:
        return await asyncio.start_server(
            lambda reader, writer: _serve(made, reader, writer, context, at_once),
            "127.0.0.1", 0, ssl=context if at_once else None,
        )  # fmt: skip

    server = loop.run_until_complete(start())
    made.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()


async def _serve(
    made: Post,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    context: ssl.SSLContext | None,
    at_once: bool,
) -> None:
    secure = at_once

    async def say(line: str) -> None:
        writer.write(f"{line}\r\n".encode())
        await writer.drain()

    await say("220 test")
    while line := await reader.readline():
        word = line.split()[0].upper() if line.split() else b""
        if word == b"EHLO":
            offer = "250-STARTTLS\r\n" if context is not None and not secure else ""
            await say(f"250-test\r\n{offer}250 AUTH PLAIN")
        elif word == b"STARTTLS":
            await say("220 go")
            await writer.start_tls(context)  # type: ignore[arg-type]
            secure = True
        elif word == b"AUTH":
            made.logins.append(line.split()[2])
            await say("235 ok")
        elif word == b"RCPT":
            await say(made.recipient)
        elif word == b"DATA":
            await say("354 go")
            letter = await reader.readuntil(b"\r\n.\r\n")
            parsed = message_from_bytes(letter[:-5], policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            made.letters.append(parsed)
            made.tls.append(secure)
            await say("250 ok")
        elif word == b"QUIT":
            await say("221 bye")
            break
        else:
            await say("250 ok")
    writer.close()


def certificate(folder: Path) -> Path:
    """A certificate of this machine with its key, which nobody trusts unless he is told to."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
