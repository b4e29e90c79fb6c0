"""What every tick of a sensor does besides asking what is due."""
