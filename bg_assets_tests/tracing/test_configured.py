"""Spans are sent where a variable asks for them, and what is wrong with that is said."""

import importlib.util
from importlib.machinery import ModuleSpec

import pytest

from bg_assets.tracing import configured
from bg_assets.tracing.configured import Configured

URL = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:secret@collector:4318"}


@pytest.mark.parametrize(
    ("env", "on"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "groups"}, False),
        (URL, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        (URL | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (URL | {"OTEL_SDK_DISABLED": "TRUE"}, False),
        (URL | {"OTEL_SDK_DISABLED": "false"}, True),
        (URL | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
    ],
)
def test_the_usual_variables_turn_them_on_and_off(env: dict[str, str], on: bool) -> None:
    assert configured.configured(env) == Configured(on)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER names 'zipkin'"),
        (URL | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "traces go by http/protobuf"),
        (URL | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, "on port 4318"),
    ],
)
def test_what_can_not_be_done_is_said_and_stops_nothing(env: dict[str, str], said: str) -> None:
    found = configured.configured(env)
    assert not found.on
    assert said in found.problem


def test_an_endpoint_without_the_libraries_is_said_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str, package: str | None = None) -> ModuleSpec | None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib.util, "find_spec", missing)
    found = configured.configured(URL)
    assert not found.on
    assert "asked for by OTEL_EXPORTER_OTLP_ENDPOINT" in found.problem
    assert "pip install 'bg-assets[traces]'" in found.problem
    assert "secret" not in found.problem
    assert configured.configured({}) == Configured(False)


@pytest.mark.parametrize(
    ("name", "url", "shown"),
    [
        (0, "https://me:hush@otel.example:4318/in?key=hush", "https://otel.example:4318/in"),
        (1, "https://me:hush@otel.example", "https://otel.example/v1/traces"),
        (1, "http://h:4318/?hush", "http://h:4318/"),
    ],
)
def test_what_is_secret_in_an_endpoint_is_not_shown(name: int, url: str, shown: str) -> None:
    assert configured.shown_endpoint({configured.ENDPOINTS[name]: url}) == shown
