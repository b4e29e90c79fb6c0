"""Both databases in one file, and back: its format, PostgreSQL's programs, and what must hold."""
