# The watchdog first, and sleep whatever happens: a node that waits in an error message empties its battery on
# a mountain. `None` is the one way to the prompt, and it closes again by itself.
import machine

WATCHDOG_MS = 60000  # above the longest step of a wake, see node/battery.py
RETRY_MS = 600000  # after a start that failed before the node knew its interval

chosen = False
try:
    watchdog = machine.WDT(timeout=WATCHDOG_MS)
    import slots

    slots.choose()
    chosen = True
    from node.app import main

    sleep_ms = main(watchdog)
except KeyboardInterrupt:  # Ctrl-C: somebody is at the serial port
    sleep_ms = None
except BaseException as error:
    import sys

    sys.print_exception(error)
    sleep_ms = RETRY_MS
    if not chosen and machine.reset_cause() == machine.DEEPSLEEP_RESET:
        machine.reset()  # a full image that can not even choose: only a reset has the bootloader go back
if sleep_ms is not None:
    machine.deepsleep(sleep_ms)
while True:
    try:
        from node.console import stay

        stay(machine.WDT(timeout=WATCHDOG_MS))
        break
    except KeyboardInterrupt:  # a laptop repeats it until it sees the prompt, which must not stay unfed
        pass
