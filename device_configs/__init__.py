"""Boards, sensors, profiles and sites, and what compiles them for node and gateway."""
