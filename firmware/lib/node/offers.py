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
from node import bundle, log, power, update, version

TRUST = "/trust.json"  # left by provisioning
OFFER_MS = 1500  # without an offer the broker sends nothing
PIECE_MS = 5000
SESSION_MS = 90000  # a slow line goes on next time


def look(node, carrier):
    """Take up what is offered; does not return where a new program is to start. Raises OSError."""
    if take(node, carrier)[1]:
        carrier.close()
        node.done()  # a start that ends like this has not failed
        node.remember()
        machine.reset()


def take(node, carrier, session_ms=SESSION_MS, told=None):
    """Take up what is offered. Returns (what the node says of it, whether a new program is to start).

    The first is None where nothing is offered, or the node takes no offers now. `told(text)` is called now
    and then with what the node says meanwhile. Raises OSError.
    """
    try:
        with open(TRUST) as f:
            trust = json.load(f)
    except (OSError, ValueError):
        return None, False  # nobody may update this node over the air
    if slots.trial or node.state.level != power.NORMAL:
        return None, False
    topic = "sn/%s/%d/" % (node.config["site"], node.config["node"])
    raw = carrier.fetch(topic + "offer", OFFER_MS)
    if not raw:
        return None, False
    launched = False
    try:
        manifest = update.read(raw, trust)
        del trust["keys"], raw  # there will be little heap left as it is
        said, launched = _take(node, carrier, manifest, trust, session_ms, told)
    except update.Refused as refused:
        said = "refused: " + str(refused)
    except MemoryError:
        said = "no heap left for it now"
    except (KeyError, TypeError):
        said = "refused: the manifest lacks what it has to say"
    log("update", said)
    carrier.publish(topic + "said", said.encode())
    return said, launched


def _take(node, carrier, manifest, trust, session_ms, told):
    found = slots.load()
    number = max(found.number, version.NUMBER)
    if manifest["number"] == number:
        return "runs %s (%d)" % (version.FIRMWARE, number), False
    now_ms = node.clock.utc_ms()
    update.check(manifest, trust, number, found.bad, None if now_ms is None else now_ms // 1000)
    bundle.tidy(manifest)
    taker = _taker(manifest)
    topic = "sn/%s/fw/%s/" % (node.config["site"], manifest["sha256"][:8])
    if not _receive(node, carrier, manifest, taker, topic, session_ms, told):
        return _progress(manifest, taker), False
    taker.compare(manifest, node.watchdog.feed)
    taker.launch(manifest, node.watchdog.feed)
    return "%d: on trial" % manifest["number"], True


def _progress(manifest, taker):
    return "%d: %d of %d pieces" % (manifest["number"], taker.held(manifest), bundle.pieces(manifest))


def _taker(manifest):
    """Return the module that takes what is offered. Raises Refused where this board can not."""
    if not manifest.get("full"):
        return bundle
    from node import image

    image.spare(manifest)
    return image


def _receive(node, carrier, manifest, taker, topic, session_ms, told):
    """Fetch what is missing; returns whether all is there."""
    end = time.ticks_add(time.ticks_ms(), session_ms)

    def piece(n):
        gc.collect()
        return carrier.fetch(topic + str(n), PIECE_MS)

    while taker.held(manifest) < bundle.pieces(manifest):
        if told:
            told(_progress(manifest, taker))
        if not taker.receive(manifest, piece) or time.ticks_diff(end, time.ticks_ms()) <= 0:
            return False
        node.watchdog.feed()
    return True
