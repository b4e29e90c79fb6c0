"""Calls of the bg-assets command in this process: what it printed, and that it never crashed."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from click.testing import CliRunner

from bg_assets.cli.main import main


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: its exit code and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Command:
    """bg-assets on a database of the test's own, and a folder for its files."""

    engine: sa.Engine
    folder: Path

    def __call__(self, *arguments: object, stdin: str | None = None) -> Done:
        """Run it. Fails where it ended with an exception that nobody turned into a sentence."""
        result = CliRunner().invoke(main, [str(one) for one in arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.output
        return Done(result.exit_code, result.stdout, result.stderr)

    def json(self, *arguments: object, code: int = 0) -> Any:
        """The one document that it prints with --json, having ended with the code."""
        done = self(*arguments, "--json")
        assert done.code == code, done.err
        return json.loads(done.out)

    def file(self, name: str, content: str) -> Path:
        """Write a file to import."""
        path = self.folder / name
        path.write_text(content, encoding="utf-8", newline="")
        return path

    def companies(self, *ids: str) -> None:
        """Import companies of these ids."""
        lines = "".join(f"{one},Company {one}\n" for one in ids)
        assert self("import", "companies", self.file("some.csv", f"id,name\n{lines}")).code == 0

    def rows(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        with self.engine.begin() as conn:
            return [tuple(row) for row in conn.execute(sa.text(statement), parameters)]

    def value(self, statement: str, **parameters: object) -> Any:
        """The one value that a statement gives."""
        ((found,),) = self.rows(statement, **parameters)
        return found

    def execute(self, statement: str, **parameters: object) -> None:
        """Run one statement in a transaction of its own."""
        with self.engine.begin() as conn:
            conn.execute(sa.text(statement), parameters)

    def changes(self) -> int:
        """How many changes have been captured."""
        return int(self.value("select count(*) from bg.changes"))


def rejects_of(path: Path) -> list[Sequence[str]]:
    """The rows of a file of rejects without its header; none where there is no file."""
    rejects = path.with_name(path.name + ".rejects.csv")
    if not rejects.exists():
        return []
    with rejects.open(newline="", encoding="utf-8") as file:
        return [*csv.reader(file)][1:]
