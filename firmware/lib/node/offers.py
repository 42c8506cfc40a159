"""Updates over MQTT: the broker keeps an offer for each node and the pieces of a bundle; the node fetches.

sn/<site>/<node>/offer holds the signed manifest, sn/<site>/fw/<digest>/<n> piece n, sn/<site>/<node>/said
what the node made of it. All are retained, so that nobody has to be there when the node asks. Nothing of this
needs sealing: what counts is the signature.
"""

import gc
import json
import time

import machine

import slots
from node import bundle, power, update, version
from node.app import log

TRUST = "/trust.json"  # left by provisioning
OFFER_MS = 1500  # without an offer the broker sends nothing
PIECE_MS = 5000
SESSION_MS = 90000  # a slow line goes on next time


def look(node, carrier):
    """Take up what is offered; does not return where a new program is to start. Raises OSError."""
    try:
        with open(TRUST) as f:
            trust = json.load(f)
    except (OSError, ValueError):
        return  # nobody may update this node over the air
    if slots.trial or node.state.level != power.NORMAL:
        return
    site, me = node.config["site"], node.config["node"]
    raw = carrier.fetch("sn/%s/%d/offer" % (site, me), OFFER_MS)
    if not raw:
        return
    said = None
    try:
        manifest = update.read(raw, trust)
        del trust["keys"], raw  # there will be little heap left as it is
        found = slots.load()
        number = max(found.number, version.NUMBER)
        if manifest["number"] == number:
            said = "runs %s (%d)" % (version.FIRMWARE, number)
            return
        now_ms = node.clock.utc_ms()
        update.check(manifest, trust, number, found.bad, None if now_ms is None else now_ms // 1000)
        bundle.tidy(manifest)
        taker = _taker(manifest)
        if not _receive(node, carrier, manifest, taker, "sn/%s/fw/%s/" % (site, manifest["sha256"][:8])):
            said = "%d: %d of %d pieces" % (
                manifest["number"],
                taker.held(manifest),
                bundle.pieces(manifest),
            )
            return
        taker.compare(manifest, node.watchdog.feed)
        taker.launch(manifest, node.watchdog.feed)
        said = "%d: on trial" % manifest["number"]
    except update.Refused as refused:
        said = "refused: " + str(refused)
        return
    except MemoryError:
        said = "no heap left for it now"
        return
    except (KeyError, TypeError):
        said = "refused: the manifest lacks what it has to say"
        return
    finally:
        if said:
            log("update", said)
            carrier.publish("sn/%s/%d/said" % (site, me), said.encode())
    carrier.close()
    node.remember()
    machine.reset()


def _taker(manifest):
    """Return the module that takes what is offered. Raises Refused where this board can not."""
    if not manifest.get("full"):
        return bundle
    from node import image

    image.spare(manifest)
    return image


def _receive(node, carrier, manifest, taker, topic):
    """Fetch what is missing; returns whether all is there."""
    end = time.ticks_add(time.ticks_ms(), SESSION_MS)

    def piece(n):
        gc.collect()
        return carrier.fetch(topic + str(n), PIECE_MS)

    while taker.held(manifest) < bundle.pieces(manifest):
        if not taker.receive(manifest, piece) or time.ticks_diff(end, time.ticks_ms()) <= 0:
            return False
        node.watchdog.feed()
    return True
