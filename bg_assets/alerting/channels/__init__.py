"""A channel each: how one vendor, or one protocol, is told of an alert."""
