"""The products in force: templates found, read and kept."""
