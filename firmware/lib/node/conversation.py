"""One conversation with the gateway over an open carrier, as a generator without a clock of its own.

It yields how many milliseconds it is willing to wait for a downlink and is sent that frame, or None when
the time is over. A battery node blocks on the carrier in between, a mains node does other things.
"""

STATUS_EVERY_S = 86400
SYNC_EVERY_S = 3600  # an RC clock drifts many seconds in an hour
ANSWER_MS = 2000  # the gateway answers after its commit, a matter of milliseconds
BURST = 8  # data frames sent before the answers are awaited
ROUNDS = 200  # bounds one conversation: 200 x 8 frames of at least one record


def due(state, clock):
    """Whether the node should introduce itself: never did, a day has passed, or its time is getting old."""
    now_s = clock.now_ms() // 1000
    age_s = clock.age_s()
    return (
        not state.status_s
        or now_s - state.status_s >= STATUS_EVERY_S
        or age_s is None
        or age_s >= SYNC_EVERY_S
    )


def converse(uplink, state, clock, carrier, status):
    """Introduce the node where it is due, then send what the gateway lacks, newest first.

    `status()` makes a STATUS frame. Ends with True when nothing is left unacknowledged, else False: the
    answer stayed away, and the next conversation goes on from there. Raises OSError from the carrier.
    """
    uplink.begin()
    if due(state, clock) or not uplink.introduced() or uplink.receiving():
        uplink.wants_status = True
    for _ in range(ROUNDS):
        if uplink.wants_status:
            carrier.send(status())
            done = uplink.introduced
        elif uplink.unsent():
            for _ in range(BURST):
                frame = uplink.next_data(carrier.frame_max)
                if frame is None:
                    break
                carrier.send(frame)
            done = uplink.settled
        else:
            break
        asked_status = uplink.wants_status
        while not done():
            frame = yield ANSWER_MS
            if frame is None:
                return False
            uplink.take(frame)
        if asked_status and not uplink.wants_status:
            state.status_s = max(clock.now_ms() // 1000, 1)
        if uplink.more:  # of new settings: the next STATUS says how much is here
            uplink.more = False
            uplink.wants_status = True
    return not uplink.unacknowledged()
