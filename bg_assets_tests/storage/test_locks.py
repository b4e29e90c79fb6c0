"""Advisory locks: each number stands for one thing, and all stand in one place."""

import re
from pathlib import Path

import sqlalchemy as sa

import bg_assets
from bg_assets.storage import locks
from bg_assets.storage.locks import Lock

# What takes an advisory lock, and a number as ours look: "bg" in its upper half.
_ELSEWHERE = re.compile(r"advisory_(xact_)?(lock|unlock)|0x6267_?[0-9a-f]{4}", re.IGNORECASE)


def test_no_number_stands_for_two_things() -> None:
    assert len({lock.value for lock in Lock.__members__.values()}) == len(Lock.__members__)


def test_no_other_module_takes_an_advisory_lock_of_its_own() -> None:
    place = Path(locks.__file__)
    assert _ELSEWHERE.search(place.read_text(encoding="utf-8"))
    found = {
        str(path): match[0]
        for path in Path(bg_assets.__file__).parent.rglob("*.py")
        if path != place and (match := _ELSEWHERE.search(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_who_holds_one_lock_is_in_the_way_of_no_other_and_gives_it_back_at_the_end(
    engine: sa.Engine,
) -> None:
    with engine.connect() as one, engine.connect() as other:
        for lock in Lock:
            locks.take(one, lock)
            assert [another for another in Lock if not _is_free(other, another)] == [lock]
            one.rollback()
            assert _is_free(other, lock)


def _is_free(conn: sa.Connection, lock: Lock) -> bool:
    """Whether the lock could be taken; it is given back."""
    found = locks.try_to_take(conn, lock)
    conn.rollback()
    return found
