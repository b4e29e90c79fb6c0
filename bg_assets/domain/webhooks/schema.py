"""The JSON Schema of an event's body, made of what reads one: events.py and fields.py."""

from collections.abc import Iterable, Mapping
from typing import Any

from bg_assets.domain.webhooks import fields
from bg_assets.domain.webhooks.company_fields import COMPANY_CHANGES
from bg_assets.domain.webhooks.events import CHANGES, COMPANY, NEEDED, PERSON, TYPES, twins
from bg_assets.domain.webhooks.fields import Field

Schema = dict[str, Any]
# What must be told: `\S`, since white space alone is nothing.
_SOMETHING = {"type": ["string", "integer"], "minLength": 1, "pattern": "\\S"}


def event(moment: str) -> Schema:
    """Of an event of any type; ``moment`` says what its timestamp means.

    It is stricter than the reader where that passes over what is wrong: in an event whose type is
    not known, and in what is of a person where the event is about a company.
    """
    other = {**fields.TYPE.schema, "minLength": 1, "description": "Another one is ignored"}
    return {
        "type": "object",
        "required": ["type"],
        "properties": {
            "id": _or_null(fields.EVENT_ID, "Required in the plain scheme"),
            "source": _or_null(fields.SOURCE),
            "type": {
                "type": "string",
                "description": "One of: " + ", ".join(TYPES) + "; another one is ignored",
                "anyOf": [{"enum": list(TYPES)}, other],
            },
            "timestamp": {**fields.MOMENT, "description": moment},
            "person": _person(),
            "company": _object(_parts(COMPANY)),
            "changes": _changes(),
            "into": _or_null(
                fields.REFERENCE,
                "Of person.merged and company.merged: whom the person or company is one with",
            ),
        },
        "allOf": [_profile(), *(_needs(paths) for paths in dict.fromkeys(NEEDED.values()))],
    }


def _profile() -> Schema:
    """What `changes` of an event about a company may hold."""
    told = {name: _or_null(field) for name, field in COMPANY_CHANGES.items()}
    changes = _object({name: _object({"old": one, "new": one}) for name, one in told.items()})
    return {
        "if": {"required": ["type"], "properties": {"type": {"const": "company.changed"}}},
        "then": {"properties": {"changes": changes}},
    }


def _person() -> Schema:
    told = {"title": _or_null(CHANGES["title"]), "company": _name_or_company()}
    both = {
        name: schema
        for what, schema in told.items()
        for when in ("old", "new")
        for name in twins(when, what)
    }
    return _object(
        {**_parts(PERSON), **both},
        "Also in snake_case; where both are there they must agree, also with changes",
    )


def _changes() -> Schema:
    """Of what is not named here nothing is read."""
    told = {name: _or_null(field) for name, field in CHANGES.items()}
    told["company"] = _name_or_company()
    return _object({name: _object({"old": one, "new": one}) for name, one in told.items()})


def _name_or_company() -> Schema:
    return {
        "anyOf": [_or_null(COMPANY["name"]), _object(_parts(COMPANY))],
        "description": "A name, or id, name and domain",
    }


def _parts(parts: Mapping[str, Field[str]]) -> Schema:
    return {name: _or_null(field) for name, field in parts.items()}


def _or_null(field: Field[str], meaning: str | None = None) -> Schema:
    kinds = field.schema["type"]
    schema = {
        **field.schema, "type": [*([kinds] if isinstance(kinds, str) else kinds), "null"],
    }  # fmt: skip
    if meaning is not None:
        schema["description"] = "; ".join(filter(None, (meaning, field.schema.get("description"))))
    return schema


def _object(properties: Schema, meaning: str | None = None) -> Schema:
    described = {} if meaning is None else {"description": meaning}
    return {"type": ["object", "null"], **described, "properties": properties}


def _needs(paths: tuple[str, ...]) -> Schema:
    """What the types that must tell just this need."""
    types = [kind for kind, needed in NEEDED.items() if needed == paths]
    return {
        "if": {"required": ["type"], "properties": {"type": {"enum": types}}},
        "then": _told(path.split(".") for path in paths),
    }


def _told(paths: Iterable[list[str]]) -> Schema:
    """An object in which all these paths lead to something."""
    below: dict[str, list[list[str]]] = {}
    for first, *rest in paths:
        below.setdefault(first, []).extend([rest] if rest else [])
    return {
        "type": "object",
        "required": list(below),
        "properties": {
            name: _told(deeper) if deeper else _SOMETHING for name, deeper in below.items()
        },
    }
