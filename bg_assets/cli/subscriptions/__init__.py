"""`subscriptions`: who is told of changed groups, and what became of the messages."""
