"""What is wrong with the running system, and what to do: for `status`, `doctor` and the alerts."""
