"""Small faults in SQL: boundaries, conditions, orders, locks, and what is set."""

import re
from collections.abc import Iterator

# From where to where the text is replaced, and by what.
Edit = tuple[int, int, str]

_BEGINS = re.compile(
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


def is_sql(text: str) -> bool:
    """Whether a string of the program is a statement, a piece of one, or a level of isolation."""
    return _BEGINS.match(text) is not None or _ISOLATION.fullmatch(text) is not None


def edits_of(sql: str) -> list[Edit]:
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
            rest = sql[commas[0] + 1 : end]
            yield start, end - len(rest.lstrip(" ")), ""
        for number, comma in enumerate(commas):
            after = commas[number + 1] if number + 1 < len(commas) else end
            kept = sql[comma:after].rstrip()
            yield comma, comma + len(kept), ""
