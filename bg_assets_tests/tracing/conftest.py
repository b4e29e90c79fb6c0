"""A collector of spans for each test that wants one."""

from bg_assets_tests.tracing import sending

collector = sending.collector
