"""Small faults that can be planted: those of cosmic-ray that suit, and those it has not, SQL first.

Half of what this project promises is said in SQL, which is a string to a tool for Python. What
would fail at once whatever the tests say (an addition of strings made a subtraction, a decorator
taken away) is left out: it says nothing of the tests.
"""

import re
from collections.abc import Iterator

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
from parso.tree import NodeOrLeaf

_BINARY = {"Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "BitAnd_BitOr", "Mod_Mul"}
_COMPARISON = {
    "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is",
}  # fmt: skip
_UNARY = {"Delete_Not", "USub_UAdd"}
_SWAPS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_COMPREHENSION_CONDITIONS = {"comp_if", "sync_comp_for"}
# What these say is text for people.
_TOLD = {"description", "help", "kinds", "owners", "group_name", "detail"}

_SQL = re.compile(
    r"^[\s(]*(select|insert|update|delete|with|case|and|or|exists|not exists|join|left join|where|"
    r"order by|for update|limit|union|lock|set|declare|if|from|merge|returning|on conflict)\b"
)
_QUOTED = re.compile(r"'[^'\n]*'|--[^\n]*")
_COMPARED = (
    (r"<=", "<"),
    (r">=", ">"),
    (r"<>", "="),
    (r"(?<![<>=:!\-|])>(?![=>])", ">="),
    (r"<(?![=>])", "<="),
    (r"(?<![<>:!=])=(?![=>])", "<>"),
)
_WORDS = (
    (r"\bis not null\b", "is null"),
    (r"\bis null\b", "is not null"),
    (r"\bis distinct from\b", "is not distinct from"),
    (r"\bis not distinct from\b", "is distinct from"),
    (r"\bnot exists\b", "exists"),
    (r"(?<!not )(?<!if )\bexists\b", "not exists"),
    (r"\band\b", "or"),
    (r"(?<!insert )(?<!update )\bor\b(?! replace)", "and"),
    (r"\bdesc\b", "asc"),
    (r"\bnulls last\b", "nulls first"),
    (r"\bmax\(", "min("),
    (r"\bmin\(", "max("),
    (r"\bleast\(", "greatest("),
    (r"\bgreatest\(", "least("),
    (r"\bbool_or\(", "bool_and("),
    (r"\bbool_and\(", "bool_or("),
    (r"\bselect distinct (?!on\b)", "select "),
    (r"\(distinct ", "("),
    (r"\b(left|full) join\b", "join"),
    (r"\bunion all\b", "union"),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" *\bfor (no key )?(update|share)( of \w+)?( skip locked)?", ""),
    (r" skip locked\b", ""),
    (r"\blimit :?\w+", ""),
    (r"\bmaterialized\b", ""),
    (r"coalesce\(([\w.:]+), [\w.:]+\)", r"\1"),
    (r"(?m)^[ ]*(and|or) [^\n]*\n", ""),
)
_NUMBER = re.compile(r"(?<![\w:$.{'])\d+(?![\w.}'])")
_INTERVAL = re.compile(r"(?<=interval ')\d+")
_LAST_OF_LIST = re.compile(r"(?<=')(, '[^'\n]*')(?=\))")
_ISOLATION = re.compile(r"REPEATABLE READ|repeatable read")
_ASSIGNING = re.compile(r"\b(do update\s+set|set)\s")
_AFTER_ASSIGNMENTS = re.compile(r"\b(where|from|returning)\b")

Edit = tuple[int, int, str]


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


class _Own(Operator):
    """An operator whose faults at a node are edits of its code, from ... to, counted from its
    first character without what stands before it."""

    def edits(self, node: NodeOrLeaf) -> list[Edit]:
        """The faults that can be planted at this node."""
        raise NotImplementedError

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[tuple[tuple[int, int], ...]]:
        """Where each is, as cosmic-ray wants it: lines from 1, columns from 0."""
        edits = self.edits(node)
        code = node.get_code(include_prefix=False) if edits else ""
        for start, end, _ in edits:
            yield _place(node, code, start), _place(node, code, end)

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        """The node with one of the faults."""
        start, end, becomes = self.edits(node)[index]
        code = node.get_code(include_prefix=False)
        prefix = node.get_first_leaf().prefix
        return parso.parse(prefix + code[:start] + becomes + code[end:]) if _whole(node) else _leaf(
            node, code[:start] + becomes + code[end:]
        )  # fmt: skip

    @classmethod
    def examples(cls) -> tuple[()]:
        """None: cosmic-ray wants them for its own tests."""
        return ()


def _whole(node: NodeOrLeaf) -> bool:
    return hasattr(node, "children")


def _leaf(node: NodeOrLeaf, value: str) -> NodeOrLeaf:
    node.value = value
    return node


def _place(node: NodeOrLeaf, code: str, offset: int) -> tuple[int, int]:
    line, column = node.start_pos
    before = code[:offset]
    if "\n" not in before:
        return line, column + offset
    return line + before.count("\n"), offset - before.rindex("\n") - 1


class InNotIn(_Own):
    """``in`` for ``not in``, and the other way round."""

    def edits(self, node: NodeOrLeaf) -> list[Edit]:
        """At the comparison's word."""
        if node.type == "comp_op" and node.get_code().split() == ["not", "in"]:
            return [(0, len(node.get_code(include_prefix=False)), "in")]
        is_in = node.type == "keyword" and node.value == "in" and node.parent.type == "comparison"
        return [(0, 2, "not in")] if is_in else []


class DropOperand(_Own):
    """A condition of several forgotten, or the condition of a comprehension."""

    def edits(self, node: NodeOrLeaf) -> list[Edit]:
        """Each operand with the word beside it."""
        if node.type in ("and_test", "or_test"):
            return [self._without(node, index) for index in range(0, len(node.children), 2)]
        if node.type == "comp_if":
            return [(0, len(node.get_code(include_prefix=False)), "")]
        return []

    @staticmethod
    def _without(node: NodeOrLeaf, index: int) -> Edit:
        ends = [0]
        for number, child in enumerate(node.children):
            code = child.get_code(include_prefix=number > 0)
            ends.append(ends[-1] + len(code))
        if index == 0:
            return 0, ends[2], ""
        return ends[index - 1], ends[index + 1], ""


class DropArgument(_Own):
    """An argument given by its name, forgotten."""

    def edits(self, node: NodeOrLeaf) -> list[Edit]:
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
    def _without(node: NodeOrLeaf, number: int, at: int, length: int) -> Edit:
        last = number == len(node.children) - 1
        comma = node.children[number - 1 if last else number + 1]
        width = len(comma.get_code())
        return (at - width, at + length, "") if last else (at, at + length + width, "")


class DropCall(_Own):
    """A statement that is only a call, or adds to something, forgotten."""

    def edits(self, node: NodeOrLeaf) -> list[Edit]:
        """The whole statement."""
        if node.parent is None or node.parent.type != "simple_stmt":
            return []
        call = node.type == "atom_expr" and node.children[-1].get_code().startswith("(")
        adds = node.type == "expr_stmt" and "annassign" in node.children[1].type
        grows = node.type == "expr_stmt" and node.children[1].get_code().strip() in ("+=", "|=")
        return [(0, len(node.get_code(include_prefix=False)), "pass")] if call or (
            grows and not adds
        ) else []  # fmt: skip


class CatchLess(_Own):
    """Errors let through: all that a clause catches, or one of several."""

    def edits(self, node: NodeOrLeaf) -> list[Edit]:
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

    def edits(self, node: NodeOrLeaf) -> list[Edit]:
        """At the function's name, where it is called."""
        if node.type != "name" or node.value not in _SWAPS or node.parent.type != "atom_expr":
            return []
        return [(0, len(node.value), _SWAPS[node.value])]


class EditSql(_Own):
    """Boundaries, conditions, locks, orders and assignments of SQL."""

    def edits(self, node: NodeOrLeaf) -> list[Edit]:
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
        if node.parent.type == "simple_stmt" or not (_SQL.match(said) or _ISOLATION.search(said)):
            return []
        return [(first + start, first + end, text) for start, end, text in sql_edits(body)]


def sql_edits(sql: str) -> list[Edit]:
    """The faults that can be planted in SQL; what is quoted or said in comments is left alone."""
    bare = _QUOTED.sub(lambda found: found[0][0] + "_" * (len(found[0]) - 2) + found[0][-1], sql)
    found = [
        (one.start(), one.end(), becomes)
        for pattern, becomes in _COMPARED
        for one in re.finditer(pattern, bare)
        if not _assigns(bare, one.start())
    ]
    found += [
        (one.start(), one.end(), one.expand(becomes))
        for pattern, becomes in _WORDS
        for one in re.finditer(pattern, bare)
        if not (one[0] == "and" and _between(bare, one.start())) and _balanced(one[0])
    ]
    found += [(*one.span(), str(int(one[0]) + 1)) for one in _NUMBER.finditer(bare)]
    found += [(*one.span(), str(int(one[0]) * 2)) for one in _INTERVAL.finditer(sql)]
    found += [(*one.span(), "") for one in _LAST_OF_LIST.finditer(sql)]
    found += [(*one.span(), "READ COMMITTED") for one in _ISOLATION.finditer(sql)]
    return sorted(found + list(_assignments(bare)))


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")") or "\n" not in text


def _between(sql: str, at: int) -> bool:
    return re.search(r"\bbetween\b((?!\band\b).)*$", sql[:at], re.DOTALL) is not None


def _assigns(sql: str, at: int) -> bool:
    """Whether the sign there gives a column its value."""
    return any(start <= at < end and not deep for start, end, deep in _levels(sql, at))


def _levels(sql: str, at: int) -> Iterator[tuple[int, int, bool]]:
    for start, end in _assignment_lists(sql):
        inside = sql[start:at]
        yield start, end, inside.count("(") > inside.count(")") or "case" in inside.split(",")[-1]


def _assignment_lists(sql: str) -> Iterator[tuple[int, int]]:
    for one in _ASSIGNING.finditer(sql):
        depth, end = 0, len(sql)
        for number in range(one.end(), len(sql)):
            depth += {"(": 1, ")": -1}.get(sql[number], 0)
            if depth < 0 or (not depth and _AFTER_ASSIGNMENTS.match(sql, number)):
                end = number
                break
        yield one.end(), end


def _assignments(sql: str) -> Iterator[Edit]:
    """Each column of several that a statement sets, not set."""
    for start, end in _assignment_lists(sql):
        depth, commas = 0, []
        for number in range(start, end):
            depth += {"(": 1, ")": -1}.get(sql[number], 0)
            if sql[number] == "," and not depth:
                commas.append(number)
        if commas:
            yield start, commas[0] + 1, ""
        for number, comma in enumerate(commas):
            after = commas[number + 1] if number + 1 < len(commas) else end
            kept = sql[comma:after].rstrip()
            yield comma, comma + len(kept), ""
