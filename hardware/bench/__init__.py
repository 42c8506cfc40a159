"""Real instruments. None of them has been tried on a real bench yet: see hardware/README.md."""
