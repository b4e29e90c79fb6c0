"""Which requests Dagster's UI may see: decided from what a request says, without any I/O.

The UI has no login: whoever reaches it may do everything. So a browser must not be used to reach it
by a page of somebody else: under a foreign host name that was pointed here, from a foreign origin,
by a link, a form or a frame.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
GRAPHQL = "/graphql"
JSON = "application/json"
LONGEST_BODY = 32 << 20
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?")
_PORTS = {"http": "80", "https": "443"}
_WRITES = frozenset({OperationType.MUTATION, OperationType.SUBSCRIPTION})


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is refused, as an HTTP status and a sentence for whoever sent it."""

    status: int
    reason: str


class Headers:
    """The headers of a request as they came, of which a name may come several times."""

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._raw = raw

    def all(self, name: str) -> list[str]:
        """All values of a header, stripped."""
        wanted = name.encode()
        return [value.decode("latin-1").strip() for key, value in self._raw if key == wanted]

    def only(self, name: str) -> str | None:
        """The one value of a header in lower case; None where there is none, or more than one."""
        found = self.all(name)
        return found[0].lower() if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Rules:
    """Under which names the UI is reached besides localhost, and whether it may change anything.

    A name is a host, or a host and a port, in lower case.
    """

    names: tuple[str, ...] = ()
    read_only: bool = False

    def refuse(self, method: str, path: str, query: bytes, headers: Headers) -> Refused | None:
        """Judge a request by all but its body; None where it may pass."""
        return (
            self._foreign_host(headers)
            or self._foreign_origin(headers)
            or self._foreign_site(method, path, headers)
            or self._method(method, path, query, headers)
        )

    def refuse_socket(self, headers: Headers) -> Refused | None:
        """Judge the opening of a websocket."""
        return self._foreign_host(headers) or self._foreign_origin(headers)

    def refuse_body(self, path: str, body: bytes) -> Refused | None:
        """Judge the body of a POST that was let pass so far."""
        if not _is_graphql(path):
            return None
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return Refused(400, "the body is not JSON")
        if not isinstance(document, dict) or not isinstance(document.get("query"), str):
            return Refused(400, "the body must be one JSON object with a query, and no batch")
        return _beyond_reading(document["query"], _READ_ONLY) if self.read_only else None

    def _foreign_host(self, headers: Headers) -> Refused | None:
        host = headers.only("host") or ""
        match = _AUTHORITY.fullmatch(host)
        if match is None:
            return Refused(400, "a request must name one host")
        if match[1] in LOCAL or match[1] in self.names or host in self.names:
            return None
        return Refused(
            403,
            "the UI is not known under this host name: go to localhost, or set BG_WEB_HOSTS to "
            "the names that it has",
        )

    def _foreign_origin(self, headers: Headers) -> Refused | None:
        """Another port of this host is another origin: somebody else's program may be there."""
        if not headers.all("origin"):
            return None
        scheme, _, authority = (headers.only("origin") or "").partition("://")
        port = _PORTS.get(scheme)
        if port and _AUTHORITY.fullmatch(authority):
            origin = authority.removesuffix(f":{port}")
            host = (headers.only("host") or "").removesuffix(f":{port}")
            if origin == host or origin in self.names:
                return None
        return Refused(403, "a page of another origin may not use the UI")

    def _foreign_site(self, method: str, path: str, headers: Headers) -> Refused | None:
        """A link to a page of the UI is fine, wherever it is followed; nothing else is."""
        if not headers.all("sec-fetch-site"):
            return None
        if headers.only("sec-fetch-site") in ("same-origin", "none"):
            return None
        followed = (
            headers.only("sec-fetch-mode") == "navigate"
            and headers.only("sec-fetch-dest") == "document"
        )
        if followed and method == "GET" and not _is_graphql(path):
            return None
        return Refused(403, "a page of another site may link to the UI, and no more")

    def _method(self, method: str, path: str, query: bytes, headers: Headers) -> Refused | None:
        if method in ("GET", "HEAD"):
            return _writing_link(path, query)
        if method != "POST":
            return Refused(405, "the UI takes GET and POST")
        # A form or a script of another site can send other types without being asked first.
        kind = (headers.only("content-type") or "").partition(";")[0].strip()
        if kind != JSON:
            return Refused(415, f"a POST must have one Content-Type, {JSON}")
        if self.read_only and not _is_graphql(path):
            return _READ_ONLY
        return None


_READ_ONLY = Refused(403, "the UI is read-only (BG_WEB_READ_ONLY)")


def _is_graphql(path: str) -> bool:
    return path.rstrip("/") == GRAPHQL


def _writing_link(path: str, query: bytes) -> Refused | None:
    if not _is_graphql(path):
        return None
    for name, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name == "query":
            refusal = _beyond_reading(text, Refused(405, "mutations are sent by POST"))
            if refusal:
                return refusal
    return None


def _beyond_reading(text: str, refusal: Refused) -> Refused | None:
    """Refuse a document that holds anything but queries, whichever operation is named to run."""
    try:
        definitions = parse(text, no_location=True).definitions
    except (GraphQLError, RecursionError):
        return Refused(400, "the query is not GraphQL")
    operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
    return refusal if any(one.operation in _WRITES for one in operations) else None
