"""Values of a YAML text together with the lines they stand in, so that errors can name them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import yaml

from bg_assets.domain.near import near

_INT: Final = "tag:yaml.org,2002:int"
_FLOAT: Final = "tag:yaml.org,2002:float"


class BadTemplate(Exception):
    """A template that can't be used; one sentence with file, line and what is allowed."""


@dataclass(frozen=True, slots=True)
class Place:
    """A value and where it stands."""

    node: yaml.Node
    name: str

    def bad(self, what: str) -> BadTemplate:
        """The error to raise for this value."""
        return BadTemplate(f"{self.name}, line {self.node.start_mark.line + 1}: {what}")

    def mapping(
        self, *, required: Sequence[str] = (), optional: Sequence[str] = ()
    ) -> dict[str, "Place"]:
        """The entries of a mapping with these keys and no others."""
        found = self.entries((*required, *optional), "key")
        for key in required:
            if key not in found:
                raise self.bad(f"{key} is missing")
        return found

    def entries(self, known: Sequence[str], what: str) -> dict[str, "Place"]:
        """The entries of a mapping whose keys are among the known words, each once."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.bad(f"here stand {what}s with values; allowed: {', '.join(known)}")
        found: dict[str, Place] = {}
        for key_node, value in self.node.value:
            key_place = Place(key_node, self.name)
            key = key_place.text()
            if key not in known:
                raise key_place.bad(f"unknown {what} {key!r}; {near(key, known)}")
            if key in found:
                raise key_place.bad(f"{what} {key!r} comes twice")
            found[key] = Place(value, self.name)
        return found

    def items(self) -> list["Place"]:
        """The values of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.bad("a list is needed here")
        return [Place(node, self.name) for node in self.node.value]

    def words(self, known: Sequence[str] | None = None, what: str = "word") -> tuple[str, ...]:
        """A list of texts, each once; only known ones where known is given."""
        found: list[str] = []
        for item in self.items():
            word = item.text()
            if known is not None and word not in known:
                raise item.bad(f"unknown {what} {word!r}; {near(word, known)}")
            if word in found:
                raise item.bad(f"{what} {word!r} comes twice")
            found.append(word)
        if not found:
            raise self.bad("the list is empty; leave it out instead")
        return tuple(found)

    def text(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value.strip():
            raise self.bad("a text is needed here")
        return str(self.node.value).strip()

    def identifier(self) -> str:
        """A name of small letters, digits and underscores."""
        name = self.text()
        if not (name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()):
            raise self.bad(f"{name!r} is no name: small letters, digits and underscores only")
        return name

    def number(self, low: float, high: float) -> float:
        """A number within bounds, ends included."""
        if not isinstance(self.node, yaml.ScalarNode) or self.node.tag not in (_INT, _FLOAT):
            raise self.bad(f"a number from {low:g} to {high:g} is needed here")
        try:
            value = float(self.node.value.replace("_", ""))
        except ValueError:
            raise self.bad(f"{self.node.value!r} is no plain number") from None
        if not low <= value <= high:
            raise self.bad(f"{value:g} is outside of {low:g} to {high:g}")
        return value

    def integer(self, low: int) -> int:
        """A whole number, at least low and at most a billion."""
        value = self.number(low, 1e9)
        if value != int(value):
            raise self.bad(f"{value:g} is no whole number")
        return int(value)


def root(text: str, name: str) -> Place:
    """The whole of a YAML text. Raises BadTemplate when it is none, or empty."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadTemplate(f"{name}, line {line}: no valid YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise BadTemplate(f"{name}, line 1: no valid YAML: a sign that YAML forbids") from None
    if node is None:
        raise BadTemplate(f"{name}, line 1: the file is empty")
    return Place(node, name)
