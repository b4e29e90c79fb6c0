"""Faults that anybody can inject into the running system, and a table of what came of each."""
