"""Change capture: the triggers, and what finds changes that no trigger saw."""
