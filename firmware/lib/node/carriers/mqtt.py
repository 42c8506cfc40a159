"""MQTT 3.1.1 (OASIS) over Wi-Fi: just what the node needs, with a time-out on every step.

With `tls` in the settings the broker has to show a certificate of the pinned CA, made out to `name`, whatever
address it is reached at. The MAC and the key of the frames are the node's own; TLS hides the credential.

QoS 0 and clean sessions: the acknowledgement that counts is the gateway's own, inside the sealed
frames, so the broker keeps nothing for a node. Topics: sn/<site>/<node>/up and .../down.
"""

import select
import socket
import time
from errno import EAGAIN

from node import wifi

FRAME_MAX = 1024  # bytes; bounds the heap, not the broker
_PACKET_MAX = 4096
_STEP_MS = 5000  # longest wait for the network in one step; the watchdog is far above

CONNACK, PUBLISH, SUBACK = 2, 3, 9


class Mqtt:
    """One conversation over one connection."""

    def __init__(self, config, site, node, notes=None):
        self._config = config
        self._notes = {} if notes is None else notes
        self._up = "sn/%s/%d/up" % (site, node)
        self._down = "sn/%s/%d/down" % (site, node)
        self._client_id = "n%d" % node
        self._socket = self._plain = socket.socket()
        self._poll = select.poll()
        self.frame_max = FRAME_MAX

    def open(self):
        """Connect and subscribe to the downlinks. Raises OSError."""
        c = self._config
        self._connect(c)
        user, password = c.get("user"), c.get("password")
        flags = 2 | (0x80 if user else 0) | (0x40 if password else 0)
        body = b"\x00\x04MQTT\x04" + bytes((flags, 0, 60)) + _text(self._client_id)
        for part in (user, password):
            if part:
                body += _text(part)
        self._send(0x10, body)
        _, answer = self._expect(CONNACK)
        if answer[1] != 0:
            raise OSError("the broker refused this node (MQTT return code %d)" % answer[1])
        self._send(0x82, b"\x00\x01" + _text(self._down) + b"\x00")
        _, answer = self._expect(SUBACK)
        if answer[2] == 0x80:
            raise OSError("the broker refused the subscription to " + self._down)

    def _connect(self, c):
        try:
            address = socket.getaddrinfo(c["host"], c["port"], 0, socket.SOCK_STREAM)[0][-1]
            self._socket.settimeout(_STEP_MS // 1000)
            self._socket.connect(address)
        except OSError:
            wifi.forget(self._notes)
            raise
        if c.get("tls"):
            self._socket = _secure(self._plain, c["tls"])
        self._poll.register(self._socket, select.POLLIN)

    def margin_db(self):
        return wifi.margin_db()

    def send(self, frame):
        """Hand one frame to the broker. Raises OSError."""
        self._send(0x30, _text(self._up) + frame)

    def receive(self, timeout_ms):
        """Return the next downlink frame, or None after `timeout_ms`. Raises OSError when cut off."""
        end = time.ticks_add(time.ticks_ms(), timeout_ms)
        while True:
            left = max(time.ticks_diff(end, time.ticks_ms()), 0)
            if not self._poll.poll(left):
                return None
            kind, body = self._packet()
            if kind is not None and kind >> 4 == PUBLISH:
                size = body[0] << 8 | body[1]
                at = 2 + size + (2 if kind & 6 else 0)
                return body[at:]

    def fetch(self, topic, timeout_ms):
        """Return what the broker keeps under `topic`, None where it keeps nothing. Raises OSError."""
        self._send(0x82, b"\x00\x02" + _text(topic) + b"\x00")
        end = time.ticks_add(time.ticks_ms(), timeout_ms)
        name = topic.encode()
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            if self._poll.poll(max(time.ticks_diff(end, time.ticks_ms()), 0)):
                kind, body = self._packet()
                if kind is not None and kind >> 4 == PUBLISH:
                    size = body[0] << 8 | body[1]
                    if body[2 : 2 + size] == name:
                        return body[2 + size + (2 if kind & 6 else 0) :]

    def publish(self, topic, content):
        """Have the broker keep `content` under `topic`. Raises OSError."""
        self._send(0x31, _text(topic) + content)

    def ping(self):
        """Tell the broker that this node is there. Raises OSError."""
        self._send(0xC0, b"")

    def close(self):
        try:
            self._send(0xE0, b"")
        except OSError:
            pass  # it is gone already: that is what was wanted
        self._socket.close()

    def _send(self, kind, body):
        out = bytearray((kind,))
        n = len(body)
        while n > 0x7F:
            out.append(n & 0x7F | 0x80)
            n >>= 7
        out.append(n)
        out += body
        sent = 0
        while sent < len(out):
            n = self._socket.write(out[sent:])
            if not n:
                raise OSError("the broker takes nothing more")
            sent += n

    def _expect(self, wanted):
        end = time.ticks_add(time.ticks_ms(), _STEP_MS)
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            if self._poll.poll(time.ticks_diff(end, time.ticks_ms())):
                kind, body = self._packet()
                if kind is not None and kind >> 4 == wanted:
                    return kind, body
        raise OSError("no answer from the broker")

    def _packet(self):
        # TLS has bytes of its own on the line: that there are some does not mean that a packet has begun.
        self._plain.settimeout(0)
        try:
            first = self._socket.read(1)
        except OSError as error:
            if error.args[0] != EAGAIN:
                raise
            first = None
        self._plain.settimeout(_STEP_MS // 1000)
        if first is None:
            return None, b""
        if not first:
            raise OSError("the broker closed the connection")
        kind = first[0]
        size = shift = 0
        while True:
            byte = self._exactly(1)[0]
            size |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 21:  # four bytes are the most there are
                break
        if size > _PACKET_MAX:
            raise OSError("a packet of %d bytes is more than this node takes" % size)
        return kind, self._exactly(size)

    def _exactly(self, n):
        got = b""
        while len(got) < n:
            more = self._socket.read(n - len(got))
            if not more:
                raise OSError("the broker closed the connection")
            got += more
        return got


def _secure(plain, config):
    """Return `plain` under TLS. Raises OSError, also for a certificate it refuses."""
    from binascii import a2b_base64

    import tls

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]
    try:
        context.load_verify_locations(a2b_base64(config["ca"]))
        return context.wrap_socket(plain, server_hostname=config["name"])
    except ValueError as error:
        raise OSError("TLS: " + str(error))


def _text(text):
    raw = text.encode()
    return bytes((len(raw) >> 8, len(raw) & 0xFF)) + raw
