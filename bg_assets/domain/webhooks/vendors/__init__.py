"""The webhooks of CRMs: a table for each, of how it signs, its events and what is in them.

A table is TOML, read by `table.py`. Code is here only for what is not tabular: signatures, SOAP.
"""
