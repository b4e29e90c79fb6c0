"""Dagster's own UI behind the guard: what other pages try is refused, what the UI does works."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from starlette.types import Message, Receive, Scope, Send
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from bg_assets.web.guard import Guard
from bg_assets.web.rules import Rules
from bg_assets_tests.web.ui import VERSION, WIPE, Ui, body, running

PROTOCOLS = [Subprotocol("graphql-ws")]
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """The UI with a name of its own besides localhost."""
    with running(tmp_path_factory.mktemp("ui"), BG_WEB_HOSTS="ui.example.com") as made:
        yield made


ATTACKS: dict[str, dict[str, Any]] = {
    "by a link": {"params": {"query": WIPE}},
    "by a link that names another operation": {
        "params": {"query": f"{VERSION} {WIPE}", "operationName": "Wipe"}
    },
    "by a link with two queries": {"params": [("query", VERSION), ("query", WIPE)]},
    "by a link with a slash": {"path": "/graphql/", "params": {"query": WIPE}},
    "by a form": {"method": "POST", "params": {"query": WIPE}, "headers": FORM},
    "by a form without fields": {"method": "POST", "params": {"query": WIPE}},
    "by a form with a file": {
        "method": "POST",
        "params": {"query": WIPE},
        "files": {"f": ("f", b"")},
    },
    "by JSON that calls itself text": {
        "method": "POST",
        "data": body(WIPE),
        "headers": {"Content-Type": "text/plain; application/json"},
    },
    "by GraphQL": {
        "method": "POST",
        "data": WIPE,
        "headers": {"Content-Type": "application/graphql"},
    },
    "by a batch": {"method": "POST", "data": f"[{body(WIPE)}]", "headers": JSON},
    "from a foreign origin": {
        "method": "POST",
        "data": body(WIPE),
        "headers": {**JSON, "Origin": "http://evil.example"},
    },
    "from another port of this machine": {
        "method": "POST",
        "data": body(WIPE),
        "headers": {**JSON, "Origin": "http://127.0.0.1:1"},
    },
    "from a sandbox": {
        "method": "POST",
        "data": body(WIPE),
        "headers": {**JSON, "Origin": "null"},
    },
    "from another site": {
        "method": "POST",
        "data": body(WIPE),
        "headers": {**JSON, "Sec-Fetch-Site": "cross-site"},
    },
    "under another host name": {
        "method": "POST",
        "data": body(WIPE),
        "headers": {**JSON, "Host": "evil.example"},
    },
    "under another host name that is its origin": {
        "method": "POST",
        "data": body(WIPE),
        "headers": {**JSON, "Host": "evil.example", "Origin": "http://evil.example"},
    },
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_is_wiped(ui: Ui, attack: str) -> None:
    answer = ui.ask(**ATTACKS[attack])
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert ui.is_kept()


def test_a_foreign_page_reads_nothing_either(ui: Ui) -> None:
    foreign = {"Host": "evil.example"}
    for path in ("/", "/graphql?query={version}", "/server_info", "/favicon.png"):
        assert ui.ask(path=path, headers=foreign).status_code == 403


def test_what_was_read_is_handed_on_once_and_then_what_comes() -> None:
    gone = {"type": "http.disconnect"}
    parts: list[Message] = [
        {"type": "http.request", "body": b'{"query": ', "more_body": True},
        {"type": "http.request", "body": b'"{version}"}', "more_body": False},
        gone,
    ]
    whole = {"type": "http.request", "body": b'{"query": "{version}"}', "more_body": False}
    received: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        received.extend([await receive(), await receive()])

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        pytest.fail(f"nothing is answered here: {message}")

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b""}
    asyncio.run(Guard(app, Rules())({**scope, "headers": headers}, receive, send))
    assert received == [whole, gone]


def test_a_body_that_is_too_long_is_refused(ui: Ui) -> None:
    answer = ui.ask("POST", data=b" " * ((32 << 20) + 1), headers=JSON)
    assert answer.status_code == 413


def test_pages_queries_and_files_of_the_ui_come_through(ui: Ui) -> None:
    page = ui.ask(path="/runs")
    assert page.status_code == 200
    assert 'id="initialization-data"' in page.text
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN"
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert ui.ask(path="/", headers={**link, "Sec-Fetch-Dest": "document"}).status_code == 200
    script = page.text.partition('src="')[2].partition('"')[0]
    assert ui.ask(path=script).status_code == 200
    asked = ui.ask(params={"query": VERSION})
    assert "version" in asked.json()["data"]
    assert "graphiql" in ui.ask(headers={"Accept": "text/html"}).text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "own", "Sec-Fetch-Site": "same-origin"},
        {"Host": "ui.example.com", "Origin": "https://ui.example.com"},
        {"Origin": "https://ui.example.com"},
    ],
)
def test_the_uis_own_page_asks_and_is_answered(ui: Ui, headers: dict[str, str]) -> None:
    own = {name: ui.url if value == "own" else value for name, value in headers.items()}
    answer = ui.ask(
        "POST", data=body(f"{VERSION} {WIPE}", operationName="Version"), headers={**JSON, **own}
    )
    assert answer.status_code == 200
    assert "version" in answer.json()["data"]
    assert ui.is_kept()


def test_subscriptions_come_through_and_a_mutation_among_them_does_nothing(ui: Ui) -> None:
    with connect(
        f"ws://127.0.0.1:{ui.port}/graphql", origin=Origin(ui.url), subprotocols=PROTOCOLS
    ) as socket:
        assert _say(socket, type="connection_init")["type"] == "connection_ack"
        for query in (
            WIPE,
            f"subscription S {{ locationStateChangeEvents {{ event {{ locationName }} }} }} {WIPE}",
        ):
            payload = {"query": query, "operation_name": "Wipe", "variables": {}}
            told = _say(socket, type="start", id=query[:5], payload=payload)
            assert told["type"] in ("error", "data")
            assert ui.is_kept()


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null"])
def test_a_websocket_of_a_foreign_origin_is_refused(ui: Ui, origin: str) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{ui.port}/graphql", origin=Origin(origin), subprotocols=PROTOCOLS),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_the_ui_listens_to_this_machine_only_and_can_be_read_only(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    permissions = "{ permissions { permission value } }"
    with running(tmp_path_factory.mktemp("ui"), BG_WEB_READ_ONLY="yes") as ui:
        assert ui.ask("POST", data=body(VERSION), headers=JSON).status_code == 200
        refused = ui.ask("POST", data=body(WIPE), headers=JSON)
        assert (refused.status_code, "BG_WEB_READ_ONLY" in refused.text) == (403, True)
        assert ui.is_kept()
        # Dagster itself shows no buttons.
        told = ui.ask("POST", data=body(permissions), headers=JSON).json()["data"]["permissions"]
        assert not any(one["value"] for one in told)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.2:{ui.port}/", timeout=10)


def test_without_a_guards_objection_the_mutation_does_wipe(ui: Ui) -> None:
    """Last in this file: the attacks above would have done it."""
    answer = ui.ask("POST", data=body(WIPE), headers=JSON)
    assert answer.json()["data"]["wipeAssets"]["__typename"] == "AssetWipeSuccess"
    assert not ui.is_kept()


def _say(socket: Any, **message: object) -> dict[str, Any]:
    socket.send(json.dumps(message))
    found: dict[str, Any] = json.loads(socket.recv(timeout=30))
    return found
