"""/metrics for Prometheus: how the gateway does, and nothing about people. Values are read when asked for."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.web.concerns import PRIORITIES, Concern
from gateway.web.links import links
from gateway.web.live import Live
from gateway.web.way import NodeCounts, Way


class Metrics(Collector):
    """Makes the text of /metrics from what the pages hold."""

    def __init__(
        self,
        live: Live,
        way: Callable[[], Way],
        counts: Callable[[], Mapping[int, NodeCounts]],
        standing: Callable[[], list[Concern]],
        open_pages: Callable[[], int],
    ) -> None:
        self._live = live
        self._way = way
        self._counts = counts
        self._standing = standing
        self._open_pages = open_pages
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        way, counts = self._way(), self._counts()
        found: list[CounterMetricFamily | GaugeMetricFamily] = []
        for name, text, value in (
            ("sensornett_records_stored", "Records stored", way.stored),
            ("sensornett_records_lost", "Records that will never come", way.lost),
            ("sensornett_frames_refused", "Frames that were not taken", way.refused),
            ("sensornett_records_synced", "Records in InfluxDB", way.sync.synced),
        ):
            found.append(CounterMetricFamily(name, text, value=value))
        for name, text, value in (
            ("sensornett_records_pending", "Records on their way to InfluxDB", way.sync.pending),
            ("sensornett_records_quarantined", "Records that InfluxDB refused", way.sync.quarantined),
            (
                "sensornett_oldest_unsynced_seconds",
                "Age of the oldest record not sent",
                way.sync.oldest_s or 0,
            ),
            ("sensornett_open_pages", "Pages that are open", self._open_pages()),
        ):
            found.append(GaugeMetricFamily(name, text, value=value))
        if way.outage_left_s is not None:
            text = "How long sync may still be away before records are lost"
            found.append(GaugeMetricFamily("sensornett_outage_left_seconds", text, value=way.outage_left_s))
        newest = GaugeMetricFamily("sensornett_node_newest_record_seconds", "UTC time of it", labels=["node"])
        shelf = GaugeMetricFamily(
            "sensornett_node_on_shelf_since_seconds", "UTC time; only of nodes on the shelf", labels=["node"]
        )
        waiting = GaugeMetricFamily("sensornett_node_records_waiting", "Records on the node", labels=["node"])
        for id_, node in self._live.nodes.items():
            if node.last is not None:
                newest.add_metric([str(id_)], node.last.measured_at_s)
            if node.on_shelf_s is not None:
                shelf.add_metric([str(id_)], node.on_shelf_s)
            count = counts.get(id_, NodeCounts())
            waiting.add_metric([str(id_)], max(0, count.measured - count.stored - count.lost))
        radio = [
            GaugeMetricFamily(f"sensornett_link_{name}", text, labels=["node", "receiver"])
            for name, text in (
                ("rssi_dbm", "Strength of the newest record at each receiver that heard it"),
                ("snr_db", "Signal-to-noise ratio of the newest record at each receiver"),
                ("margin_db", "What the link has to spare at its spreading factor"),
            )
        ]
        for id_, node in self._live.nodes.items():
            for link in links(node.last):
                values = (link.heard.rssi_dbm, link.heard.snr_db, link.margin_db)
                for family, amount in zip(radio, values, strict=True):
                    if amount is not None:
                        family.add_metric([str(id_), link.heard.receiver], amount)
        standing = GaugeMetricFamily("sensornett_concerns", "What needs attention", labels=["priority"])
        for priority in PRIORITIES:
            standing.add_metric([priority], sum(c.priority == priority for c in self._standing()))
        return [*found, newest, shelf, waiting, *radio, standing]
