"""What the system is measured by: KPIs, their targets, and what a value amounts to."""
