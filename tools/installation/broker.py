"""Mosquitto as the gateway's broker: TLS, a user and an access list for each node, limits on everything."""

from tools.installation.authority import make_authority, make_server
from tools.installation.choices import Choices
from tools.installation.places import SETTINGS, Places
from tools.node.credentials import Credentials

ACCESS = SETTINGS / "access"  # where the broker's unit shows it the folder `broker` of the data
STATE = "/var/lib/sensornett-broker"
PACKET_MAX = 8192  # bytes; the largest frame has 4096


def configuration(choices: Choices) -> str:
    """Return mosquitto.conf."""
    folder = SETTINGS / "broker"
    return f"""\
# Written by the installation; changes are lost at the next upgrade.
listener {choices.broker.port}
certfile {folder}/server.pem
keyfile {folder}/server.key
tls_version tlsv1.2
allow_anonymous false
password_file {ACCESS}/passwords
acl_file {ACCESS}/access
# A client is known by its user alone: none can take another's place by calling itself the same.
use_username_as_clientid true
# Of the frames it keeps nothing: one counts when the gateway has acknowledged it. What is retained are offers
# of updates and their pieces, which wait for nodes that sleep; they outlive a restart.
persistence true
persistence_location {STATE}/
autosave_interval 300
persistent_client_expiration 1h
max_connections 2000
max_packet_size {PACKET_MAX}
max_inflight_messages 20
max_queued_messages 1000
max_queued_bytes 1048576
memory_limit 134217728
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
log_timestamp false
"""


def prepare(places: Places, choices: Choices, site: str) -> None:
    """Write everything the broker and its clients need; what is secret and there already stays as it is.

    Raises OSError, ValueError, Trouble.
    """
    make_authority(places.authority, site)
    make_server(places.broker, places.authority, choices.broker.names)
    certificate = (places.authority / "ca.pem").read_bytes()
    for path, content in (
        (places.broker / "mosquitto.conf", configuration(choices).encode()),
        (places.settings / "ca.pem", certificate),  # for the gateway
        (places.data / "ca.pem", certificate),  # for provisioning
    ):
        path.write_bytes(content)
        path.chmod(0o644)  # whatever the umask
    credentials = Credentials(places.data, site)
    password = places.secrets / "broker"
    password.touch(mode=0o600)
    password.write_text(credentials.gateway() + "\n")
    credentials.publish()
