"""`bg-assets webhook`: sources, sending, dead events."""
