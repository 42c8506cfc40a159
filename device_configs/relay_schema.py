"""What site.yaml may say of other sites whose nodes this gateway hears too."""

from typing import Annotated

from device_configs.entry import Entry, NodeId, Slug, matching

Broker = Annotated[
    str, matching(r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}:[0-9]{1,5}$", "host:port, with TLS mostly port 8883")
]


class Relay(Entry):
    """A home site: frames of its nodes that are heard here are handed to its gateway, as they are.

    Its CA's certificate and our password there are <site>.pem and <site>.password in the folder `relay` of
    the state directory; `sensornett gateway relay` over there gives the password.
    """

    site: Slug
    """Its id."""
    broker: Broker
    """Its broker, over TLS."""
    name: Slug
    """What this gateway is called there: its user at that broker is relay-<name>."""
    nodes: tuple[NodeId, ...] = ()
    """Which of its nodes; left out: every frame by radio that none of our nodes sent."""
