"""What a buyer group is: plain functions, no I/O, no clock, no framework."""
