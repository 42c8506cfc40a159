"""Writes frames.json. Run it only for a new vector: what is there stays as it is for ever."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from wire import control
from wire.frame import ACK_REQUESTED, CONTROL, DATA, JOIN, WELCOME, pack_header
from wire.records import Record, encode
from wire.seal import downlink_cipher, life_key, uplink_cipher

if TYPE_CHECKING:
    from wire.control import Item

KEY = bytes(range(16))
GATEWAY = bytes.fromhex("4e415256")
STORE = bytes.fromhex("0123456789abcdef")
INTAKE = (1, 1, 3, 3, 4)
GAUGE = (2, 3, 3, 4, 5, 5)

# Two hours of the recording tests/data/stream_trout_creek_5min.csv (CC BY 4.0), 2022-05-30 05:39:58 on.
GAUGE_ROWS = (
    (3700, 2054, 2100, 4070, 4740, -3432),
    (3700, 2068, 2100, 4080, 4792, -3426),
    (3750, 2083, 2125, 4050, 4769, -3443),
    (3680, 2113, 2150, 4080, 4758, -3422),
    (3710, 2146, 2175, 4080, 4753, -3460),
    (3700, 2177, 2200, 4080, 4732, -3444),
    (3700, 2186, 2225, 4090, 4762, -3427),
    (3690, 2196, 2225, 4080, 4789, -3388),
    (3720, 2196, 2225, 4080, 4779, -3393),
    (3690, 2197, 2225, 4090, 4758, -3432),
    (3690, 2191, 2225, 4090, 4700, -3444),
    (3740, 2195, 2225, 4080, 4762, -3382),
    (3700, 2208, 2225, 4090, 4791, -3432),
    (3710, 2222, 2250, 3990, 4789, -3459),
    (3670, 2240, 2275, 4080, 4758, -3403),
    (3680, 2242, 2250, 3980, 4770, -3420),
    (3700, 2237, 2275, 3980, 4668, -3420),
    (3700, 2235, 2275, 4080, 4733, -3427),
    (3700, 2224, 2250, 4090, 4761, -3448),
    (3690, 2209, 2225, 4080, 4675, -3431),
    (3660, 2211, 2250, 4090, 4737, -3448),
    (3690, 2219, 2250, 4090, 4673, -3426),
    (3690, 2217, 2250, 4090, 4737, -3431),
    (3710, 2201, 2225, 4090, 4761, -3444),
)


def vector(
    name: str,
    *,
    frame_type: int,
    flags: int = 0,
    counter: int,
    plain: bytes,
    node: int = 11,
    down: bool = False,
    clear: bytes = b"",
    **more: object,
) -> dict[str, object]:
    key = life_key(KEY, int.from_bytes(clear, "big")) if frame_type == JOIN else KEY
    cipher = downlink_cipher(KEY, GATEWAY, STORE) if down else uplink_cipher(key)
    frame = cipher.seal(pack_header(frame_type, flags, node, counter) + clear, plain)
    ids = {"gateway_id": GATEWAY.hex(), "store_id": STORE.hex()} if down else {}
    return {
        "name": name,
        "direction": "down" if down else "up",
        "node_key": KEY.hex(),
        **ids,
        "type": frame_type,
        "flags": flags,
        "node": node,
        "counter": counter,
        "clear": clear.hex(),
        "plain": plain.hex(),
        "frame": frame.hex(),
        **more,
    }


def data(
    name: str,
    records: list[Record],
    *,
    counter: int,
    schema: int = 1,
    quantities: tuple[int, ...] = INTAKE,
    clock: int | None = None,
    ack: bool = False,
) -> dict[str, object]:
    epoch = 0x2A
    flags, body = encode(schema, quantities, epoch, clock, records)
    return vector(
        name,
        frame_type=DATA,
        flags=flags | (ACK_REQUESTED if ack else 0),
        counter=counter,
        plain=body,
        schema=schema,
        quantities=quantities,
        epoch=epoch,
        clock=clock,
        records=records,
    )


def main() -> None:
    ok = (0, 0, 0, 0, 0)
    one = Record(70000, 1767225600, (9123, 8745, 312, -1450, 3587), ok)
    bad = Record(5, 1767225600, (None, 20480, 312, None, 3587), (2, 4, 0, 1, 0))
    rows = [(9123 + 7 * i, 8745 - i, 312, 10 * i - 1450, 3587) for i in range(6)]
    many = [Record(70000 + i, 1767225600 + 600 * i + (i == 3), row, ok) for i, row in enumerate(rows)]
    gauge = [Record(70000 + i, 1653889198 + 300 * i, row, (0,) * 6) for i, row in enumerate(GAUGE_ROWS)]
    status: dict[int, Item] = {
        control.EPOCH: 0x1234562A,
        control.CLOCK: [3, 86_400_000, None],  # a third element, as a later version may add: readers skip it
        control.BOOT: [4, 1],
        control.FIRMWARE: "0.1.0",
        control.CONFIG: b"\x01\x02\x03\x04",
        control.BATTERY: 3587,
        control.NEXT: 70006,
        control.OLDEST: 60000,
        control.PROFILE: 1,
        control.LOST: [[100, 199]],
    }
    ack: dict[int, Item] = {
        control.ACK: [0x2A, 70001, [70003, 70005]],
        control.TIME: [7, 1767225601250],
    }
    welcome: dict[int, Item] = {control.TIME: [7, 1767225601250], control.ASK: control.ASK_STATUS}
    vectors = [
        data("one report", [one], counter=1, ack=True),
        data("faulty sensor, level at its limit, a channel missing", [bad], counter=0xFFFFFF),
        data("six reports, one a second late", many, counter=258),
        data("six reports on the node's own clock", many, counter=259, clock=3),
        vector("status", frame_type=CONTROL, counter=7, plain=control.encode(status)),
        vector(
            "ack with ranges and time",
            frame_type=CONTROL,
            counter=9,
            down=True,
            plain=control.encode(ack),
        ),
        vector(
            "welcome",
            frame_type=WELCOME,
            counter=1,
            down=True,
            clear=GATEWAY + STORE,
            plain=control.encode(welcome),
        ),
        vector(
            "join in the seventh life",
            frame_type=JOIN,
            flags=ACK_REQUESTED,
            counter=0,
            clear=bytes((0, 7)),
            plain=control.encode(status),
        ),
        data("twenty-four reports of six channels", gauge, counter=260, schema=2, quantities=GAUGE, ack=True),
    ]
    lines = ",\n".join(json.dumps(v) for v in vectors)
    Path(__file__).with_name("frames.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
