"""Letting go of what has been kept long enough: which rows, in small steps, round after round."""
