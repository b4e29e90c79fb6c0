"""The sender of notifications: what the outbox holds goes to those who subscribed."""
