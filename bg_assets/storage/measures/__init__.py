"""What is measured: sums and shares over a time, for KPIs, metrics and alerts."""
