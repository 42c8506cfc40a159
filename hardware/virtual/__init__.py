"""The virtual board: firmware runs unchanged in the real MicroPython, with chips simulated at bus level."""
