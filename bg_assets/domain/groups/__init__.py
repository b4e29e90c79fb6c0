"""Which people make a buyer group, and why: the rules, from fit to the differences told."""
