"""One file per stage: read through storage, decide in domain, write through storage, report."""
