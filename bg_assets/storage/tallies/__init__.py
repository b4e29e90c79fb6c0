"""Sums over all that ever happened, which only grow, and counts of what stands."""
