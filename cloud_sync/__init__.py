"""Brings every stored record to an InfluxDB-compatible server, in a process of its own."""
