"""People and companies in tables of somebody else's: read where they are, never copied."""
