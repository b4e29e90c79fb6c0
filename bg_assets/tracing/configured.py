"""Whether the variables of OpenTelemetry ask for traces, and what is wrong with them if they do.

They are OpenTelemetry's own, and all others of them are read by its library:
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass

from bg_assets import settings

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_EXPORTER = "OTEL_TRACES_EXPORTER"
_NEEDED = "opentelemetry.exporter.otlp.proto.http"
MISSING = (
    "traces are asked for by {0}, and the libraries that send them are not installed: "
    "pip install 'bg-assets[traces]', or unset {0}"
)


@dataclass(frozen=True, slots=True)
class Configured:
    """Whether traces are sent; ``problem`` says why not though they were asked for."""

    on: bool
    problem: str = ""


def configured(env: Mapping[str, str] | None = None) -> Configured:
    """What the variables ask for, the process's by default.

    On where an endpoint is set or the exporter otlp is named, and nothing says otherwise. Without
    any variable off, unlike OpenTelemetry's own default: nothing is sent that nobody asked for.
    """
    found = settings.of_open_telemetry(env)
    exporters = [one.strip() for one in found.get(_EXPORTER, "").split(",") if one.strip()]
    asked = next((name for name in ENDPOINTS if found.get(name)), _EXPORTER)
    if found.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporters == ["none"]:
        return Configured(False)
    if not exporters and asked == _EXPORTER:
        return Configured(False)
    others = [one for one in exporters if one != "otlp"]
    if others:
        said = f"{_EXPORTER} names {', '.join(others)[:60]!r}: traces go by otlp, or none"
        return Configured(False, said)
    protocol = next((found[name] for name in _PROTOCOLS if found.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        said = (
            f"{protocol[:60]!r} is asked for as the protocol of OTLP: traces go by http/protobuf, "
            "which collectors take on port 4318"
        )
        return Configured(False, said)
    if not _installed():
        return Configured(False, MISSING.format(asked))
    return Configured(True)


def shown_endpoint(env: Mapping[str, str] | None = None) -> str:
    """Where spans are sent, without what may be secret in it: user, password, query."""
    found = settings.of_open_telemetry(env)
    base = found.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "http://localhost:4318"
    url = found.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or f"{base.rstrip('/')}/v1/traces"
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _installed() -> bool:
    try:
        return importlib.util.find_spec(_NEEDED) is not None
    except ModuleNotFoundError:
        return False
