"""The webhook door in the tables: sources, events, and what they lead to."""
