"""structlog without rich and pygments, which it loads only to colour tracebacks on a terminal.

They would cost each process 6 MB and a sixth of a second, and commands, which have loaded a part of
rich themselves, still a tenth. Everybody takes structlog from here.
"""

import sys

_rich = sys.modules.get("rich")
# Python's way to say that a module is not there.
sys.modules["rich"] = None  # type: ignore[assignment]
try:
    import structlog as structlog
    from structlog.typing import EventDict as EventDict
    from structlog.typing import WrappedLogger as WrappedLogger
finally:
    if _rich is None:
        del sys.modules["rich"]
    else:
        sys.modules["rich"] = _rich
