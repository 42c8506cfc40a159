"""Stand-ins for ESP32 modules, run by MicroPython; CPython imports only the request codes."""
