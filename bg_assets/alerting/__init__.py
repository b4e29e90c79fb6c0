"""Looks for what is wrong and tells those who want to know: chat, pager, mail, webhook, monitors.

Dagster's own packages for these import all of Dagster, 200 MB and seconds in a process that needs
none of it, and take neither another address nor a time-out: so these are the vendors' protocols.
"""
