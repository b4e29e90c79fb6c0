"""What Prometheus is told: all of it by any one process, from the tables that hold the truth."""
