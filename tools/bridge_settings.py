"""The settings that make a board a gateway's USB LoRa bridge.

    python -m tools.bridge_settings heltec-v3 > settings.json

What the bridge listens to it is told by the gateway.
"""

import sys
from collections.abc import Sequence

from device_configs.catalog import builtin_catalog
from device_configs.compile import bridge_settings, settings_bytes

FAILED, USAGE = 1, 2


def main(arguments: Sequence[str]) -> int:
    boards = builtin_catalog().boards
    able = ", ".join(name for name, board in sorted(boards.items()) if board.sx1262)
    if len(arguments) != 1:
        print(f"usage: python -m tools.bridge_settings BOARD, one of {able}", file=sys.stderr)
        return USAGE
    (name,) = arguments
    if name not in boards or boards[name].sx1262 is None:
        print(f"`{name}` is no board with a LoRa radio; these are: {able}", file=sys.stderr)
        return FAILED
    print(settings_bytes(bridge_settings(boards[name])).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
