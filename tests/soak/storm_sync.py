"""The sync process of the storm: `python storm_sync.py STATE URL DATABASE`."""

import asyncio
import logging
import sys
from pathlib import Path

import structlog

from cloud_sync.daemon import run
from cloud_sync.influx import Account, Connection
from cloud_sync.line_protocol import encoder
from tests.soak.storm_scene import storm_site


def main() -> None:
    state, url, database = sys.argv[1:]
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    account = Account(Connection(url), "v1", database)
    asyncio.run(run(Path(state), account, encoder(storm_site())))


if __name__ == "__main__":
    main()
