"""The sync process of a big town: `python sync_of_big_town.py STATE URL DATABASE PROFILE=COUNT...`."""

import asyncio
import logging
import sys
from pathlib import Path

import structlog

from cloud_sync.daemon import run
from cloud_sync.influx import Account, Connection
from cloud_sync.line_protocol import encoder
from tests.soak.big_town import big_site


def main() -> None:
    state, url, database, *counts = sys.argv[1:]
    wanted = {name: int(count) for name, _, count in (part.partition("=") for part in counts)}
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    account = Account(Connection(url), "v1", database)
    asyncio.run(run(Path(state), account, encoder(big_site(wanted))))


if __name__ == "__main__":
    main()
