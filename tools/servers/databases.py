"""Private databases that take line protocol: InfluxDB 1.6 and VictoriaMetrics."""

import urllib.error
import urllib.request
from collections.abc import Sequence

from tools.servers.processes import HOST
from tools.servers.server import Server


class InfluxDB(Server):
    """A private InfluxDB 1.6, without authentication."""

    name = "influxdb"
    program = "influxd"
    package = "influxdb"
    extra_ports = 1  # backup and restore; it listens there whether one wants it or not

    def _arguments(self) -> Sequence[str]:
        folders = {part: self.directory / part for part in ("meta", "data", "wal")}
        configuration = self.directory / "influxdb.conf"
        configuration.write_text(
            f"""\
reporting-disabled = true
bind-address = "{HOST}:{self._ports[1]}"

[meta]
dir = "{folders["meta"]}"

[data]
dir = "{folders["data"]}"
wal-dir = "{folders["wal"]}"
query-log-enabled = false

[monitor]
store-enabled = false

[http]
bind-address = "{HOST}:{self.port}"
log-enabled = false
pprof-enabled = false

[logging]
suppress-logo = true
"""
        )
        return ["-config", str(configuration)]

    def _answers(self) -> bool:
        return _http_ok(f"{self.url}/ping")


class VictoriaMetrics(Server):
    """A private VictoriaMetrics that keeps everything and shows a point written twice once."""

    name = "victoria-metrics"
    program = "victoria-metrics"
    package = "victoria-metrics"

    def _arguments(self) -> Sequence[str]:
        return [
            "-retentionPeriod=100y",
            f"-storageDataPath={self.directory / 'data'}",
            f"-httpListenAddr={HOST}:{self.port}",
            # Without this a point sent again is stored and returned once more.
            "-dedup.minScrapeInterval=1ms",
        ]

    def _answers(self) -> bool:
        return _http_ok(f"{self.url}/health")


def _http_ok(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2) as answer:
            return int(answer.status) in (200, 204)
    except (urllib.error.URLError, OSError):
        return False
