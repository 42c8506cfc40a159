"""Chips as a microcontroller sees them on their bus. Physical quantities come from callables, time from a clock."""
