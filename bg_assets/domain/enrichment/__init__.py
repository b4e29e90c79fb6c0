"""What outside data is asked for, and what is believed of it: plain values, no I/O."""
