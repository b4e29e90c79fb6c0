"""What processes say of themselves: one line for one thing that happens, with its ids."""
