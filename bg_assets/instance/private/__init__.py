"""Every private name of Dagster that this project touches: a file for each subject.

Private is what Dagster does not document: its modules, attributes, tables, and tags of its own.
They were checked against the versions below, which are pinned. Tests fail when Dagster or one of
these names changes, so an upgrade of Dagster starts here; all other files take such names from
here. ``names`` and ``tables`` don't import Dagster, which takes seconds.
"""

CHECKED_DAGSTER = "1.13.27"
CHECKED_DAGSTER_POSTGRES = "0.29.27"
CHECKED_DAGSTER_WEBSERVER = "1.13.27"
