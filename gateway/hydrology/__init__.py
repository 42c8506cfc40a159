"""Stream intakes: levels, rise, discharge, the grate's head loss and what they mean. Pure functions."""
