"""The webhook door: takes signed events in, safely and each once. Knows nothing of Dagster."""
