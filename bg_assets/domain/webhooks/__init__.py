"""What the events of the webhook door mean: signed, read, and applied to what is known."""
