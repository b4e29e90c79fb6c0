"""SQL of enrichment: who is due, what is known of them, and writing what a provider saw."""
