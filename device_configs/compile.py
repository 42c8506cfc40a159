"""Turns a checked site into what the gateway and each node need.

A node gets one JSON file, its *settings*: `settings_bytes` is the file, `config_hash` what the node reports
of it in its STATUS. The node's key is not in it: provisioning hands that over by itself.

    {"node": 11, "site": "narvik-demo", "profile": "intake", "schema": 1, "power": "battery",
     "interval_s": 600, "event_interval_s": 60,
     "backlog_segments": 132, "segment_bytes": 1000,         # segment files the ring may take, and their size
     "batch_s": 60,                                           # mains nodes only
     "archive": {"channels": [2, 3, 12, 13], "segments": 42},   # nodes with a meter: where its registers are
     "battery": {"stop_mv": 2900, "low_mv": 3100, "recover_mv": 3300},               # battery nodes only
     "sensor_power": {"pin": 25, "on_level": 1}, "warmup_ms": 2000,     # null and 0: always on
     "led": {"pin": 2, "on_level": 1}, "button": 0,
     "channels": [{"name": "up", "quantity": 1, "driver": "ads1115", "output": "loop",
                   "bus": {"i2c": 0, "scl": 22, "sda": 21},
                   "address": 72, "input": 0, "shunt_ohm": 100,         # the sensor's parameters
                   "frozen_s": 86400, "plausible": [-100, 3000],         # where there are such limits
                   "calibration": [4000, -200, 20000, 2800]}],          # raw0, value0, raw1, value1, or null
     "events": [{"channel": 0, "calibrated": true, "above": 960, "below": null, "rise_per_h": null,
                 "deadband": 60}],
     "carrier": {"kind": "mqtt", "ssid": "...", "wifi_password": "...", "ip": null,
                 "host": "...", "port": 1883, "user": "n11", "password": "...",
                 "tls": {"ca": "<DER in base64>", "name": "gateway"}},              # null: no TLS
     "fallback": {"kind": "lora", ...},                       # nodes with a second carrier
     "hotspot": {"ssid": "...", "wifi_password": "...", "port": 1885}}   # LoRa nodes whose site has one

Channels stand in the order of the wire. `bus` is, by the sensor's bus, {"i2c", "scl", "sda"}, {"pin"}
(1-Wire and pulses), {"uart", "rx", "tx", "inverted"} or {"pin", "divider_permille", "enable_pin",
"enable_level"} (battery). Channels of equal driver and bus share one sensor object. The calibration is a copy
for the node's own limits only: what is sent is raw.
"""

import hashlib
import json
from typing import Any

from device_configs.board import Board
from device_configs.model import Node, Site
from device_configs.schema import Bus, Channel, Profile
from wire.quantities import BY_NAME

Settings = dict[str, Any]

BACKLOG_DAYS = {"battery": 30, "mains": 3}
BACKLOG_INTERVAL_S = {"battery": 600, "mains": 10}  # at which the ring holds that many days
# A segment takes one block of 4 KB. Records that come singly cost less flash in small files: littlefs copies
# the block at each append. Mains nodes write batches, and fill the block.
SEGMENT_BYTES = {"battery": 1000, "mains": 4000}
HEAD_BYTES = 16  # of a segment
ENTRY_BYTES = 3 + 6  # of a record, beside its values
# A segment takes one 4 KiB block, of the ring as of the archive. The file system has 2 MiB on a 4 MiB chip,
# 6 MiB on 8 and 14 MiB on 16, a few blocks less on a real one. It has to hold three programs, installed,
# running and coming, the bundle the last one comes in, and settings, identity and folders. What is left is
# for segments; beyond 1200, listing the folder gets slow.
FILE_SYSTEM_BLOCKS = {4: 509, 8: 1533, 16: 3581}
PROGRAM_BLOCKS, BUNDLE_BLOCKS, OTHER_BLOCKS = 80, 31, 48
SEGMENTS_MAX = {
    flash_mb: min(blocks - 3 * PROGRAM_BLOCKS - BUNDLE_BLOCKS - OTHER_BLOCKS, 1200)
    for flash_mb, blocks in FILE_SYSTEM_BLOCKS.items()
}

# The archive of a meter's registers, see firmware/lib/node/archive.py: an entry an hour for a year.
REGISTERS = {"energy_wh", "reactive_energy_varh"}
ARCHIVE_DAYS = 366
# Size, flags, 3600 s in two bytes, CRC; and a register that counts up to 1 MWh (or Mvarh) an hour.
ARCHIVE_ENTRY_BYTES, ARCHIVE_REGISTER_BYTES = 1 + 1 + 2 + 2, 3
ARCHIVE_HEAD_BYTES = 64  # of a segment with its first entry, which has time, mark and values in full


def schemas(site: Site) -> dict[int, tuple[int, ...]]:
    """Return the quantity ids of each schema id: of every profile, since a node's old records keep theirs."""
    return {profile.schema_id: profile.quantities for profile in site.catalog.profiles.values()}


def node_settings(
    site: Site,
    node: Node,
    *,
    host: str | None = None,
    port: int = 1883,
    password: str | None = None,
    ssid: str | None = None,
    wifi_password: str | None = None,
    ip: tuple[str, str, str, str] | None = None,
    tls: dict[str, str] | None = None,
    hotspot: Settings | None = None,
    interval_s: int | None = None,
    batch_s: int | None = None,
) -> Settings:
    """Return the settings of one node, in the shape shown above.

    `host`, `port` and `password` are the broker's, `ip` is a fixed (address, netmask, gateway, DNS server),
    `tls` the CA whose certificates are believed and the name the broker's has to be made out to. `hotspot` is
    the technician's, where battery nodes by LoRa take new programs.
    `interval_s` and `batch_s` replace what the site says: for demos and tests, so their limits do not count.
    Raises ValueError when an MQTT node is given no `host`.
    """
    profile, board = node.profile, site.catalog.boards[node.board]
    interval = interval_s or node.interval_s
    settings: Settings = {
        "node": node.id,
        "site": site.id,
        "profile": profile.name,
        "schema": profile.schema_id,
        "power": profile.power,
        "interval_s": interval,
        "event_interval_s": node.event_interval_s,
        "backlog_segments": min(_segments_left(profile, board), segments_for(node, interval)),
        "segment_bytes": SEGMENT_BYTES[profile.power],
        "sensor_power": board.sensor_power.model_dump() if board.sensor_power else None,
        "warmup_ms": _warmup_ms(site, node),
        "led": board.led.model_dump() if board.led else None,
        "button": board.button.pin if board.button else None,
        "channels": [_channel(site, node, board, channel) for channel in profile.channels],
        "events": _events(site, node),
    }
    if profile.battery:
        settings["battery"] = profile.battery.model_dump()
    if profile.batch_s:
        settings["batch_s"] = batch_s or profile.batch_s
        if registers := _registers(profile):
            settings["archive"] = {"channels": registers, "segments": archive_segments(len(registers))}
    if "mqtt" in node.carriers and host is None:
        raise ValueError(f"node {node.id} reports over MQTT: its settings need the broker's host")
    ways: dict[str, Settings] = {
        "mqtt": {
            "kind": "mqtt",
            "ssid": ssid,
            "wifi_password": wifi_password,
            "ip": list(ip) if ip else None,
            "host": host,
            "port": port,
            "user": f"n{node.id}",
            "password": password,
            "tls": tls,
        }
    }
    if "lora" in node.carriers:
        assert site.lora is not None  # the loader has refused such a site
        assert board.sx1262 is not None
        radio = {**site.lora.node_settings(), "sx1262": board.sx1262.model_dump()}
        ways["lora"] = {"kind": "lora", **radio}
    settings["carrier"] = ways[node.carrier]
    if node.fallback:
        settings["fallback"] = ways[node.fallback]
    if hotspot and node.carrier == "lora" and profile.power == "battery":
        settings["hotspot"] = hotspot
    return settings


def bridge_settings(board: Board) -> Settings:
    """Return the settings of a board that is to be a gateway's USB LoRa bridge.

    What to listen to it is told by the gateway. Raises ValueError where the board has no radio.
    """
    if board.sx1262 is None:
        raise ValueError(f"board {board.name} has no LoRa radio: it can be no bridge")
    return {"role": "bridge", "sx1262": board.sx1262.model_dump()}


def settings_bytes(settings: Settings) -> bytes:
    """Return the settings as the file a node gets: compact JSON, the same bytes for the same settings."""
    return json.dumps(settings, separators=(",", ":"), sort_keys=True).encode()


def config_hash(settings: Settings) -> bytes:
    """Return the 4 bytes by which a node tells in its STATUS which settings it has."""
    return hashlib.sha256(settings_bytes(settings)).digest()[:4]


def segments_for(node: Node, interval_s: int) -> int:
    """Return how many segments of the node's ring hold the days it has to, if all values are present.

    A longer interval than the one the days are promised for keeps the ring's size: it holds more days.
    """
    power = node.profile.power
    widths = [BY_NAME[channel.quantity].width + 1 for channel in node.profile.channels]
    record = ENTRY_BYTES + -(-len(widths) // 2) + sum(-(-width // 7) for width in widths)
    records = BACKLOG_DAYS[power] * 86_400 // min(interval_s, BACKLOG_INTERVAL_S[power])
    per_segment = (SEGMENT_BYTES[power] - HEAD_BYTES) // record
    # One more, since the oldest segment is dropped whole when a new one begins.
    return -(-records // per_segment) + 1


def archive_segments(registers: int) -> int:
    """Return how many segments hold a year of so many registers, and one more, which is dropped whole."""
    entry = ARCHIVE_ENTRY_BYTES + registers * ARCHIVE_REGISTER_BYTES
    return -(-ARCHIVE_DAYS * 24 // ((4000 - ARCHIVE_HEAD_BYTES) // entry)) + 1


def _registers(profile: Profile) -> list[int]:
    """Positions of the registers among the channels of a profile."""
    return [i for i, channel in enumerate(profile.channels) if channel.quantity in REGISTERS]


def _segments_left(profile: Profile, board: Board) -> int:
    registers = len(_registers(profile)) if profile.batch_s else 0
    return SEGMENTS_MAX[board.flash_mb] - (archive_segments(registers) if registers else 0)


def _warmup_ms(site: Site, node: Node) -> int:
    sensors = [site.catalog.sensors[name] for name in node.profile.sensors.values()]
    return max((sensor.warmup_ms for sensor in sensors if sensor.switched), default=0)


def _channel(site: Site, node: Node, board: Board, channel: Channel) -> Settings:
    sensor = site.catalog.sensors[node.profile.sensors[channel.sensor]]
    output = site.catalog.output(node.profile, channel)
    assert output is not None  # load_catalog has refused such a profile
    mine = [c for c in node.calibration if c.channel == channel.name]
    newest = max(mine, key=lambda c: c.revision, default=None)
    limits: Settings = {}
    if output.frozen_h:
        limits["frozen_s"] = output.frozen_h * 3600
    if channel.plausible:
        limits["plausible"] = list(channel.plausible)
    return {
        "name": channel.name,
        "quantity": BY_NAME[channel.quantity].id,
        "driver": sensor.name,
        "output": output.name,
        "bus": _bus(board, sensor.bus),
        **node.sensors[channel.sensor],
        **limits,
        "calibration": newest and [newest.raw0, newest.value0, newest.raw1, newest.value1],
    }


def _bus(board: Board, bus: Bus) -> Settings:
    if bus == "i2c" and board.i2c:
        return {"i2c": board.i2c.bus, "scl": board.i2c.scl, "sda": board.i2c.sda}
    if bus == "onewire" and board.onewire:
        return {"pin": board.onewire.pin}
    if bus == "uart" and board.uart:
        uart = {"uart": board.uart.bus, "rx": board.uart.rx, "inverted": board.uart.rx_inverted}
        return uart if board.uart.tx is None else uart | {"tx": board.uart.tx}
    if bus == "pulse" and board.pulse:
        return {"pin": board.pulse.pin}
    if bus == "adc" and board.battery:
        return board.battery.model_dump()
    raise ValueError(f"board {board.name} has no {bus}")  # the loader has refused such a node


def _events(site: Site, node: Node) -> list[Settings]:
    """Return the limits the node watches itself."""
    events = []
    for rule in site.rules:
        if not rule.at_node or (node.id not in rule.nodes and rule.profile != node.profile.name):
            continue
        for i, channel in enumerate(node.profile.channels):
            calibrated = channel.derived is not None and channel.derived.name == rule.key
            if calibrated or channel.key == rule.key:
                limits = {
                    "above": rule.above,
                    "below": rule.below,
                    "rise_per_h": rule.rise_per_h,
                    "deadband": rule.deadband,
                }
                events.append({"channel": i, "calibrated": calibrated, **limits})
    return events
