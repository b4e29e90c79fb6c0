"""What every reader of values from outside says of one that can't be taken."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unfit:
    """A value that can't be taken, with the reason in words. The reason never repeats it.

    field: where in a document it stands, dotted (``body`` for the whole); empty for a value alone.
    """

    reason: str
    field: str = ""
