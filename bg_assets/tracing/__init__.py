"""Spans of OpenTelemetry from process to process; nothing of it is loaded while nobody asks."""
