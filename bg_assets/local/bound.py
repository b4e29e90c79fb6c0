"""`python -m bg_assets.local.bound PID PROGRAM …`: run a program that ends when its parent does.

On Linux the kernel sees to it, however the parent ends; elsewhere the program just runs.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def bind_to_parent(parent: int) -> None:
    """Ask the kernel for a SIGTERM when the parent dies; end at once if it is dead already.

    ``parent`` is its process id, which only the parent itself can know for sure.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(0)


if __name__ == "__main__":
    bind_to_parent(int(sys.argv[1]))
    # Where Ctrl-C is ignored, as in a background job of a script, Dagster ignores SIGTERM as well.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[2], sys.argv[2:])
