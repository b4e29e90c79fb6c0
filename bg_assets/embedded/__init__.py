"""The PostgreSQL that comes with the project: its binaries, its place, its processes, its leases.

What is asked of the database doesn't belong here; see bg_assets.storage.
"""


class EmbeddedUnavailable(Exception):
    """The embedded PostgreSQL can't run here; the message says why and what to do about it."""
