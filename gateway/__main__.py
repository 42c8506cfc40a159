"""`python -m gateway --site DIR --state DIR`: the gateway alone, without the other commands."""

import argparse
import sys
from pathlib import Path

from device_configs.problem import ConfigError
from gateway.claim import StartError
from gateway.start import broker_at, page_at, serve, settings_of


def main() -> int:
    """Run the gateway; return the exit status: 0 ok, 1 failed, 3 configuration."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    parser.add_argument("--site", type=Path, required=True, help="the site's folder")
    parser.add_argument("--state", type=Path, required=True, help="where the store is, and the socket")
    parser.add_argument("--keys", type=Path, help="the nodes' keys; default: keys.json in the state folder")
    parser.add_argument("--broker", default="127.0.0.1:1883", help="host:port of the MQTT broker")
    parser.add_argument("--broker-user", help="user name at the broker")
    parser.add_argument("--broker-password-file", type=Path, help="file with the password")
    parser.add_argument("--broker-ca", type=Path, help="certificates to verify the broker with; turns TLS on")
    parser.add_argument("--page", help="host:port to serve the page on; left out: no page")
    parser.add_argument("--interval", type=int, help="seconds between samples, where not as the site says")
    arguments = parser.parse_args()
    try:
        broker = broker_at(
            arguments.broker, arguments.broker_user, arguments.broker_password_file, arguments.broker_ca
        )
        page = page_at(arguments.page) if arguments.page else None
        serve(settings_of(arguments.site, arguments.state, broker, arguments.keys, page, arguments.interval))
    except ConfigError as error:
        print("\n".join(problem.pretty() for problem in error.problems), file=sys.stderr)  # noqa: T201
        return 3
    except StartError as error:
        print(f"gateway: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
