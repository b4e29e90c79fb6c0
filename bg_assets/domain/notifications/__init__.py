"""What subscribers are told of groups, when it is tried again, and where it may go."""
