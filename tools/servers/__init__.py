"""Private Mosquitto, InfluxDB and VictoriaMetrics servers for the demo, the benchmarks and the tests."""

from tools.servers.databases import InfluxDB, VictoriaMetrics
from tools.servers.mosquitto import Mosquitto, access_list
from tools.servers.processes import HOST, ServerError, find_program, free_port, free_ports
from tools.servers.server import Server

__all__ = [
    "HOST",
    "InfluxDB",
    "Mosquitto",
    "Server",
    "ServerError",
    "VictoriaMetrics",
    "access_list",
    "find_program",
    "free_port",
    "free_ports",
]
