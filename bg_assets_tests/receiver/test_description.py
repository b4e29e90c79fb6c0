"""What the door tells of itself follows from what it reads."""

import json

import jsonschema_rs
import pytest

from bg_assets.domain.webhooks import schema
from bg_assets.domain.webhooks.events import TYPES
from bg_assets.domain.webhooks.fields import LONGEST_EVENT_ID
from bg_assets.domain.webhooks.secrets import SOURCE
from bg_assets.receiver import description
from bg_assets.receiver.limits import Limits

DOCUMENT = json.loads(description.openapi(Limits()))


def test_the_event_of_the_document_is_what_the_reader_takes() -> None:
    event = DOCUMENT["components"]["schemas"]["Event"]
    assert event == schema.event(event["properties"]["timestamp"]["description"])
    assert event["properties"]["type"]["anyOf"][0] == {"enum": list(TYPES)}


@pytest.mark.parametrize("path", ["/webhooks/{source}", "/webhooks/person-change"])
def test_the_example_is_an_event_and_by_the_body_it_must_name_its_source(path: str) -> None:
    content = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    valid = jsonschema_rs.validator_for({**content["schema"], "components": DOCUMENT["components"]})
    assert valid.is_valid(content["example"])
    for nameless in (
        {name: told for name, told in content["example"].items() if name != "source"},
        {**content["example"], "source": None},
    ):
        assert valid.is_valid(nameless) is (path == "/webhooks/{source}")


def test_an_id_and_a_source_have_the_limits_by_which_they_are_read() -> None:
    headers = {
        one["name"]: one for one in DOCUMENT["paths"]["/webhooks/{source}"]["post"]["parameters"]
    }
    assert headers["webhook-id"]["schema"]["pattern"] == f"^[!-~]{{1,{LONGEST_EVENT_ID}}}$"
    told = json.loads(description.of_the_path(Limits()))
    assert told["limits"]["event_id_characters"] == LONGEST_EVENT_ID
    assert told["events"] == list(TYPES)
    (source,) = DOCUMENT["paths"]["/webhooks/{source}"]["parameters"]
    assert source["schema"]["pattern"] == f"^{SOURCE.pattern}$"
