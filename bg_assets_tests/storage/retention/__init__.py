"""Tests of what is let go of, and of what stays."""
