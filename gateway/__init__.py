"""Receives, stores, alerts and shows: everything that runs beside the radio."""
