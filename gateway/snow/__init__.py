"""Snow: from the ranger's distance to depth increase, ploughing call-out and roof load. Pure functions."""
