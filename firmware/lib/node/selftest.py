"""What a node finds out about itself for a technician at the prompt; nothing is sent, no record is made."""

import os
import time

from node import settings
from node.hardware import Hardware
from node.sampling import Sampler

LISTEN_MS = 12000  # a meter pushes every ten seconds
BRIDGE_KHZ = 868100  # a bridge is told its channel later: any shows whether the radio lives
_POLL_MS = 200
_POWER_UP_MS = 20
_SCRATCH = "/selftest"


def _flash():
    content = bytes(range(256))
    with open(_SCRATCH, "wb") as f:
        f.write(content)
    with open(_SCRATCH, "rb") as f:
        same = f.read() == content
    os.remove(_SCRATCH)
    return same


def _radio(config):
    """(pins, settings) of the radio that these settings use, None where they use none."""
    if config.get("role") == "bridge":
        return config["sx1262"], {"freq_khz": BRIDGE_KHZ}
    carrier = config["carrier"]
    if carrier["kind"] != "lora":
        return None
    return carrier["sx1262"], {
        "freq_khz": carrier["channels_khz"][0],
        "sf": carrier["spreading_factor"],
        "bw": str(carrier["bandwidth_khz"]),
        "output_power": carrier["power_dbm"],
    }


def _probes(hardware, config):
    """Return the numbers of the probes on the node's 1-Wire bus; none where it has no such bus."""
    buses = [channel["bus"] for channel in config["channels"] if channel["driver"] == "ds18b20"]
    if not buses:
        return []
    power = config["sensor_power"]
    if power:
        hardware.output(power, True)
        time.sleep_ms(config["warmup_ms"] + _POWER_UP_MS)
    try:
        return ["".join(["%02x" % b for b in rom]) for rom in hardware.onewire(buses[0]).scan()]
    finally:
        if power:
            hardware.output(power, False)


def _channels(hardware, config, errors):
    sampler = Sampler(
        hardware,
        config["channels"],
        config["sensor_power"],
        config["warmup_ms"],
        lambda driver, error: errors.append([driver, repr(error)]),
    )
    if config["power"] == "mains":
        end = time.ticks_add(time.ticks_ms(), LISTEN_MS)
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            sampler.poll()
            time.sleep_ms(_POLL_MS)
    _, values, quality = sampler.sample(lambda: None)
    errors += [fault.split(": ", 1) for fault in sampler.faults()]
    names = [channel["name"] for channel in config["channels"]]
    return [list(one) for one in zip(names, values, quality)]


def run():
    """Return {"channels": [[name, value, quality], ...], "quantities": [id, ...], "probes": [number, ...],
    "flash": bool, "radio": bool or None, "errors": []}.

    `quantities` are those of the channels, `probes` the 1-Wire ones that answer. `radio` is None where the
    node does not use LoRa; a bridge has no channels. Raises OSError where there are no settings.
    """
    config = settings.load().values
    errors: "list" = []
    channels: "list" = []
    quantities: "list" = []
    probes: "list" = []
    if config.get("role") != "bridge":
        hardware = Hardware()
        channels = _channels(hardware, config, errors)
        quantities = [channel["quantity"] for channel in config["channels"]]
        try:
            probes = _probes(hardware, config)
        except OSError as error:  # nothing pulls the bus up
            errors.append(["1-Wire", repr(error)])
    radio, wanted = None, _radio(config)
    if wanted is not None:
        from node.radio import open_modem

        try:
            open_modem(*wanted).sleep()
            radio = True
        except (OSError, ValueError) as error:
            errors.append(["radio", repr(error)])
            radio = False
    try:
        flash = _flash()
    except OSError as error:
        errors.append(["flash", repr(error)])
        flash = False
    return {
        "channels": channels,
        "quantities": quantities,
        "probes": probes,
        "flash": flash,
        "radio": radio,
        "errors": errors,
    }
