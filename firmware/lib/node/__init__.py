"""The node: what it does between two sleeps."""

import sys

RESTART_MS = 1000  # the sleep of a node that is only to start anew


def log(*words):
    print(*words)


def forget(names):
    """Let the heap have these modules back, where they were loaded; what is in use of them stays."""
    for name in names:
        if name in sys.modules:
            del sys.modules[name]
            package, _, own = name.rpartition(".")
            if hasattr(sys.modules[package], own):
                delattr(sys.modules[package], own)
