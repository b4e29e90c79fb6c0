"""A program that is bound to its parent never outlives it, however early the parent ends."""

import os
import subprocess
import sys


def bound(parent: int) -> "subprocess.CompletedProcess[str]":
    """Run a program that prints, as if ``parent`` had started it."""
    command = [sys.executable, "-m", "bg_assets.local.bound", str(parent), "/bin/echo", "ran"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_program_runs_while_its_parent_lives() -> None:
    done = bound(os.getpid())
    assert (done.returncode, done.stdout) == (0, "ran\n")


def test_a_program_whose_parent_ended_before_it_was_bound_does_not_run() -> None:
    done = bound(os.getppid())
    assert (done.returncode, done.stdout) == (0, "")
