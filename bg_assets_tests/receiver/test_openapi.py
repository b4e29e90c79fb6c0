"""The OpenAPI document is true: schemathesis asks what it says, and more, and gets no 5xx."""

import json
import re
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bg_assets.domain.webhooks.events import TYPES
from bg_assets_tests.receiver.doors import PLAIN, Door, event, plain_signed, signed

_SECONDS = 25
_CHECKS = ",".join(
    ("not_a_server_error", "status_code_conformance", "content_type_conformance",
     "response_schema_conformance", "response_headers_conformance", "unsupported_method")
)  # fmt: skip


def _run(door: Door, folder: Path, *more: str) -> str:
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run",
        f"http://127.0.0.1:{door.port}/openapi.json", "--checks", _CHECKS, "--max-time",
        str(_SECONDS), "--seed", "7", "--no-color", *more,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_schemathesis_finds_nothing_that_is_not_in_the_document(door: Door, tmp_path: Path) -> None:
    said = _run(door, tmp_path)
    assert re.search(r"[1-9]\d* generated", said), said[-2000:]
    assert b'kind="fault"' not in door.get("/metrics").body


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_schemathesis_makes_up_and_we_sign_is_stored_or_refused_by_a_field(
    door: Door,
) -> None:
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{door.port}/openapi.json")
    operation = schema["/webhooks/{source}"]["POST"]
    seen: Counter[int] = Counter()

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(), kind=st.none() | st.sampled_from(TYPES))
    def send(case: Any, kind: str | None) -> None:
        body: dict[str, Any] = dict(case.body)
        body["type"] = kind or body["type"]
        answer = door.send(*signed(json.dumps(body).encode(), message=str(uuid.uuid4())))
        seen[answer.status] += 1
        assert answer.status in (202, 400)
        assert (answer.status == 202) is ("field" not in answer.document)

    send()
    assert seen[202] > 0


def test_answers_to_signed_events_are_in_the_document(door: Door) -> None:
    document = door.get("/openapi.json").document
    door.add("old", "plain", PLAIN)
    known = set(document["paths"]["/webhooks/{source}"]["post"]["responses"])
    sent = event()
    found = {
        door.send(*signed(sent)).status,
        door.send(*signed(sent)).status,
        door.send(*plain_signed(event()), "/webhooks/old").status,
        door.send(*signed(event(type=5))).status,
        door.send(b"", {}).status,
    }
    assert {str(one) for one in found} <= known
    assert found == {200, 202, 400, 401}
