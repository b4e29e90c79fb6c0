"""Values of a YAML text together with the lines they stand in, so that errors can name them.

A reader notes each mistake and goes on, so that one look finds all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from bg_assets.domain.values.near import near

_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_NULL = "tag:yaml.org,2002:null"


class BadTemplate(Exception):
    """Templates that can't be used: a sentence for each mistake, with file, line, what is allowed.

    ``lines`` holds them one by one.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(slots=True)
class Mistakes:
    """What is wrong with one text, by line."""

    name: str
    found: list[tuple[int, str]] = field(default_factory=list)

    def check(self) -> None:
        """Raise BadTemplate with all that was noted, in the order of the lines."""
        if self.found:
            raise BadTemplate(*(self.sentence(*one) for one in sorted(set(self.found))))

    def sentence(self, line: int, what: str) -> str:
        """A mistake as it is printed."""
        return f"{self.name}, line {line}: {what}"


@dataclass(frozen=True, slots=True)
class Place:
    """A value and where it stands. Reading it wrongly notes a mistake and gives a stand-in."""

    node: yaml.Node
    mistakes: Mistakes

    def bad(self, what: str) -> None:
        """Note what is wrong with this value."""
        self.mistakes.found.append((self.node.start_mark.line + 1, what))

    def mapping(
        self, *, required: Sequence[str] = (), optional: Sequence[str] = ()
    ) -> "dict[str, Place]":
        """The entries of a mapping with these keys and no others; a missing one is noted."""
        found = self.entries((*required, *optional), "key")
        if isinstance(self.node, yaml.MappingNode):
            for key in required:
                if key not in found:
                    self.bad(f"{key} is missing")
        return found

    def entries(
        self, known: Sequence[str], what: str, meant: Callable[[str], str] = str
    ) -> "dict[str, Place]":
        """The entries of a mapping whose keys are among the known words, each once.

        meant: gives the known word for a synonym, and any other word as it is.
        """
        if not isinstance(self.node, yaml.MappingNode):
            self.bad(f"here stand {what}s with values; allowed: {', '.join(known)}")
            return {}
        entries: dict[str, Place] = {}
        for key_node, value in self.node.value:
            place = Place(key_node, self.mistakes)
            word = place.text()
            if word is None:
                continue
            key = meant(word)
            if key not in known:
                place.bad(f"unknown {what} {word!r}; {near(word, known)}")
            elif key in entries:
                also = "" if word == key else f" ({word!r} is another word for it)"
                place.bad(f"{what} {key!r} comes twice{also}")
            else:
                entries[key] = Place(value, self.mistakes)
        return entries

    def items(self) -> "list[Place]":
        """The values of a list that is not empty."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.bad("a list is needed here, like [this, that]")
            return []
        if not self.node.value:
            self.bad("the list is empty, so this can never hold; fill it, or leave it out")
        return [Place(node, self.mistakes) for node in self.node.value]

    def words(self, known: Sequence[str] | None = None, what: str = "word") -> tuple[str, ...]:
        """A list of texts, each once; only known ones where known is given."""
        texts: list[str] = []
        for item in self.items():
            word = item.text()
            if word is None:
                continue
            if known is not None and word not in known:
                item.bad(f"unknown {what} {word!r}; {near(word, known)}")
            elif word in texts:
                item.bad(f"{what} {word!r} comes twice")
            else:
                texts.append(word)
        return tuple(texts)

    def text(self) -> str | None:
        """A text that is not empty; None where it is none."""
        node = self.node
        if isinstance(node, yaml.ScalarNode) and node.tag != _NULL and node.value.strip():
            return str(node.value).strip()
        self.bad("a text is needed here")
        return None

    def identifier(self) -> str:
        """A name of small letters, digits and underscores that starts with a letter."""
        name = self.text()
        if name is None:
            return ""
        plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
        if not plain or not name[0].isalpha() or len(name) > 60:
            self.bad(
                f"{name!r} is no name: small letters, digits and underscores, a letter first, 60 "
                "at most"
            )
        return name

    def number(self, low: float, high: float) -> float | None:
        """A number within bounds, ends included; None where it is none."""
        node = self.node
        if not isinstance(node, yaml.ScalarNode) or node.tag not in (_INT, _FLOAT):
            self.bad(f"a number from {low:,g} to {high:,g} is needed here")
            return None
        try:
            value = float(node.value.replace("_", ""))
        except ValueError:
            self.bad(f"{node.value!r} is no plain number")
            return None
        if low <= value <= high:
            return value
        self.bad(f"{node.value} is outside of {low:,g} to {high:,g}")
        return None

    def integer(self, low: int) -> int | None:
        """A whole number, at least low and at most a billion; None where it is none."""
        value = self.number(low, 1e9)
        if value is None or value == int(value):
            return None if value is None else int(value)
        self.bad(f"{self.node.value} is no whole number")
        return None


def root(text: str, name: str) -> Place:
    """The whole of a YAML text. Raises BadTemplate when it is none, or empty."""
    mistakes = Mistakes(name)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else 1
        raise BadTemplate(mistakes.sentence(line, f"no valid YAML: {_problem(err)}")) from None
    except yaml.reader.ReaderError as err:
        line = text.count("\n", 0, err.position) + 1
        what = "no valid YAML: a sign that YAML forbids; delete it"
        raise BadTemplate(mistakes.sentence(line, what)) from None
    except RecursionError:
        what = "no valid YAML: nested too deeply"
        raise BadTemplate(mistakes.sentence(1, what)) from None
    if node is None:
        raise BadTemplate(mistakes.sentence(1, "the file is empty; start from a shipped template"))
    return Place(node, mistakes)


def part(
    parts: Mapping[str, Place], key: str, known: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The words under a key, none where it is left out; the key's singular names them in errors."""
    return parts[key].words(known, key.removesuffix("s")) if key in parts else ()


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "unreadable"
    if r"'\t'" in problem:
        return "a tab, which YAML does not take here; indent with spaces"
    return f"{problem} {error.context}" if error.context and len(problem) < 12 else problem
