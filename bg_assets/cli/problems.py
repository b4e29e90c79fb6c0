"""What is wrong with the running system: what `status` tells last, and ends with exit code 1 for.

A problem is one line that says what is the matter and what to do. Counts are not problems.
"""

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.storage import capture_watch


def read(conn: sa.Connection, config: settings.Settings) -> list[str]:
    """All problems there are, a line each; an empty list where all is well."""
    return capture_watch.problems(conn)
