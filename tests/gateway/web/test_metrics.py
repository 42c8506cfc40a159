"""/metrics, read as Prometheus reads it."""

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from gateway.model import Heard
from gateway.web.way import NodeCounts, Sync, Way
from tests.gateway.web.made import NOW_S, intake
from tests.gateway.web.test_pages import get, made


def read(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_what_prometheus_reads() -> None:
    by = (Heard("c1", -110, -9.0, 12), Heard("c2", -112, -14.0, 9))
    pages = made([replace(intake(660, 640, NOW_S - 90_000), receivers=by)])
    pages.way = Way(120, 100, 3, 7, Sync("ok", 90, 10, 2, oldest_s=180), 7200)
    pages.counts = {11: NodeCounts(120, 100, 3)}
    answer = await get(pages, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = read(answer.text)
    assert found["sensornett_records_stored_total",] == 100
    assert found["sensornett_records_lost_total",] == 3
    assert found["sensornett_frames_refused_total",] == 7
    assert found["sensornett_records_pending",] == 10
    assert found["sensornett_oldest_unsynced_seconds",] == 180
    assert found["sensornett_outage_left_seconds",] == 7200
    assert found["sensornett_node_newest_record_seconds", "11"] == NOW_S - 90_000
    assert found["sensornett_node_records_waiting", "11"] == 17
    assert found["sensornett_concerns", "fault"] == 1  # it is silent
    assert found["sensornett_link_rssi_dbm", "11", "c2"] == -112
    assert found["sensornett_link_snr_db", "11", "c1"] == -9
    assert found["sensornett_link_margin_db", "11", "c1"] == 11
    assert found["sensornett_link_margin_db", "11", "c2"] == -1.5
    assert ("sensornett_node_newest_record_seconds", "12") not in found
    assert ("sensornett_node_on_shelf_since_seconds", "11") not in found


async def test_a_node_on_the_shelf_is_told_apart_from_a_silent_one() -> None:
    pages = made([intake(660, 640, NOW_S - 90_000)])
    pages.live.shelve({11: NOW_S - 80_000}, NOW_S)
    pages.look()
    found = read((await get(pages, "/metrics")).text)
    assert found["sensornett_node_on_shelf_since_seconds", "11"] == NOW_S - 80_000
    assert found["sensornett_node_newest_record_seconds", "11"] == NOW_S - 90_000
    assert found["sensornett_concerns", "fault"] == 0
