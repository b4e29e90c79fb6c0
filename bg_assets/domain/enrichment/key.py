"""By what equal questions are told from others: a digest of all that the answer may depend on."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bg_assets.domain.enrichment.asking import Provider, Question


def key(document: Mapping[str, Any]) -> str:
    """A digest of JSON values, the same for any order of keys at any depth; 64 hexadecimal digits.

    Any other value anywhere gives another one. Raises TypeError or ValueError for what is no JSON.
    """
    text = json.dumps(_checked(document), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def key_of(provider: Provider, question: Question) -> str:
    """The key of a question to a provider. Who may answer, and how they do, is part of it."""
    version = getattr(provider, "version", None)
    who = {"name": provider.name, "version": None if version is None else str(version)}
    return key({"provider": who, "question": question.canonical()})


def _checked(value: Any) -> Any:
    """The value, in which every key is a text: else 1 and "1" would be one."""
    if isinstance(value, Mapping):
        if odd := [name for name in value if not isinstance(name, str)]:
            raise TypeError(f"a key of JSON is a text, not {type(odd[0]).__name__}")
        return {name: _checked(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_checked(inner) for inner in value]
    return value
