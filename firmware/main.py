# The watchdog first, and sleep whatever happens: a node that waits in an error message empties its battery on
# a mountain. `None` is the one way to the prompt, and it closes again by itself.
import machine

RETRY_MS = 600000  # after a start that failed before the node knew its interval

watchdog = machine.WDT(timeout=60000)  # above the longest step of a wake, see node/battery.py
try:
    import slots

    slots.choose()
    from node.app import main

    sleep_ms = main(watchdog)
except KeyboardInterrupt:  # Ctrl-C: somebody is at the serial port
    sleep_ms = None
except BaseException as error:
    import sys

    sys.print_exception(error)
    sleep_ms = RETRY_MS
if sleep_ms is None:
    from node.console import stay

    stay(watchdog)
else:
    machine.deepsleep(sleep_ms)
