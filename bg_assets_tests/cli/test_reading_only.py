"""Commands that only ask: PostgreSQL itself refuses them every write."""

from pathlib import Path

import pytest

from bg_assets.products import files, in_force
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh

FINANCE = (files.SHIPPED / "finance_system.yaml").read_text(encoding="utf-8")
PEOPLE = "id,company_id,title\nacme-1,acme,Chief Financial Officer\nacme-2,acme,Forklift Driver\n"
ASKING = (
    ("show", "acme"),
    ("why", "acme", "acme-1"),
    ("why", "acme", "acme-2"),
    ("status",),
    ("export", "{}/groups.csv"),
    ("templates", "list"),
    ("templates", "show", "finance_system"),
    ("templates", "check"),
    ("templates", "diff", "finance_system", "books"),
    ("titles", "{}/titles.txt"),
    ("webhook", "list"),
    ("webhook", "dead"),
    ("dsn",),
)


def _tables(bg: Command) -> dict[str, int]:
    """What every table of ours holds, as a hash."""
    names = [
        name
        for (name,) in bg.rows(
            "select table_name from information_schema.tables "
            "where table_schema = 'bg' and table_type = 'BASE TABLE'"
        )
    ]
    hashed = "select coalesce(sum(hashtextextended(t::text, 0)), 0)::text from bg.{} as t"
    return {name: bg.value(hashed.format(name)) for name in names}


@pytest.mark.parametrize("ours", ["books", "finance_system"])
def test_who_asks_changes_nothing_whatever_their_own_products_are(
    bg: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: str
) -> None:
    bg("import", "companies", bg.file("c.csv", "id,name,employee_count\nacme,Acme,200\n"))
    bg("import", "people", bg.file("p.csv", PEOPLE))
    refresh(bg, "acme")
    # The running system knows a mistake, and other templates than the terminal next to it.
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "bad.yaml").write_text("name: [", encoding="utf-8")
    in_force.keep(bg.engine, theirs, ["finance_system"])
    bg.file("titles.txt", "CFO\n")
    bg.file("books.yaml", FINANCE.replace("name: finance_system", "name: books"))
    monkeypatch.setenv("BG_TEMPLATES", str(tmp_path))
    monkeypatch.setenv("BG_PRODUCTS", ours)
    before = _tables(bg)
    monkeypatch.setenv("PGOPTIONS", "-c default_transaction_read_only=on")
    for asked in ASKING:
        done = bg(*(word.format(tmp_path) for word in asked))
        assert "read-only" not in done.err, asked
        # status may have found something wrong.
        assert done.code in ((0, 1) if asked == ("status",) else (0,)), (asked, done.err)
    assert _tables(bg) == before
    assert len(before) > 5
