"""`webhook send` against a real server: what is posted, signed and tried again."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import standardwebhooks

from bg_assets_tests.cli.command import Command, Done

SECRET = "a secret that the two of us know"
ACCEPTED: tuple[int, dict[str, str]] = (202, {})


@dataclass
class Door:
    """A server that notes what it gets, and gives the answers that it was told, then 202s."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def answer(self) -> tuple[int, dict[str, str]]:
        """The next answer: status and headers."""
        return self.answers.pop(0) if self.answers else ACCEPTED


@pytest.fixture
def door() -> Iterator[Door]:
    """The server, running."""
    made = Door()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.got.append(({name.lower(): text for name, text in self.headers.items()}, body))
            code, headers = made.answer()
            said: dict[str, Any] = {"id": "x", "status": "pending", "duplicate": code == 200}
            if "x-differs" in headers:
                said["differs"] = True
            if code >= 400:
                said = {"title": "No", "detail": "it may not be", "field": "person.id"}
            content = json.dumps(said).encode()
            self.send_response(code)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/webhooks/crm"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def source(bg: Command) -> None:
    """A source of the plain scheme."""
    bg("webhook", "add-source", "crm", "--scheme", "plain", "--secret", SECRET)


def send(bg: Command, door: Door, content: str, *more: object, stdin: str | None = None) -> Done:
    """Send a file to the server."""
    path: object = bg.file("events.json", content) if stdin is None else "-"
    return bg("webhook", "send", path, "--source", "crm", "--url", door.url, *more, stdin=stdin)


def test_an_event_is_signed_over_the_very_bytes_of_the_file(bg: Command, door: Door) -> None:
    written = '{"id": "e-1",  "type":"person.left", "note": "ä"}'
    done = send(bg, door, f"\n{written}\n")
    assert (done.code, done.out, done.err) == (0, "e-1 202 accepted\n", "")
    ((headers, body),) = door.got
    assert body == written.encode()
    assert headers["content-type"] == "application/json"
    signed = headers["x-timestamp"].encode() + b"." + body
    assert headers["x-signature"] == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()


def test_the_reference_library_verifies_the_standard_scheme(bg: Command, door: Door) -> None:
    made = bg.json("webhook", "add-source", "vendor", "--scheme", "standard")
    path = bg.file("e.json", '{"id": "e-1"}')
    assert bg("webhook", "send", path, "--source", "vendor", "--url", door.url).code == 0
    ((headers, body),) = door.got
    assert standardwebhooks.Webhook(made["secret"]).verify(body, headers) == {"id": "e-1"}
    assert headers["webhook-id"] == "e-1"


def test_the_newest_secret_signs_unless_one_is_given(bg: Command, door: Door) -> None:
    newest = bg.json("webhook", "rotate", "crm")["secret"]
    given = "another secret, not in the database"
    send(bg, door, '{"id": "e-1"}')
    bg("webhook", "revoke", "crm")
    assert send(bg, door, '{"id": "e-2"}').code == 2
    typed = ("--secret", given, "--scheme", "plain")
    assert send(bg, door, '{"id": "e-3"}', *typed).code == 0
    for (headers, body), secret in zip(door.got, (newest, given), strict=True):
        signed = headers["x-timestamp"].encode() + b"." + body
        made = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["x-signature"] == made


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        ('{"id": "a"}\n\n{"id": "b"}\n', ["a", "b"]),
        ('{\n  "id": "a"\n}\n', ["a"]),
        ('[{"id": "a"},\n {"id": "b"}]\n', ["a", "b"]),
        ('{"id": "a"}', ["a"]),
        ('{"id": "a"}\r\n{"id": "b"}\r\n', ["a", "b"]),
    ],
)
def test_a_file_holds_one_event_or_one_a_line(
    bg: Command, door: Door, content: str, ids: list[str]
) -> None:
    done = send(bg, door, "", stdin=content)
    assert done.code == 0
    assert [json.loads(body)["id"] for _, body in door.got] == ids
    assert [line.split()[0] for line in done.out.splitlines()] == ids


def test_what_is_no_event_is_told_by_its_line_and_the_others_are_sent(
    bg: Command, door: Door
) -> None:
    lines = ['{"id": "a"}', "{broken", "[]", "7", '{"type": "x"}', '{"id": "ä"}', '{"id": "b"}']
    done = send(bg, door, "\n".join(lines))
    assert done.code == 1
    assert done.out.splitlines() == [
        "a 202 accepted",
        "line 2 - not sent: it is not a JSON object",
        "line 4 - not sent: it is not a JSON object",
        "line 5 - not sent: it has no id: --fill adds one",
        "ä - not sent: its id does not fit into a header",
        "b 202 accepted",
    ]
    assert done.err == "2 of 6 events were taken\n"


def test_fill_adds_what_is_missing_and_changes_nothing_else(bg: Command, door: Door) -> None:
    send(bg, door, '{"type": "x"}\n{"id": "b", "timestamp": "then"}\n', "--fill")
    first, second = (json.loads(body) for _, body in door.got)
    assert set(first) == {"type", "id", "timestamp"}
    assert len(first["id"]) == 36
    assert second == {"id": "b", "timestamp": "then"}


def test_what_is_busy_is_tried_again_under_the_same_id(bg: Command, door: Door) -> None:
    door.answers = [(429, {"Retry-After": "0"}), (503, {"Retry-After": "0"}), (200, {})]
    done = send(bg, door, '{"id": "e-1"}')
    assert (done.code, done.out) == (0, "e-1 200 duplicate after 3 tries\n")
    assert [body for _, body in door.got] == [b'{"id": "e-1"}'] * 3


def test_an_event_that_was_stored_with_another_body_is_told(bg: Command, door: Door) -> None:
    door.answers = [(200, {"x-differs": "yes"})]
    done = send(bg, door, '{"id": "e-1"}')
    assert (done.code, done.out) == (
        0,
        "e-1 200 duplicate: the event of this id was stored before, with another body, which "
        "stays\n",
    )


def test_in_the_plain_scheme_the_id_goes_in_the_body_alone(bg: Command, door: Door) -> None:
    send(bg, door, '{"type": "x"}', "--fill")
    ((headers, body),) = door.got
    assert json.loads(body)["id"]
    assert "webhook-id" not in headers


def test_what_stays_busy_is_given_up(bg: Command, door: Door) -> None:
    door.answers = [(503, {"Retry-After": "0"})] * 5
    found = _json(send(bg, door, '{"id": "e-1"}', "--tries", 3, "--json"), code=1)
    assert len(door.got) == 3
    (event,) = found["events"]
    assert event == {
        "id": "e-1",
        "code": 503,
        "status": "refused",
        "detail": "it may not be",
        "field": "person.id",
        "tries": 3,
        "taken": False,
    }


@pytest.mark.parametrize("code", [302, 400, 401, 403, 404, 413, 415, 500])
def test_what_is_refused_is_not_tried_again(bg: Command, door: Door, code: int) -> None:
    door.answers = [(code, {"Location": door.url})]
    done = send(bg, door, '{"id": "e-1"}\n{"id": "e-2"}\n')
    assert done.code == 1
    assert len(door.got) == 2
    first, second = done.out.splitlines()
    assert first.startswith(f"e-1 {code} refused")
    assert second == "e-2 202 accepted"


def test_where_nobody_listens_it_says_so(bg: Command, unused_port: int) -> None:
    url = f"http://127.0.0.1:{unused_port}/x"
    path = bg.file("e.json", '{"id": "e-1"}')
    done = bg("webhook", "send", path, "--source", "crm", "--url", url, "--tries", 2)
    assert (done.code, done.out) == (1, "e-1 - unreachable after 2 tries: no connection\n")


def test_what_it_can_not_do_is_one_line_and_2(bg: Command, door: Door) -> None:
    path = bg.file("e.json", '{"id": "e-1"}')
    for arguments, said in (
        ((path, "--source", "cmr"), "no source cmr; did you mean crm?"),
        ((path, "--source", "crm", "--url", "ftp://x"), "--url takes a URL"),
        ((path, "--source", "crm", "--secret", "short"), "--secret takes"),
        (("-", "--source", "crm", "--secret", "-"), "can't both come from standard input"),
    ):
        done = bg("webhook", "send", *arguments)
        assert (done.code, done.out) == (2, "")
        assert said in done.err
    missing = bg("webhook", "send", bg.folder / "none.json", "--source", "crm")
    assert (missing.code, "none.json: No such file" in missing.err) == (1, True)
    assert door.got == []


def test_a_proxy_of_the_environment_is_not_used(
    bg: Command, door: Door, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port}")
    assert send(bg, door, '{"id": "e-1"}', "--tries", 1).code == 0


def _json(done: Done, code: int) -> Any:
    assert done.code == code
    return json.loads(done.out)
