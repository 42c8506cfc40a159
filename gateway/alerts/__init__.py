"""Alerts by ISA-18.2 / IEC 62682, on the gateway: they need no cloud and no internet.

`step` is the pure state machine of one watch (a rule on a node); `engine` runs all of a site's over the
records as they are committed; `journal` holds their state, the history and the outbox in one database.
"""
