"""The last good templates and the mistakes of their files, as they are kept."""

from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import templates
from bg_assets_tests.storage.rows import rows, run, value


def write(engine: sa.Engine, *found: tuple[str, str, str]) -> None:
    with engine.begin() as conn:
        templates.write(conn, found)


def mistakes(engine: sa.Engine, *found: str) -> dict[str, datetime]:
    with engine.begin() as conn:
        templates.write_mistakes(conn, found)
        return templates.read_mistakes(conn)


def test_templates_are_kept_by_product_and_others_stay(engine: sa.Engine) -> None:
    write(engine, ("b", "hash-b", "text b"), ("a", "hash-a", "text a"))
    write(engine, ("a", "hash-a2", "text a2"))
    write(engine)
    with engine.connect() as conn:
        found = templates.read(conn)

    assert [(one.product, one.hash, one.text) for one in found.values()] == [
        ("a", "hash-a2", "text a2"), ("b", "hash-b", "text b"),
    ]  # fmt: skip
    assert [*found] == ["a", "b"]


def test_another_hash_is_a_new_template_whose_groups_are_looked_at_from_the_start(
    engine: sa.Engine,
) -> None:
    write(engine, ("a", "h", "text"))
    run(engine, "update bg.templates set loaded_at = '2020-01-01', complete_at = '2020-01-02', "
        "looked_hash = 'x', looked_company = 'y'")  # fmt: skip
    write(engine, ("a", "h", "same hash"))
    (same,) = rows(engine, "select * from bg.templates")
    write(engine, ("a", "h2", "new"))
    (new,) = rows(engine, "select * from bg.templates")

    assert (same["text"], same["looked_hash"], same["looked_company"]) == ("same hash", "x", "y")
    assert (same["loaded_at"].year, same["complete_at"].year) == (2020, 2020)
    assert (new["text"], new["looked_hash"], new["looked_company"]) == ("new", "", "")
    assert (new["loaded_at"].year > 2020, new["complete_at"]) == (True, None)


def test_mistakes_are_those_that_there_are_now_and_a_known_one_keeps_its_time(
    engine: sa.Engine,
) -> None:
    mistakes(engine, "b is bad", "a is bad")
    run(engine, "update bg.template_mistakes set since = '2020-01-01'")
    same = mistakes(engine, "a is bad", "b is bad")
    fewer = mistakes(engine, "c is bad", "b is bad")

    assert [(what, since.year) for what, since in same.items()] == [
        ("a is bad", 2020), ("b is bad", 2020),
    ]  # fmt: skip
    assert [(what, since.year == 2020) for what, since in fewer.items()] == [
        ("b is bad", True), ("c is bad", False),
    ]  # fmt: skip
    assert mistakes(engine) == {}
    assert value(engine, "select count(*) from bg.template_mistakes") == 0
