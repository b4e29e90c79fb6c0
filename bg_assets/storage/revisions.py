"""Which revisions of schema bg this code knows, and at which one a database is.

Read without Alembic, whose import would cost every command that looks at the schema 0.1 s.
"""

import functools
import re
from pathlib import Path

import sqlalchemy as sa

FOLDER = Path(__file__).parent / "migrations"

_MADE = re.compile(r"^revision = \"(\w+)\"", re.MULTILINE)
_BEFORE = re.compile(r"^down_revision = \"(\w+)\"", re.MULTILINE)
_THERE = sa.text("select to_regclass('bg.alembic_version')")
_CURRENT = sa.text("select version_num from bg.alembic_version")


def current(conn: sa.Connection) -> str | None:
    """The revision of schema bg; None where there is none."""
    if not conn.execute(_THERE).scalar():
        return None
    found: str | None = conn.execute(_CURRENT).scalar_one_or_none()
    return found


@functools.cache
def known() -> frozenset[str]:
    """All revisions that this code can start from."""
    return frozenset(one for text in _texts() for one in _MADE.findall(text))


@functools.cache
def head() -> str:
    """The revision that this code wants: the one that no other comes after."""
    (newest,) = known() - {one for text in _texts() for one in _BEFORE.findall(text)}
    return newest


@functools.cache
def _texts() -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8") for path in (FOLDER / "versions").glob("*.py"))
