"""What the guard lets through and what it refuses, a header at a time."""

import json

import pytest

from bg_assets.web.rules import Headers, Rules

OWN = ("127.0.0.1:3000", "localhost:3000", "[::1]:3000", "LOCALHOST", "localhost")
MUTATION = "mutation { wipeAssets(assetPartitionRanges: []) { __typename } }"
NAMED = Rules(("ui.example.com", "other.example.com:8443"))


def judge(
    *headers: tuple[str, str],
    method: str = "GET",
    path: str = "/",
    query: str = "",
    rules: Rules | None = None,
) -> int:
    """The status of the refusal, 0 where there is none. Without a Host given it is our own."""
    given = list(headers)
    if not any(name == "host" for name, _ in given):
        given.append(("host", "127.0.0.1:3000"))
    raw = [(name.encode(), value.encode()) for name, value in given]
    refusal = (rules or Rules()).refuse(method, path, query.encode(), Headers(raw))
    return refusal.status if refusal else 0


@pytest.mark.parametrize("host", OWN)
def test_this_machine_is_known_by_its_own_names_on_any_port(host: str) -> None:
    assert judge(("host", host)) == 0


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 403),
        ("evil.example:3000", 403),
        ("127.0.0.1.evil.example:3000", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.2", 403),
        ("localhost.", 403),
        ("ui.example.com", 403),
        ("", 400),
        ("localhost:3000:3000", 400),
        ("localhost@evil.example", 400),
        ("localhost, evil.example", 400),
        ("local host", 400),
    ],
)
def test_another_host_name_is_refused_though_it_leads_here(host: str, status: int) -> None:
    assert judge(("host", host)) == status


def test_a_request_names_one_host() -> None:
    assert judge(("host", "localhost"), ("host", "localhost")) == 400
    assert Rules().refuse("GET", "/", b"", Headers([])) is not None


def test_names_that_the_operator_gives_are_known() -> None:
    assert judge(("host", "ui.example.com"), rules=NAMED) == 0
    assert judge(("host", "UI.example.com:443"), rules=NAMED) == 0
    assert judge(("host", "other.example.com:8443"), rules=NAMED) == 0
    assert judge(("host", "other.example.com"), rules=NAMED) == 403
    assert judge(("host", "localhost"), rules=NAMED) == 0
    assert judge(("host", "not.example.com"), rules=NAMED) == 403


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:3000", "http://127.0.0.1:3000", 0),
        ("localhost:3000", "HTTP://LOCALHOST:3000", 0),
        ("localhost", "http://localhost", 0),
        ("localhost", "http://localhost:80", 0),
        ("[::1]:3000", "http://[::1]:3000", 0),
        # A login in front that speaks TLS, and hands on the name or its own.
        ("ui.example.com", "https://ui.example.com", 0),
        ("127.0.0.1:3000", "https://ui.example.com", 0),
        ("127.0.0.1:3000", "https://other.example.com:8443", 0),
        ("127.0.0.1:3000", "https://other.example.com", 403),
        ("127.0.0.1:3000", "https://ui.example.com:8443", 403),
        # Another program of this machine.
        ("localhost:3000", "http://localhost:8888", 403),
        ("localhost:3000", "http://127.0.0.1:3000", 403),
        ("127.0.0.1:3000", "http://evil.example", 403),
        ("127.0.0.1:3000", "http://127.0.0.1:3000.evil.example", 403),
        ("127.0.0.1:3000", "http://evil.example#127.0.0.1:3000", 403),
        ("127.0.0.1:3000", "null", 403),
        ("127.0.0.1:3000", "", 403),
        ("127.0.0.1:3000", "file://", 403),
        ("127.0.0.1:3000", "ftp://127.0.0.1:3000", 403),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_origin_is_the_host_itself(host: str, origin: str, status: int, method: str) -> None:
    headers = (("host", host), ("origin", origin), ("content-type", "application/json"))
    assert judge(*headers, method=method, rules=NAMED) == status
    refusal = NAMED.refuse_socket(
        Headers([(name.encode(), value.encode()) for name, value in headers])
    )
    assert (refusal.status if refusal else 0) == status


def test_two_origins_are_none() -> None:
    own = ("origin", "http://127.0.0.1:3000")
    assert judge(own, own) == 403


def test_a_websocket_under_a_foreign_host_name_is_refused() -> None:
    assert Rules().refuse_socket(Headers([(b"host", b"evil.example")])) is not None


@pytest.mark.parametrize(
    ("site", "mode", "dest", "method", "path", "status"),
    [
        ("same-origin", "cors", "empty", "POST", "/graphql", 0),
        ("none", "navigate", "document", "GET", "/graphql", 0),
        # A link in a mail or a chat.
        ("cross-site", "navigate", "document", "GET", "/runs/1", 0),
        ("same-site", "navigate", "document", "GET", "/runs/1", 0),
        ("cross-site", "navigate", "document", "GET", "/graphql", 403),
        ("cross-site", "navigate", "document", "GET", "/graphql/", 403),
        ("cross-site", "navigate", "document", "POST", "/report_asset_materialization/a", 403),
        ("cross-site", "navigate", "iframe", "GET", "/", 403),
        ("cross-site", "no-cors", "script", "GET", "/", 403),
        ("same-site", "cors", "empty", "GET", "/graphql", 403),
        ("", "navigate", "document", "GET", "/graphql", 403),
    ],
)
def test_other_sites_may_link_to_pages_and_no_more(
    site: str, mode: str, dest: str, method: str, path: str, status: int
) -> None:
    headers = (("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest))
    json_type = ("content-type", "application/json")
    assert judge(*headers, json_type, method=method, path=path) == status


@pytest.mark.parametrize("path", ["/graphql", "/report_asset_materialization/buyer_groups"])
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 0),
        ("Application/JSON; charset=utf-8", 0),
        ("text/plain", 415),
        # Which a page may send anywhere without being asked, and Dagster takes for JSON.
        ("text/plain; application/json", 415),
        ("multipart/form-data; boundary=application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/graphql", 415),
        ("application/json, text/plain", 415),
        ("", 415),
    ],
)
def test_a_post_is_json_and_says_so(path: str, kind: str, status: int) -> None:
    assert judge(("content-type", kind), method="POST", path=path) == status


def test_a_post_that_names_no_type_or_two_is_refused() -> None:
    kind = ("content-type", "application/json")
    assert judge(method="POST", path="/graphql") == 415
    assert judge(kind, kind, method="POST", path="/graphql") == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"])
def test_other_methods_are_refused(method: str) -> None:
    assert judge(("content-type", "application/json"), method=method) == 405


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("query={version}", 0),
        ("query=query+A+{version}&operationName=A", 0),
        ("", 0),
        ("query=mutation{x}", 405),
        ("query=%6dutation%7bx%7d", 405),
        ("query=%23+a+comment%0Amutation{x}", 405),
        ("query=query+A{version}+mutation+B{x}&operationName=B", 405),
        ("query=query+A{version}+mutation+B{x}&operationName=A", 405),
        ("query={version}&query=mutation{x}", 405),
        ("query=mutation{x}&query={version}", 405),
        ("query=fragment+F+on+Query{version}+mutation+B{x}", 405),
        ("query=subscription{x}", 405),
        ("query=mutation{", 400),
        ("query=", 400),
        ("query=" + "{a" * 3000, 400),
    ],
)
@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_only_reads(query: str, status: int, path: str, method: str) -> None:
    assert judge(path=path, query=query, method=method) == status


def test_what_is_no_graphql_may_have_any_query() -> None:
    assert judge(path="/runs", query="query=mutation{x}") == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (json.dumps({"query": MUTATION}), 0),
        (json.dumps({"query": "{version}"}), 0),
        (json.dumps([{"query": MUTATION}]), 400),
        (json.dumps({"query": [MUTATION]}), 400),
        (json.dumps({"variables": {}}), 400),
        (json.dumps(MUTATION), 400),
        (f"query={MUTATION}", 400),
        ("", 400),
        ("[" * 100_000, 400),
    ],
)
def test_a_body_is_one_object_with_a_query(body: str, status: int) -> None:
    refusal = Rules().refuse_body("/graphql", body.encode())
    assert (refusal.status if refusal else 0) == status


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("{version}", 0),
        (MUTATION, 403),
        ("query A {version} mutation B {x}", 403),
        ("nonsense", 400),
    ],
)
def test_what_is_read_only_takes_no_mutations(query: str, status: int) -> None:
    rules = Rules(read_only=True)
    body = json.dumps({"query": query, "operationName": "A"}).encode()
    refusal = rules.refuse_body("/graphql", body)
    assert (refusal.status if refusal else 0) == status
    json_type = ("content-type", "application/json")
    assert judge(json_type, method="POST", path="/graphql", rules=rules) == 0
    reporting = "/report_asset_materialization/buyer_groups"
    assert judge(json_type, method="POST", path=reporting, rules=rules) == 403
    assert judge(json_type, method="POST", path=reporting) == 0


def test_bodies_of_other_posts_are_dagsters_to_judge() -> None:
    assert Rules().refuse_body("/report_asset_check/x", b"[]") is None
