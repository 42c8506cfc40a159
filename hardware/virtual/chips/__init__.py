"""Chips as a microcontroller sees them on their bus: quantities come from callables, time from a clock."""
