"""Tests of what `up` and `demo` are made of."""
