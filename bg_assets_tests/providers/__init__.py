"""Tests of the clients of providers, and a server that plays one."""
