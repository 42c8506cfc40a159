"""Writes frames.json. Run it only for a new vector: what is there stays as it is for ever."""

import json
from pathlib import Path

from wire import control
from wire.frame import ACK_REQUESTED, CONTROL, DATA, WELCOME, pack_header
from wire.records import Record, encode
from wire.seal import downlink_cipher, uplink_cipher

KEY = bytes(range(16))
GATEWAY = bytes.fromhex("4e415256")
STORE = bytes.fromhex("0123456789abcdef")
INTAKE = (1, 1, 3, 3, 4)


def vector(name, *, type, flags, counter, plain, node=11, down=False, clear=b"", **more):
    cipher = downlink_cipher(KEY, GATEWAY, STORE) if down else uplink_cipher(KEY)
    frame = cipher.seal(pack_header(type, flags, node, counter) + clear, plain)
    ids = {"gateway_id": GATEWAY.hex(), "store_id": STORE.hex()} if down else {}
    return {
        "name": name,
        "direction": "down" if down else "up",
        "node_key": KEY.hex(),
        **ids,
        "type": type,
        "flags": flags,
        "node": node,
        "counter": counter,
        "clear": clear.hex(),
        "plain": plain.hex(),
        "frame": frame.hex(),
        **more,
    }


def data(name, records, *, counter, clock=None, epoch=0x2A, ack=False):
    flags, body = encode(1, INTAKE, epoch, clock, records)
    return vector(
        name,
        type=DATA,
        flags=flags | (ACK_REQUESTED if ack else 0),
        counter=counter,
        plain=body,
        schema=1,
        quantities=INTAKE,
        epoch=epoch,
        clock=clock,
        records=records,
    )


def main() -> None:
    ok = (0, 0, 0, 0, 0)
    one = Record(70000, 1767225600, (9123, 8745, 312, -1450, 3587), ok)
    bad = Record(5, 1767225600, (None, 20480, 312, None, 3587), (2, 4, 0, 1, 0))
    many = [
        Record(
            70000 + i,
            1767225600 + 600 * i + (i == 3),
            (9123 + 7 * i, 8745 - i, 312, -1450 + 10 * i, 3587),
            ok,
        )
        for i in range(6)
    ]
    vectors = [
        data("one report", [one], counter=1, ack=True),
        data("faulty sensor, level at its limit, a channel missing", [bad], counter=0xFFFFFF),
        data("six reports, one a second late", many, counter=258),
        data("six reports on the node's own clock", many, counter=259, clock=3),
        vector(
            "status",
            type=CONTROL,
            flags=0,
            counter=7,
            plain=control.encode(
                {
                    control.EPOCH: 0x1234562A,
                    control.CLOCK: [3, 86_400_000, None],
                    control.BOOT: [4, 1],
                    control.FIRMWARE: "0.1.0",
                    control.CONFIG: b"\x01\x02\x03\x04",
                    control.BATTERY: 3587,
                    control.NEXT: 70006,
                    control.OLDEST: 60000,
                    control.PROFILE: 1,
                    control.LOST: [[100, 199]],
                }
            ),
        ),
        vector(
            "ack with ranges and time",
            type=CONTROL,
            flags=0,
            counter=9,
            down=True,
            plain=control.encode(
                {control.ACK: [0x2A, 70001, [70003, 70005]], control.TIME: [7, 1767225601250]}
            ),
        ),
        vector(
            "welcome",
            type=WELCOME,
            flags=0,
            counter=1,
            down=True,
            clear=GATEWAY + STORE,
            plain=control.encode({control.TIME: [7, 1767225601250], control.ASK: control.ASK_STATUS}),
        ),
    ]
    lines = ",\n".join(json.dumps(v) for v in vectors)
    Path(__file__).with_name("frames.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
