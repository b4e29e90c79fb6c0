"""A length of time as it is typed, for options of several commands."""

from typing import Any

import click

from bg_assets import settings


class Length(click.ParamType[float]):
    """A length of time like 90d or 12h, in seconds."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = settings.seconds(str(value))
        if found is None:
            self.fail(f"{value!r} is no length of time like 90d, 12h or 30m", param, ctx)
        return found
