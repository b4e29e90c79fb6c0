"""Tests of the rules: tables of cases, properties, the shared data."""
