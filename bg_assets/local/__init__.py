"""Everything running on one machine: the processes of `up` and the run through of `demo`."""
