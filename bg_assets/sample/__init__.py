"""A made-up world of companies and their people: the same for the same seed."""
