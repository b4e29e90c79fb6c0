"""What the Dagster instance of this project is made of: storage, queue, launcher, logs, reporting.

dagster.yaml names these classes. What a buyer group is, and what the runs do, doesn't belong here.
"""
