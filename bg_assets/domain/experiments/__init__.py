"""Two versions of a template side by side: who sees which, and what they differ in."""
