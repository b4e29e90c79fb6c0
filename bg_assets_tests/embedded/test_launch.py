"""What PostgreSQL is started with."""

from bg_assets.embedded import launch

GB = 1 << 30


def test_postgresql_keeps_an_eighth_of_the_memory_within_bounds() -> None:
    assert launch.buffers(GB // 2) == 128
    assert launch.buffers(2 * GB) == 256
    assert launch.buffers(64 * GB) == 512
