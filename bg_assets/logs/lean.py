"""structlog without rich and pygments, which it loads only to colour tracebacks on a terminal.

They would cost each process 6 MB and a sixth of a second. Everybody takes structlog from here.
"""

import sys

_HAS_RICH = "rich" in sys.modules
if not _HAS_RICH:
    # Python's way to say that a module is not there.
    sys.modules["rich"] = None  # type: ignore[assignment]
try:
    import structlog as structlog
    from structlog.typing import EventDict as EventDict
    from structlog.typing import WrappedLogger as WrappedLogger
finally:
    if not _HAS_RICH:
        del sys.modules["rich"]
