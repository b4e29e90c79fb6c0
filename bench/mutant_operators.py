"""Small faults that can be planted: those of cosmic-ray that suit, and those it has not, SQL first.

Half of what this project promises is said in SQL, which is a string to a tool for Python. What
would fail at once whatever the tests say (an addition of strings made a subtraction, a decorator
taken away) is left out: it says nothing of the tests.
"""

import re
from collections.abc import Iterator
from typing import Any

import parso
from cosmic_ray.operators import (
    binary_operator_replacement as binary,
)
from cosmic_ray.operators import (
    boolean_replacer as boolean,
)
from cosmic_ray.operators import (
    break_continue,
    number_replacer,
    zero_iteration_for_loop,
)
from cosmic_ray.operators import (
    comparison_operator_replacement as comparison,
)
from cosmic_ray.operators import (
    unary_operator_replacement as unary,
)
from cosmic_ray.operators.operator import Operator

from bench.mutant_sql import Edit, edits_of, is_sql

_BINARY = {"Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "BitAnd_BitOr", "Mod_Mul"}
_COMPARISON = {
    "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is",
}  # fmt: skip
_UNARY = {"Delete_Not", "USub_UAdd"}
_SWAPS = {"min": "max", "max": "min", "any": "all", "all": "any"}
# What these say is text for people.
_TOLD = {"description", "help", "kinds", "owners", "group_name", "detail"}

# A node of parso's, which is not typed: what it has depends on its type, a word.
Node = Any


def operators() -> dict[str, Operator]:
    """Every kind of fault, by name."""
    chosen = [
        *_suffixed(binary.operators(), _BINARY),
        *_suffixed(comparison.operators(), _COMPARISON),
        *_suffixed(unary.operators(), _UNARY),
        boolean.AddNot,
        boolean.ReplaceTrueWithFalse,
        boolean.ReplaceFalseWithTrue,
        boolean.ReplaceAndWithOr,
        boolean.ReplaceOrWithAnd,
        break_continue.ReplaceBreakWithContinue,
        break_continue.ReplaceContinueWithBreak,
        number_replacer.NumberReplacer,
        zero_iteration_for_loop.ZeroIterationForLoop,
        InNotIn,
        DropOperand,
        DropArgument,
        DropCall,
        CatchLess,
        SwapFunction,
        EditSql,
    ]
    return {one.__name__: one() for one in chosen}


def _suffixed(classes: Iterator[type[Operator]], wanted: set[str]) -> list[type[Operator]]:
    return [one for one in classes if any(one.__name__.endswith(f"_{end}") for end in wanted)]


class _Own(Operator):  # type: ignore[misc]
    """An operator whose faults at a node are edits of its code, from ... to, counted from its
    first character without what stands before it."""

    def edits(self, node: Node) -> list[Edit]:
        """The faults that can be planted at this node."""
        raise NotImplementedError

    def mutation_positions(self, node: Node) -> Iterator[tuple[tuple[int, int], ...]]:
        """Where each is, as cosmic-ray wants it: lines from 1, columns from 0."""
        edits = self.edits(node)
        code = node.get_code(include_prefix=False) if edits else ""
        for start, end, _ in edits:
            yield _place(node, code, start), _place(node, code, end)

    def mutate(self, node: Node, index: int) -> Node:
        """The node with one of the faults."""
        start, end, becomes = self.edits(node)[index]
        code = node.get_code(include_prefix=False)
        code = code[:start] + becomes + code[end:]
        if hasattr(node, "children"):
            return parso.parse(node.get_first_leaf().prefix + code)  # type: ignore[no-untyped-call]
        node.value = code
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """None: cosmic-ray wants them for its own tests."""
        return ()


def _place(node: Node, code: str, offset: int) -> tuple[int, int]:
    line, column = node.start_pos
    before = code[:offset]
    if "\n" not in before:
        return line, column + offset
    return line + before.count("\n"), offset - before.rindex("\n") - 1


class InNotIn(_Own):
    """``in`` for ``not in``, and the other way round."""

    def edits(self, node: Node) -> list[Edit]:
        """At the comparison's word."""
        if node.type == "comp_op" and node.get_code().split() == ["not", "in"]:
            return [(0, len(node.get_code(include_prefix=False)), "in")]
        is_in = node.type == "keyword" and node.value == "in" and node.parent.type == "comparison"
        return [(0, 2, "not in")] if is_in else []


class DropOperand(_Own):
    """A condition of several forgotten, or the condition of a comprehension."""

    def edits(self, node: Node) -> list[Edit]:
        """Each operand with the word beside it."""
        if node.type in ("and_test", "or_test"):
            return [self._without(node, index) for index in range(0, len(node.children), 2)]
        if node.type == "comp_if":
            return [(0, len(node.get_code(include_prefix=False)), "")]
        return []

    @staticmethod
    def _without(node: Node, index: int) -> Edit:
        ends = [0]
        for number, child in enumerate(node.children):
            code = child.get_code(include_prefix=number > 0)
            ends.append(ends[-1] + len(code))
        if index == 0:
            return 0, ends[2], ""
        return ends[index - 1], ends[index + 1], ""


class DropArgument(_Own):
    """An argument given by its name, forgotten."""

    def edits(self, node: Node) -> list[Edit]:
        """Each named argument of a call."""
        if node.type != "arglist" or node.parent.type != "trailer":
            return []
        found, at = [], 0
        for number, child in enumerate(node.children):
            length = len(child.get_code(include_prefix=number > 0))
            named = child.type == "argument" and child.children[1].type == "operator"
            if named and child.children[1].value == "=" and child.children[0].value not in _TOLD:
                found.append(self._without(node, number, at, length))
            at += length
        return found

    @staticmethod
    def _without(node: Node, number: int, at: int, length: int) -> Edit:
        last = number == len(node.children) - 1
        comma = node.children[number - 1 if last else number + 1]
        width = len(comma.get_code())
        return (at - width, at + length, "") if last else (at, at + length + width, "")


class DropCall(_Own):
    """A statement that is only a call, or adds to something, forgotten."""

    def edits(self, node: Node) -> list[Edit]:
        """The whole statement."""
        if node.parent is None or node.parent.type != "simple_stmt":
            return []
        call = node.type == "atom_expr" and node.children[-1].get_code().startswith("(")
        adds = node.type == "expr_stmt" and node.children[1].get_code().strip() in ("+=", "|=")
        return [(0, len(node.get_code(include_prefix=False)), "pass")] if call or adds else []


class CatchLess(_Own):
    """Errors let through: all that a clause catches, or one of several."""

    def edits(self, node: Node) -> list[Edit]:
        """What stands behind ``except``."""
        if node.type != "except_clause":
            return []
        caught = node.children[1]
        first = len(node.children[0].get_code(include_prefix=False)) + len(caught.get_code())
        code = caught.get_code(include_prefix=False)
        start = first - len(code)
        found = [(start, first, "()")]
        if caught.type == "atom":
            names = [one.strip() for one in code[1:-1].split(",") if one.strip()]
            for name in names:
                rest = [one for one in names if one != name]
                found.append((start, first, f"({', '.join(rest)},)" if rest else "()"))
        return found


class SwapFunction(_Own):
    """The least for the greatest, any for all."""

    def edits(self, node: Node) -> list[Edit]:
        """At the function's name, where it is called."""
        if node.type != "name" or node.value not in _SWAPS or node.parent.type != "atom_expr":
            return []
        return [(0, len(node.value), _SWAPS[node.value])]


class EditSql(_Own):
    """Boundaries, conditions, locks, orders and assignments of SQL."""

    def edits(self, node: Node) -> list[Edit]:
        """Those of the string, or of the piece of an f-string."""
        if node.type == "string":
            whole = body = node.value
            opening = re.match(r"[A-Za-z]*(\"\"\"|'''|\"|')", whole)
            assert opening is not None
            first, last = opening.end(), len(whole) - len(opening[1])
            body = whole[first:last]
            said = body
        elif node.type == "fstring_string":
            first, body = 0, node.value
            said = "".join(child.get_code() for child in node.parent.children[1:-1])
        else:
            return []
        if node.parent.type == "simple_stmt" or not is_sql(said):
            return []
        return [(first + start, first + end, text) for start, end, text in edits_of(body)]
