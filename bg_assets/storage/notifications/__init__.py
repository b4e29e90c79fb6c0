"""Subscriptions, the outbox, and what became of each message."""
